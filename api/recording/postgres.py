"""Writing decisions to PostgreSQL: one statement for many rows, harmless to repeat."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from api.recording.row import COLUMNS

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
}
_COLUMNS = ", ".join(COLUMNS)
_TYPED_COLUMNS = ", ".join(f"{column} {_TYPES.get(column, 'text')}" for column in COLUMNS)
_INSERT = (
    f"INSERT INTO decision ({_COLUMNS}) "  # noqa: S608  our own column names
    f"SELECT {_COLUMNS.replace('subject', 'decode(subject, $$hex$$)')} FROM json_to_recordset(%s::json) AS "
    f"row({_TYPED_COLUMNS}) "
    "ON CONFLICT DO NOTHING"
)


class PostgresSink:
    """One connection, kept open. Used by one thread at a time."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def write(self, rows: Sequence[bytes]) -> None:
        """All rows are committed on return; a row that is there already stays as it is.

        Raises psycopg.Error, after which it is not known whether they were.
        """
        document = b"[" + b",".join(rows) + b"]"
        try:
            self._execute(document)
        except psycopg.errors.CheckViolation:  # no partition for the day
            self._make_partitions(rows)
            self._execute(document)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _execute(self, document: bytes) -> None:
        try:
            self._open().execute(_INSERT, [document.decode()], prepare=True)
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
