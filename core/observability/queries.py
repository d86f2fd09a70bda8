"""How long the database takes for the statements of pages, the API and jobs. Checks are timed by their stages."""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

from core.clock import monotonic_s
from core.observability.metrics import QUERY_DURATION

KINDS = {"SELECT": "select", "WITH": "select", "INSERT": "insert", "UPDATE": "update", "DELETE": "delete"}
OTHER = "other"
_OF_EACH_TRANSACTION = "SELECT set_config"
"""On whose behalf statements run: as frequent as all others, and always quick."""
_BEGAN = "aig_query_began_s"


def time_queries(engine: Engine) -> None:
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)
    event.listen(engine, "handle_error", _failed)


def kind_of(statement: str) -> str:
    if statement.startswith(_OF_EACH_TRANSACTION):
        return OTHER
    return KINDS.get(statement.split(None, 1)[0].upper() if statement.strip() else "", OTHER)


def _begin(connection: Connection, *_: Any) -> None:
    connection.info[_BEGAN] = monotonic_s()


def _end(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    _observe(connection, statement)


def _failed(context: ExceptionContext) -> None:
    """Also one that ran into its deadline took its time."""
    connection = context.connection
    if connection is not None and not connection.invalidated and context.statement:
        _observe(connection, context.statement)


def _observe(connection: Connection, statement: str) -> None:
    began_s = connection.info.pop(_BEGAN, None)
    if began_s is not None:
        QUERY_DURATION.labels(kind_of(statement)).observe(monotonic_s() - began_s)
