"""Whoever reads the whole database and whoever drops days of the log take turns.

A dump holds every table. A purge that waited for one would make all checks wait behind it, so it asks first.
"""

import psycopg
from psycopg import errors
from sqlalchemy import text

from backups.errors import BackupTrouble
from core.db import db

_KEY = "hashtextextended('aig: the whole database', 0)"
_PATIENCE = "15min"


class Busy(BackupTrouble):
    def __init__(self) -> None:
        super().__init__("Another backup or the purge is running. Try again when it is done.")


def wait_for_dumps() -> None:
    """Until the session's transaction ends, no dump begins."""
    db.session.execute(text(f"SELECT pg_advisory_xact_lock({_KEY})"))


def take_turn(connection: psycopg.Connection) -> None:
    """Until the connection is closed, no other dump and no purge begins. Raises Busy."""
    connection.execute(f"SET lock_timeout = '{_PATIENCE}'".encode())
    try:
        connection.execute(f"SELECT pg_advisory_lock({_KEY})".encode())
    except errors.LockNotAvailable as error:
        raise Busy from error
