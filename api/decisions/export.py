"""The log as a file: NDJSON or CSV, made row by row."""

import csv
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


def lines(rows: Iterable[Any], form: ExportFormat) -> Iterator[bytes]:
    """The file in pieces, one a row; CSV starts with a line of column names."""
    return csv_lines(_FIELDS, map(_as_mapping, rows)) if form is ExportFormat.CSV else _ndjson_lines(rows)


def _as_mapping(row: Any) -> dict[str, Any]:
    return msgspec.structs.asdict(view_of(row))


def _ndjson_lines(rows: Iterable[Any]) -> Iterator[bytes]:
    encoder = msgspec.json.Encoder()
    for row in rows:
        yield encoder.encode(view_of(row)) + b"\n"


def csv_lines(fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """A line of column names, then one a row, each cell safe to open in a spreadsheet."""
    yield _csv_line(fields)
    for row in rows:
        yield _csv_line([_cell(row[field]) for field in fields])


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
