"""An export can be compressed on its way, and goes on where it broke off."""

import gzip
import json
from typing import Any

from flask import Flask

from core.clock import utc_now
from tests.api.test_hourly import some
from tests.cast import Member


def export(app: Flask, who: Member, query: str = "", **headers: str) -> Any:
    authorization = {"Authorization": f"Bearer {who.secret}"}
    answer = app.test_client().get(f"/v1/decisions/export{query}", headers={**authorization, **headers})
    answer.get_data()  # a download that nobody reads keeps its cursor open
    return answer


def records(content: bytes) -> list[Any]:
    return [json.loads(line) for line in content.splitlines()]


def test_a_download_goes_on_after_the_last_whole_line(app: Flask, ada: Member) -> None:
    some(app, ada, utc_now(), hours=6)
    *whole, end = records(export(app, ada).data)

    *rest, end_of_rest = records(export(app, ada, f"?after={whole[9]['decision_id']}").data)

    assert (len(whole), end["records"]) == (24, 24)
    assert rest == whole[10:]
    assert end_of_rest["records"] == 14
    assert export(app, ada, "?after=dec_none").status_code == 422


def test_gzip_is_sent_to_who_accepts_it_and_to_nobody_else(app: Flask, ada: Member) -> None:
    some(app, ada, utc_now(), hours=6)
    plain = export(app, ada)

    compressed = export(app, ada, **{"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in export(app, ada, **{"Accept-Encoding": "gzip;q=0"}).headers
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in compressed.headers["Vary"]
    assert gzip.decompress(compressed.data) == plain.data
    assert len(compressed.data) < len(plain.data) / 3
