"""How far the log is complete: up to which number every row is committed, or never will be.

A number is taken before its row is committed, so a higher one can be there first. Whoever inserts holds a lock on the
table from before it takes numbers until it has committed or given up: once all who held one when a number was the last
are done, nothing comes below that number any more.
"""

import time

from sqlalchemy import text

from core.clock import monotonic_s
from core.db import db

WAIT_S = 5.0
_LOOK_EVERY_S = 0.01
_LAST_NUMBER = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM decision_recorded_number")
_WRITERS = text("""
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'decision'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
""")


class WritersBusy(Exception):
    """Somebody holds the log for long, such as the purge: the next minute tries again."""


def complete_through() -> int:
    """Raises WritersBusy."""
    number = last_number()
    waited_for, until_s = _writers(), monotonic_s() + WAIT_S
    while waited_for := waited_for & _writers():
        if monotonic_s() > until_s:
            raise WritersBusy
        time.sleep(_LOOK_EVERY_S)
    return number


def last_number() -> int:
    """The last that was taken, whether or not its row is there yet."""
    return int(db.session.scalar(_LAST_NUMBER) or 0)


def _writers() -> frozenset[str]:
    return frozenset(db.session.scalars(_WRITERS))
