"""The store in our words. ClickHouse is behind it in `clickhouse.py`, the one file that knows its client."""

from typing import Any, Protocol


class StoreAway(Exception):
    """It did not answer in time, or refused: PostgreSQL is asked instead, or the next minute tries again."""


class Store(Protocol):
    """Every call ends by a deadline, and raises StoreAway then."""

    def rows(self, query: str, **given: Any) -> list[list[Any]]:
        """What a query finds; `given` are its parameters, `{name:Type}` in the query."""

    def run(self, statement: str) -> None: ...

    def insert(self, table: str, lines: bytes) -> None:
        """Rows as JSON objects, one on each line."""
