"""Each web process tells every few seconds what waits on its machine's disk; several of one machine say the same."""

import socket
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from api.machines import services
from api.machines.spools import WaitingRows, machine_id, waiting_rows
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.periodic_flush import EnterApp, PeriodicFlush

log = structlog.get_logger()

AT_LEAST_EVERY = timedelta(seconds=20)


class MachineReporter(PeriodicFlush):
    """Says nothing while nothing has changed, but that it lives."""

    name = "machine-report"

    def __init__(self, enter_app: EnterApp, data_path: Path) -> None:
        super().__init__(enter_app)
        self._data_path = data_path
        self._reported: tuple[WaitingRows, datetime] | None = None

    def flush(self) -> None:
        try:
            own_id, waiting, now = machine_id(self._data_path), waiting_rows(self._data_path), utc_now()
        except OSError as error:  # of the disk; the next report tries again
            log.warning("machine.not_reported", error=type(error).__name__, errno=error.errno)
            return
        if self._reported is None or self._reported[0] != waiting or now - self._reported[1] >= AT_LEAST_EVERY:
            with self._enter_app(), acting_as_system(), transaction():
                services.report(own_id, socket.gethostname(), waiting, now=now)
            self._reported = (waiting, now)
