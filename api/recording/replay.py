"""Replaying spooled decisions: a thread of each process empties its own spool, and those of the dead."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

import psycopg
import structlog

from api.recording.recorder import Sink
from api.recording.spool import Spool, read_lines
from core.clock import monotonic_s
from core.observability import SPOOL_QUARANTINED, SPOOL_REPLAYED

log = structlog.get_logger()

EVERY_S = 0.1
AFTER_FAILURE_S = 1.0
ROWS_AT_ONCE = 500


class Replay:
    """Rows are written so that repeating is harmless: a file is removed only after all of it was committed."""

    def __init__(self, sink: Sink, spool: Spool) -> None:
        self._sink = sink
        self._spool = spool
        self._stopped = Event()
        self._thread: Thread | None = None
        self.failed_s = self.succeeded_s = float("-inf")

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="spool-replay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Empties the spool once more, if the database lets it."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def run_once(self) -> int:
        """How many rows were replayed. Raises psycopg.Error while the database is away."""
        rows = 0
        for segment in self._spool.sealed_segments():
            rows += self._replay_segment(segment)
        return rows

    def _run(self) -> None:
        is_last_round = False
        while not is_last_round:
            is_last_round = self._stopped.is_set()
            pause_s = EVERY_S
            try:
                self.run_once()
            except Exception as error:
                log.warning("replay.waiting", exc_info=error)
                self.failed_s = monotonic_s()
                pause_s = AFTER_FAILURE_S
            self._stopped.wait(pause_s)
        self._sink.close()

    def _replay_segment(self, segment: Path) -> int:
        try:
            lines = read_lines(segment)
        except FileNotFoundError:
            return 0  # another process was quicker with this orphan
        for start in range(0, len(lines), ROWS_AT_ONCE):
            self._write(lines[start : start + ROWS_AT_ONCE])
            self.succeeded_s = monotonic_s()
        try:
            self._spool.remove(segment)
        except FileNotFoundError:
            return 0
        SPOOL_REPLAYED.inc(len(lines))
        return len(lines)

    def _write(self, lines: Sequence[bytes]) -> None:
        """Halves a group that the database refuses until the line at fault is alone, and keeps that line aside."""
        try:
            self._sink.write(lines)
        except (psycopg.DataError, psycopg.IntegrityError, UnicodeDecodeError) as error:
            if len(lines) == 1:
                log.warning("replay.line_refused", error=type(error).__name__)
                SPOOL_QUARANTINED.inc()
                self._spool.quarantine(lines[0])
                return
            middle = len(lines) // 2
            self._write(lines[:middle])
            self._write(lines[middle:])
