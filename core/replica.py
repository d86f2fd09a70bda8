"""Reading from a replica what costs most to read: lists of the log, dashboards, files.

Whoever reads there sees everything that was committed when they began: the primary says up to where its log is on
disk, and the replica is read once it has replayed that. Where the log was flushed by whole pages it may end within a
record, which nobody can replay before the rest comes, on a quiet primary ten seconds later; a commit brings it at once.
One that is away, hangs or stays behind is not waited for: the primary is read instead, and the replica is left alone
for a few seconds.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import msgspec
import structlog
from flask import Flask, current_app
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree

from core.clock import monotonic_s
from core.connections import CONNECTION_OPTIONS, DeadlineConnection
from core.db import REPLICA, db, is_away, on_replica
from core.observability import REPLICA_READS

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
log = structlog.get_logger()

CATCHES_UP_WITHIN_S = 0.2
ANSWERS_WITHIN_S = 1.0
READS_WITHIN_S = 10.0
"""A round trip to a replica that has just answered."""
LEFT_ALONE_FOR_S = 5.0
_LOOK_EVERY_S = 0.01
_EXTENSION = "replica"
_COMMITTED = text("""
    SELECT CAST(flushed AS text), (flushed - '0/0') % CAST(current_setting('wal_block_size') AS integer) = 0
    FROM pg_current_wal_flush_lsn() AS flushed
""")
_SOMETHING_TO_COMMIT = text("SELECT pg_logical_emit_message(true, 'ai-governance', '')")
_HAS_REPLAYED = text("SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= CAST(:committed AS pg_lsn)")


class _Replica(msgspec.Struct):
    """What this process knows of it."""

    left_alone_until_s: float = 0.0

    def leave_alone(self, reason: str) -> None:
        self.left_alone_until_s = monotonic_s() + LEFT_ALONE_FOR_S
        log.warning("replica.left_alone", reason=reason)


def bind(url: str, *, pool_size: int) -> dict[str, Any]:
    """As Flask-SQLAlchemy takes it."""

    def connect() -> DeadlineConnection:
        connection = DeadlineConnection.connect(url, prepare_threshold=None, **CONNECTION_OPTIONS)
        connection.timeout_s = ANSWERS_WITHIN_S
        return connection

    return {
        "url": "postgresql+psycopg://",
        "creator": connect,
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": ANSWERS_WITHIN_S,
    }


def init_app(app: Flask) -> None:
    with app.app_context():
        engine = db.engines.get(REPLICA)
    if engine is not None:
        app.extensions[_EXTENSION] = _Replica()
        event.listen(engine, "handle_error", _part_from_what_fell_silent)


@contextmanager
def reading() -> Iterator[bool]:
    """Nothing is written within. Yields whether the session reads from the replica; if not, from the primary."""
    replica: _Replica | None = current_app.extensions.get(_EXTENSION)
    if replica is None or monotonic_s() < replica.left_alone_until_s:
        yield False
        return
    committed = _committed()
    with on_replica():
        if _has_caught_up(replica, committed):
            REPLICA_READS.labels("replica").inc()
            with _patience():
                yield True
            return
    REPLICA_READS.labels("primary").inc()
    yield False


def reads_replica(view: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """For a view that only reads. One that the replica fails is run again, on the primary."""

    @wraps(view)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with reading() as is_replica:
            try:
                return view(*args, **kwargs)
            except DBAPIError as error:
                if not is_replica or not is_away(error):
                    raise
                current_app.extensions[_EXTENSION].leave_alone(type(error.orig).__name__)
        REPLICA_READS.labels("primary").inc()
        return view(*args, **kwargs)

    return run


def _committed() -> str:
    """Up to where the log of the primary is on disk, and can be replayed."""
    flushed, ends_with_page = db.session.execute(_COMMITTED).one()
    db.session.rollback()
    if ends_with_page:
        db.session.execute(_SOMETHING_TO_COMMIT)
        db.session.commit()
        flushed, _ = db.session.execute(_COMMITTED).one()
        db.session.rollback()
    return str(flushed)


def _has_caught_up(replica: _Replica, committed: str) -> bool:
    """On the connection that is read from then: behind one address there may be several servers."""
    deadline_s = monotonic_s() + CATCHES_UP_WITHIN_S
    try:
        while not db.session.execute(_HAS_REPLAYED, {"committed": committed}).scalar_one():
            if monotonic_s() >= deadline_s:
                replica.leave_alone("behind")
                db.session.rollback()
                return False
            time.sleep(_LOOK_EVERY_S)
    except (DBAPIError, NoneFree) as error:
        replica.leave_alone(type(error).__name__)
        db.session.rollback()
        return False
    return True


@contextmanager
def _patience() -> Iterator[None]:
    """More of it, with a server that answers; the transaction ends with it."""
    connection = db.session.connection().connection.driver_connection
    assert isinstance(connection, DeadlineConnection)  # noqa: S101  only so typed
    connection.timeout_s = READS_WITHIN_S
    try:
        yield
    finally:
        connection.timeout_s = ANSWERS_WITHIN_S
        db.session.rollback()


def _part_from_what_fell_silent(context: ExceptionContext) -> None:
    """After a deadline the answer to the last statement may still come; nobody else is to get it."""
    if is_away(context.original_exception):
        context.is_disconnect = True
