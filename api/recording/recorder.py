"""Making decisions durable before their answers leave, in one act for all that wait.

`database`: the rows are committed in PostgreSQL; while it is away, they are on the local disk. `disk`: they are on the
local disk. `process`: they are with the operating system, which outlives any process. Where the first choice fails the
other place is tried; where both fail, the caller gets an error, and the client no answer.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from threading import Lock
from typing import Protocol

import psycopg
import structlog

from api.recording.loop_postgres import LoopSink
from core.clock import monotonic_s
from core.errors import AppError
from core.observability import DATABASE_CONNECTION_ERRORS, RECORD_FAILURES, RECORDED
from core.settings import Durability

log = structlog.get_logger()

_IN_DATABASE, _IN_SPOOL = (RECORDED.labels(to) for to in ("database", "spool"))

RETRY_AFTER_S = 1.0


class DecisionNotRecorded(AppError):
    status, code, title = (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "decision_not_recorded",
        "The decision could not be recorded",
    )
    advice = "Treat the operation as blocked, and retry after a second."

    def __init__(self) -> None:
        super().__init__(headers=(("Retry-After", "1"),))


class Sink(Protocol):
    def write(self, rows: Sequence[bytes]) -> None: ...

    def close(self) -> None: ...


class LocalPlace(Protocol):
    """Where lines are kept on this machine, as `Spool` does it."""

    def append(self, lines: Sequence[bytes], *, to_disk: bool) -> None: ...


class Recorder:
    def __init__(
        self,
        sink: Sink,
        spool: LocalPlace,
        *,
        durability: Durability,
        is_database_lost: Callable[[], bool] = lambda: False,
        on_loop: LoopSink | None = None,
    ) -> None:
        self._sink = sink
        self._spool = spool
        self._durability = durability
        self._is_database_lost = is_database_lost
        self._on_loop = on_loop
        self._one_at_a_time = Lock()
        self._database_away_until_s = 0.0
        self.failed_s = self.succeeded_s = float("-inf")
        """When the database last refused to keep something, and when it last did."""

    def record(self, rows: Sequence[bytes]) -> None:
        """Returns once all of `rows` are durable. Raises DecisionNotRecorded."""
        with self._one_at_a_time:
            if not self._store(rows):
                RECORD_FAILURES.inc(len(rows))
                raise DecisionNotRecorded

    def record_at_once(self, rows: Sequence[bytes]) -> bool:
        """Records where no flush and no commit has to be waited for; else nothing was done, and `record` has to."""
        if self._durability is not Durability.PROCESS or not self._one_at_a_time.acquire(blocking=False):
            return False
        try:
            return self._to_spool(rows, to_disk=False)
        finally:
            self._one_at_a_time.release()

    async def commit_soon(self, rows: Sequence[bytes]) -> bool:
        """The same on the event loop, where a commit is wanted; if not, it is not known, and `record` has to."""
        if self._durability is not Durability.DATABASE or self._on_loop is None or self._is_database_away():
            return False
        try:
            is_committed = await self._on_loop.write(rows)
        except TimeoutError:
            self._note_away()
            return False
        if is_committed:
            self._note_committed(rows)
        return is_committed

    def close(self) -> None:
        with self._one_at_a_time:
            self._sink.close()
        if self._on_loop is not None:
            self._on_loop.close()

    def _store(self, rows: Sequence[bytes]) -> bool:
        if self._durability is Durability.DATABASE:
            return self._to_database(rows) or self._to_spool(rows, to_disk=True)
        to_disk = self._durability is Durability.DISK
        return self._to_spool(rows, to_disk=to_disk) or self._to_database(rows)

    def _to_database(self, rows: Sequence[bytes]) -> bool:
        if self._is_database_away():
            return False
        try:
            self._sink.write(rows)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            log.critical("recorder.row_refused", error=type(error).__name__, rows=len(rows))
            RECORD_FAILURES.inc(len(rows))
            raise DecisionNotRecorded from error  # what the database refuses would be refused again from the spool
        except psycopg.Error as error:
            log.warning("recorder.database_away", error=type(error).__name__, rows=len(rows))
            self._note_away()
            return False
        self._note_committed(rows)
        return True

    def _is_database_away(self) -> bool:
        return monotonic_s() < self._database_away_until_s or self._is_database_lost()

    def _note_away(self) -> None:
        DATABASE_CONNECTION_ERRORS.inc()
        self.failed_s = monotonic_s()
        self._database_away_until_s = self.failed_s + RETRY_AFTER_S

    def _note_committed(self, rows: Sequence[bytes]) -> None:
        self.succeeded_s = monotonic_s()
        _IN_DATABASE.inc(len(rows))

    def _to_spool(self, rows: Sequence[bytes], *, to_disk: bool) -> bool:
        try:
            self._spool.append(rows, to_disk=to_disk)
        except OSError as error:
            log.warning("recorder.spool_failed", error=type(error).__name__, errno=error.errno, rows=len(rows))
            return False
        _IN_SPOOL.inc(len(rows))
        return True
