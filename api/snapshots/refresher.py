"""A thread that makes the new state of what was announced as changed, so that no check waits for a compilation."""

from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from uuid import UUID

import psycopg
import structlog

from core.observability import report_error

log = structlog.get_logger()


class Refresher:
    def __init__(self, refresh: Callable[[Sequence[UUID]], None]) -> None:
        self._refresh = refresh
        self._lock = Lock()
        self._names: dict[UUID, None] = {}
        self._wake = Event()
        self._is_stopped = False
        self._thread: Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="snapshot-refresh", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def ask_for(self, name: UUID) -> None:
        with self._lock:
            self._names[name] = None
        self._wake.set()

    def _run(self) -> None:
        while not self._is_stopped:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                names, self._names = list(self._names), {}
            try:
                self._refresh(names)
            except psycopg.OperationalError as error:
                log.warning("snapshots.not_refreshed", error=type(error).__name__)  # whoever asks reads it then
            except Exception as error:
                log.exception("snapshots.refresh_failed")
                report_error(error)
