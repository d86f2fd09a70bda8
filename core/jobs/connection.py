"""The worker's connection to its queue: what it notes there survives a restart of the database."""

import asyncio
from collections.abc import Iterable
from typing import Any, LiteralString

import procrastinate
import psycopg
import structlog
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException

from core.db import is_away

log = structlog.get_logger()

_PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
_LISTEN_AGAIN_S = 1.0


def is_lost(error: BaseException | None) -> bool:
    """Also where this worker was taken for dead while the database was away."""
    return is_away(error) or (error is not None and isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation))


class PatientConnector(procrastinate.PsycopgConnector):
    is_patient = True
    """No more once the worker was told to stop: then what could not be noted is taken over later."""

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """That a job is done is noted when the database is back: otherwise it would be done again."""
        is_repeated = False
        for pause_s in (*_PAUSES_S, None):
            try:
                await super().execute_query_async(query, **arguments)
            except ConnectorException as error:
                if is_repeated and isinstance(error.__cause__, psycopg.errors.RaiseException):
                    return  # it was noted the time before, and only the answer was lost
                if pause_s is None or not self.is_patient or not is_lost(error):
                    raise
                is_repeated = True
                await asyncio.sleep(pause_s)
            else:
                return

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """While nobody can be listened to, the queue is still looked into every few seconds."""
        channels = list(channels)
        while True:
            try:
                await super().listen_notify(on_notification, channels)
            except (ConnectorException, psycopg.Error) as error:
                if not is_lost(error):
                    raise
                log.warning("worker.not_listening", exc_info=error)
            await asyncio.sleep(_LISTEN_AGAIN_S)
