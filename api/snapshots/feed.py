"""Hearing of changes: a thread that listens to what the database announces, and says when it hears nothing."""

import math
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import psycopg
import structlog

from core.clock import monotonic_s
from core.observability import DATABASE_CONNECTION_ERRORS, FEED_LOST

log = structlog.get_logger()

Connect = Callable[[], psycopg.Connection[tuple[Any, ...]]]

CHANNEL = "aig_changes"
BEAT_S = 0.2
ANSWER_WITHIN_S = 0.4
"""Longest wait for the answer to a beat; with the beat itself, below the second that a revocation may take."""
SILENCE_S = 0.8
"""After so long without a beat the announcements count as stopped."""
HOLDS_WITHIN_S = 0.9
"""So long after the last beat before it was announced, a change holds: later than that nothing old is served."""
RETRY_AFTER_S = 0.3


class Feed:
    """Listens for changes. `epoch` names an unbroken stretch of listening, or is None while there is none."""

    def __init__(self, connect: Connect, *, on_change: Callable[[str, str], None]) -> None:
        self._connect = connect
        self._on_change = on_change
        self._epochs = 0
        self._is_listening = False
        self._has_failed = False
        self._last_beat_s = -math.inf
        self._stopped = Event()
        self._thread: Thread | None = None

    @property
    def epoch(self) -> int | None:
        if self._is_listening and monotonic_s() - self._last_beat_s < SILENCE_S:
            return self._epochs
        return None

    @property
    def is_lost(self) -> bool:
        """Whether it listened, or tried to, and the database does not answer."""
        return (self._is_listening or self._has_failed) and self.epoch is None

    @property
    def last_beat_s(self) -> float:
        return self._last_beat_s

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="change-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                connection = self._connect()
                try:
                    self._listen(connection)
                finally:
                    connection.close()
            except Exception as error:
                self._has_failed = True
                if not self._is_listening:
                    DATABASE_CONNECTION_ERRORS.inc()
                log.warning("feed.lost", exc_info=error)
            finally:
                was_listening, self._is_listening = self._is_listening, False
                FEED_LOST.set(0 if self._stopped.is_set() else 1)
            if not was_listening:  # a connection that broke is made again at once
                self._stopped.wait(RETRY_AFTER_S)

    def _listen(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self._epochs += 1
        self._last_beat_s = monotonic_s()
        self._is_listening = True
        self._has_failed = False
        FEED_LOST.set(0)
        while not self._stopped.is_set():
            for note in connection.notifies(timeout=BEAT_S):
                self._on_change(*note.payload.split(":", 1))
            beat_s = monotonic_s()
            connection.execute("SELECT 1")
            self._last_beat_s = beat_s
