"""From the signal to stop on, each answer is the last on its connection."""

from threading import Event
from typing import Any

from core.farewell import Farewell
from tests.services import wait_until


def app(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"yes"]


def headers_of(farewell: Farewell) -> list[tuple[str, str]]:
    seen: list[tuple[str, str]] = []
    body = farewell({}, lambda _status, headers, *_: seen.extend(headers))  # type: ignore[arg-type]
    assert list(body) == [b"yes"]
    return seen


def test_only_after_the_signal_a_connection_is_closed() -> None:
    told = Event()
    farewell = Farewell(app, told.wait)

    before = headers_of(farewell)
    told.set()

    assert before == [("Content-Type", "text/plain")]
    wait_until(lambda: ("Connection", "close") in headers_of(farewell), "the process takes leave")
