"""A file that was broken off is told from one that is whole."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.decisions.export import csv_lines, ndjson_lines

FIELDS = ("a", "b", "c", "d")
RECORDS = [{"a": 1, "b": "=x", "c": None, "d": "ü"}, {"a": 2, "b": "", "c": [], "d": "\n"}]


def breaking() -> Iterator[dict[str, Any]]:
    yield RECORDS[0]
    raise ConnectionError


@pytest.mark.parametrize("records", [[], RECORDS])
def test_the_last_line_of_ndjson_counts_the_records_and_hashes_the_bytes_before_it(records: list[Any]) -> None:
    *before, last = ndjson_lines(records)

    sha256 = hashlib.sha256(b"".join(before)).hexdigest()
    assert json.loads(last) == {"complete": True, "records": len(records), "sha256": sha256}


@pytest.mark.parametrize(("for_excel", "encoding"), [(False, "utf-8"), (True, "utf-8-sig")])
@pytest.mark.parametrize("records", [[], RECORDS])
def test_the_last_line_of_csv_does_too_and_has_as_many_cells_as_the_others(
    records: list[Any], for_excel: bool, encoding: str
) -> None:
    pieces = list(csv_lines(FIELDS, records, for_excel=for_excel))

    rows = list(csv.reader(io.StringIO(b"".join(pieces).decode(encoding), newline="")))
    assert rows[0] == list(FIELDS)
    sha256 = hashlib.sha256(b"".join(pieces[:-1])).hexdigest()
    assert rows[-1] == ["#complete", f"records={len(records)}", f"sha256={sha256}", ""]
    assert {len(row) for row in rows} == {len(FIELDS)}


@pytest.mark.parametrize("lines", [ndjson_lines(breaking()), csv_lines(FIELDS, breaking())])
def test_what_breaks_off_is_an_error_and_has_no_such_line(lines: Iterator[bytes]) -> None:
    sent: list[bytes] = []

    with pytest.raises(ConnectionError):
        sent.extend(lines)

    assert sent
    assert b"complete" not in b"".join(sent)
