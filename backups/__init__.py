"""Backups: sealed dumps of the whole database, proven each night by a restore, and erasures that outlive them.

A backup is two objects in the store: the dump, sealed before it leaves the machine, and beside it a sealed manifest of
what the database held at that moment. The manifest is written last: a dump without one is no backup. Both are in the
age format, so that the `age` tool and `pg_restore` alone can bring a database back when this software is gone.
"""

from flask import Flask

from backups import jobs
from backups.cli import backup_commands
from core.settings import Settings

__all__ = ["init_app", "jobs"]


def init_app(app: Flask, settings: Settings) -> None:  # noqa: ARG001  every room is called alike
    app.cli.add_command(backup_commands)
