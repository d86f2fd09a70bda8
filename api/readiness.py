"""Whether the database answers, asked so that a server that hangs holds up nothing else."""

from threading import Lock

import psycopg

from core.clock import monotonic_s
from core.connections import connect_as
from core.db import DatabaseRole

ANSWERED_WITHIN_S = 1.0
BELIEVED_FOR_S = 1.0
"""Anybody may ask, as often as they like; the database is asked once a second."""

_STATE = "SELECT version_num, current_setting('transaction_read_only') FROM alembic_version"
"""A standby, and a primary that somebody has set to read alone, answer and keep nothing."""


class ReadinessProbe:
    """Asks on a new connection: the pool's could all be waiting, and that new ones can be made is asked too."""

    def __init__(self, database_url: str, *, is_pooled: bool = False) -> None:
        self._url = database_url
        self._is_pooled = is_pooled
        self._lock = Lock()
        self._asked_s: float | None = None
        self._version: str | None = None

    def migrated_to(self) -> str | None:
        """The newest migration that the database has; None if it does not answer, or takes no writes."""
        with self._lock:
            if self._asked_s is None or monotonic_s() - self._asked_s > BELIEVED_FOR_S:
                self._version = self._ask()
                self._asked_s = monotonic_s()
            return self._version

    def _ask(self) -> str | None:
        try:
            with connect_as(
                DatabaseRole.SYSTEM, self._url, timeout_s=ANSWERED_WITHIN_S, is_pooled=self._is_pooled
            ) as connection:
                found = connection.execute(_STATE).fetchone()
        except (psycopg.Error, OSError):
            return None
        return str(found[0]) if found and found[1] == "off" else None
