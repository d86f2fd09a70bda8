"""`flask serve`: everything under one command. The embedded database, migrations, demo, web server and worker.

Each child runs in a process group of its own, and is started again when it ends by itself. A lock file says that a
supervisor lives; when one was killed, the next ends what it left behind and starts afresh.
"""

import fcntl
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from flask import Flask, current_app

from backups import migrating
from backups.errors import BackupTrouble
from core import logins
from core.clock import utc_now
from core.serving.command import web_command, web_environment
from core.settings import Settings
from local import demo, embedded
from local.children import Children, end_groups


class AlreadyRunning(click.ClickException):
    pass


def serve(app: Flask, settings: Settings) -> None:
    """Runs until SIGINT or SIGTERM. A child that ends by itself is started again, unless it ends again and again."""
    run_path = settings.data_path / "run"
    run_path.mkdir(parents=True, exist_ok=True)
    with _sole_supervisor(run_path):
        stop_wanted = _catch_signals()
        with app.app_context():
            _migrate()
            lines = list(demo.seed(settings))
        environment = web_environment(app.config["DATABASE_WEB_URL"], settings)
        children = Children(
            settings,
            environments={
                "web": environment,
                "worker": {**environment, "DATABASE_URL": app.config["DATABASE_URL"]},
                "mcp": environment,
            },
            web_command=web_command(),
            server=app.extensions.get(embedded.EXTENSION),
        )
        try:
            children.start_web()
            is_ready = children.wait_until_ready(stop_wanted)
            children.start_worker(stop_wanted)
            children.start_mcp(stop_wanted)
            if is_ready:
                _print_welcome(settings, lines)
            is_wanted = children.watch(stop_wanted)
        finally:
            children.stop()
            _stop_embedded(app)
    if not is_wanted:
        raise click.ClickException("A part of the service ended by itself, again and again; its last words are above.")


def _migrate() -> None:
    try:
        migrating.upgrade(now=utc_now())
        logins.ensure_logins(current_app)
    except (BackupTrouble, logins.LoginTrouble) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _sole_supervisor(run_path: Path) -> Iterator[None]:
    with (run_path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(
                f"The service already runs on the data in {run_path.parent}. Stop it first."
            ) from error
        end_groups(run_path / "group")
        yield


def _catch_signals() -> list[int]:
    caught: list[int] = []

    def catch(number: int, _frame: FrameType | None) -> None:
        caught.append(number)

    signal.signal(signal.SIGINT, catch)
    signal.signal(signal.SIGTERM, catch)
    return caught


def _print_welcome(settings: Settings, lines: list[tuple[str, str]]) -> None:
    click.echo("")
    for label, text in (
        ("Service", settings.local_url),
        ("Reference", f"{settings.local_url}/docs"),
        *lines,
        ("Stop", "Ctrl-C; the data stays"),
    ):
        click.echo(f"  {label:<10} {text}")
    click.echo("", nl=True)
    sys.stdout.flush()


def _stop_embedded(app: Flask) -> None:
    server: Any = app.extensions.get(embedded.EXTENSION)
    if server is not None:
        server.cleanup_mode = None  # or it would be stopped a second time at exit
        server.stop()
