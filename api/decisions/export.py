"""The log as a file: NDJSON or CSV, made row by row.

The last line of a whole file says so, with the number of records and the SHA-256 of every byte before that line. A file
without it was broken off. CSV for people begins with a byte order mark, without which Excel takes UTF-8 for the
system's own encoding; CSV for programs does not.
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from api.decisions.schema import DecisionView, ExportFormat, view_of

CONTENT_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.NDJSON: "application/x-ndjson",
}

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FIELDS = tuple(field.name for field in msgspec.structs.fields(DecisionView))


def lines(rows: Iterable[Any], form: ExportFormat, *, for_excel: bool = False) -> Iterator[bytes]:
    """The file in pieces, one a row; CSV starts with a line of column names."""
    if form is ExportFormat.CSV:
        return csv_lines(_FIELDS, map(_as_mapping, rows), for_excel=for_excel)
    return _ndjson_lines(rows)


def _as_mapping(row: Any) -> dict[str, Any]:
    return msgspec.structs.asdict(view_of(row))


def _ndjson_lines(rows: Iterable[Any]) -> Iterator[bytes]:
    return ndjson_lines(map(view_of, rows))


def ndjson_lines(records: Iterable[Any]) -> Iterator[bytes]:
    """One object a line, and a last one that has `complete`."""
    encoder = msgspec.json.Encoder()
    so_far, count = hashlib.sha256(), 0
    for record in records:
        line = encoder.encode(record) + b"\n"
        so_far.update(line)
        count += 1
        yield line
    yield encoder.encode({"complete": True, "records": count, "sha256": so_far.hexdigest()}) + b"\n"


def csv_lines(fields: Sequence[str], rows: Iterable[Mapping[str, Any]], *, for_excel: bool = False) -> Iterator[bytes]:
    """A line of column names, then one a row, each cell safe to open in a spreadsheet; and a last one: `#complete`."""
    names = (codecs.BOM_UTF8 if for_excel else b"") + _csv_line(fields)
    so_far, count = hashlib.sha256(names), 0
    yield names
    for row in rows:
        line = _csv_line([_cell(row[field]) for field in fields])
        so_far.update(line)
        count += 1
        yield line
    end = ["#complete", f"records={count}", f"sha256={so_far.hexdigest()}"]
    yield _csv_line([*end, *[""] * (len(fields) - len(end))])


def _csv_line(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode()


def _cell(value: Any) -> str:
    """Text for a spreadsheet; what it would take for a formula is marked as text (OWASP, CSV injection)."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
