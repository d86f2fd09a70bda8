"""The pool of database connections: how full it is, and how often the database cannot be reached."""

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from core.observability.metrics import DATABASE_CONNECTION_ERRORS, DATABASE_POOL_IN_USE, DATABASE_POOL_SIZE

_COUNTED = "aig_counted"


def watch_database(engine: Engine) -> None:
    """The pool's overflow does not count as its size: whoever uses it waited for a connection to be made."""
    if isinstance(engine.pool, QueuePool):
        DATABASE_POOL_SIZE.set(engine.pool.size())
        event.listen(engine, "checkout", _taken)
        event.listen(engine, "checkin", _given_back)
    event.listen(engine, "handle_error", _failed)


def _taken(_connection: Any, entry: ConnectionPoolEntry, _fairy: Any) -> None:
    _notes_on(entry)[_COUNTED] = True
    DATABASE_POOL_IN_USE.inc()


def _given_back(_connection: Any, entry: ConnectionPoolEntry) -> None:
    """Told also of what was never taken, because no connection came about."""
    if _notes_on(entry).pop(_COUNTED, False):
        DATABASE_POOL_IN_USE.dec()


def _notes_on(entry: ConnectionPoolEntry) -> dict[Any, Any]:
    """Those that outlive a connection that broke and was made again."""
    assert entry.record_info is not None  # noqa: S101  only so typed
    return entry.record_info


def _failed(context: ExceptionContext) -> None:
    """What was found dead in the pool is replaced in silence: a database that sleeps when idle is no trouble."""
    is_lost = context.is_disconnect or context.connection is None
    if is_lost and not context.is_pre_ping:
        DATABASE_CONNECTION_ERRORS.inc()
