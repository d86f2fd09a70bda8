"""What a process gathers and writes to the database every few seconds, and once more when it stops."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event, Thread

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.db import acting_as_system, transaction

log = structlog.get_logger()

FLUSH_EVERY_S = 5.0

EnterApp = Callable[[], AbstractContextManager[object]]
"""`app.app_context`: what is gathered need not know the web."""


class PeriodicFlush:
    """`write` is what subclasses do with what they gathered, in the system's scope and a transaction of its own.

    One that needs several transactions overrides `flush` instead.
    """

    name = "periodic-flush"

    def __init__(self, enter_app: EnterApp) -> None:
        self._enter_app = enter_app
        self._stopped = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        self._thread = Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def flush(self) -> None:
        with self._enter_app(), acting_as_system(), transaction():
            self.write()

    def write(self) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        while not self._stopped.wait(FLUSH_EVERY_S):
            self._flush_if_possible()
        self._flush_if_possible()

    def _flush_if_possible(self) -> None:
        try:
            self.flush()
        except SQLAlchemyError as error:
            log.warning("flush.failed", what=self.name, error=type(error).__name__)
