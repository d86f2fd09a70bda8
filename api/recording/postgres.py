"""Writing decisions to PostgreSQL: one statement for many rows, harmless to repeat."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import psycopg

from api.recording.row import COLUMNS
from core.clock import utc_now

Connect = Callable[[], psycopg.Connection[tuple[Any, ...]]]

_TYPES = {
    "id": "uuid",
    "decided_at": "timestamptz",
    "organization_id": "uuid",
    "api_key_id": "uuid",
    "metadata": "jsonb",
    "risk_score": "smallint",
    "allowed": "boolean",
    "reasons": "jsonb",
    "policy_version": "integer",
    "latency_us": "integer",
    "shadow": "jsonb",
    "derivation": "jsonb",
}
COLUMNS_OF_ROW = ", ".join(COLUMNS)
TYPED_COLUMNS_OF_ROW = ", ".join(f"{column} {_TYPES.get(column, 'text')}" for column in COLUMNS)


def selected_columns(within: str = "") -> str:
    """The columns as the table takes them, from rows of JSON that have `within` for their prefix."""
    return ", ".join(f"decode({within}subject, $$hex$$)" if one == "subject" else f"{within}{one}" for one in COLUMNS)


_INSERT = (
    f"INSERT INTO decision ({COLUMNS_OF_ROW}) "  # noqa: S608  our own column names
    f"SELECT {selected_columns()} FROM json_to_recordset(%s::json) AS "
    f"row({TYPED_COLUMNS_OF_ROW}) "
    "ON CONFLICT DO NOTHING"
)
INSERT_PREPARED = _INSERT.replace("%s", "$1")
"""As the server itself is told of it, where a client prepares it by a name."""
_LATE_AFTER = timedelta(minutes=4)
"""Sooner than hours are counted after their end."""
_OF_HOUR = re.compile(rb'"decided_at":"([0-9T:-]{13})[^}]*?"organization_id":"([0-9a-f-]{36})"')
_MARK_HOURS = """
    INSERT INTO changed_decision_hour (organization_id, hour)
    SELECT organization_id::uuid, hour::timestamptz FROM unnest(%s::text[], %s::text[]) AS late (organization_id, hour)
    WHERE organization_id::uuid IN (SELECT id FROM organization)
    ON CONFLICT DO NOTHING
"""


class PostgresSink:
    """One connection, kept open. Used by one thread at a time."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def write(self, rows: Sequence[bytes]) -> None:
        """All rows are committed on return; a row that is there already stays as it is.

        Raises psycopg.Error, after which it is not known whether they were.
        """
        self.write_document(_INSERT, rows)

    def write_document(self, statement: str, rows: Sequence[bytes]) -> psycopg.Cursor[tuple[Any, ...]]:
        """Executes `statement` with all rows as one JSON array, in a day of theirs that may be new."""
        document = b"[" + b",".join(rows) + b"]"
        try:
            return self.execute(statement, document)
        except psycopg.errors.CheckViolation:  # no partition for the day
            self._make_partitions(rows)
            return self.execute(statement, document)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def execute(self, statement: str, document: bytes) -> psycopg.Cursor[tuple[Any, ...]]:
        """Raises psycopg.OperationalError where the database is away, whatever it was that went wrong."""
        try:
            return self._open().execute(statement, [document.decode()], prepare=True)
        except psycopg.errors.DataError:
            raise
        except psycopg.errors.IntegrityError:
            raise
        except (psycopg.Error, OSError) as error:
            self.close()
            raise psycopg.OperationalError("the database is away") from error

    def _make_partitions(self, rows: Sequence[bytes]) -> None:
        days = {row.partition(b'"decided_at":"')[2][:10].decode() for row in rows}
        for day in sorted(days):
            self._open().execute("SELECT ensure_decision_partition(%s::date)", [day])

    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection


class LateRowsSink(PostgresSink):
    """For rows that may be old by now: the hours of those that are have to be counted again."""

    def write(self, rows: Sequence[bytes]) -> None:
        super().write(rows)
        self.mark_late(rows)

    def mark_late(self, rows: Sequence[bytes]) -> None:
        """Of many rows the first, which was appended first, says whether any is late."""
        open_hour = (utc_now() - _LATE_AFTER).isoformat()[:13].encode()
        if (first := _OF_HOUR.search(rows[0])) and first[1] < open_hour:
            hours = {found.groups() for row in rows if (found := _OF_HOUR.search(row)) and found[1] < open_hour}
            organization_ids = [organization_id.decode() for _, organization_id in hours]
            self._open().execute(_MARK_HOURS, [organization_ids, [f"{hour.decode()}:00Z" for hour, _ in hours]])
