"""Connections beside the pool of pages: with deadlines, also through a pooler."""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import Params, PQGen, QueryNoTemplate

from core.db import DatabaseRole

Result = TypeVar("Result")


class DeadlineConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which nothing waits longer than `timeout_s` for a server that has fallen silent."""

    timeout_s: float = 2.0

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        return super().wait(gen, interval, self.timeout_s if timeout is None else timeout)


class PooledConnection(DeadlineConnection):
    """Through a pooler that lends a server to each transaction: each says who acts, and nothing is prepared."""

    role: DatabaseRole

    def execute(  # type: ignore[override]  # of the two ways to ask we know one
        self,
        query: QueryNoTemplate,
        params: Params | None = None,
        *,
        prepare: bool | None = None,  # noqa: ARG002  the next transaction may be on another server
        binary: bool = False,
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        with self.transaction():
            super().execute("SELECT set_config('role', %s, true)", [self.role.value])
            return super().execute(query, params, binary=binary)


CONNECTION_OPTIONS: dict[str, Any] = {
    "connect_timeout": 2,
    "tcp_user_timeout": 1000,
    "application_name": "ai-governance",
}


def connect_as(
    role: DatabaseRole, database_url: str, *, timeout_s: float = 2.0, is_pooled: bool = False
) -> DeadlineConnection:
    """A connection of its own, in autocommit, acting as `role`; for the recorder and the change feed."""
    if is_pooled:
        pooled = PooledConnection.connect(database_url, autocommit=True, prepare_threshold=None, **CONNECTION_OPTIONS)
        pooled.timeout_s, pooled.role = timeout_s, role
        return pooled
    connection = DeadlineConnection.connect(database_url, autocommit=True, **CONNECTION_OPTIONS)
    connection.timeout_s = timeout_s
    connection.execute("SELECT set_config('role', %s, false)", [role.value])
    return connection
