"""`flask serve`: everything under one command. The embedded database, migrations, demo, web server and worker.

Each child runs in a process group of its own, and is started again when it ends by itself. A lock file says that a
supervisor lives; when one was killed, the next ends what it left behind and starts afresh.
"""

import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import blinker
import click
from flask import Flask, current_app

from core import embedded, logins
from core.backups import migrating
from core.backups.errors import BackupTrouble
from core.children import Children, end_groups
from core.clock import utc_now
from core.settings import Settings

demo_wanted = blinker.Signal()
"""Sent by `flask serve` with `settings`; receivers make their part of the demo and yield labelled lines to print."""

CONNECTIONS_WAITING, REQUESTS_AT_ONCE = 2_048, 8_192
"""A request that is still being sent costs memory and no thread, so there may be many."""
HEADERS_WITHIN_MS = 10_000
WORKER_STOPPED_WITHIN_S = 5
"""And the time that a commit may take, for the last answers."""


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
            lines = _seed_demo(app, settings)
        environment = web_environment(app, settings)
        children = Children(
            settings,
            environments={"web": environment, "worker": {**environment, "DATABASE_URL": app.config["DATABASE_URL"]}},
            web_command=web_command(settings),
            server=app.extensions.get(embedded.EXTENSION),
        )
        try:
            children.start_web()
            is_ready = children.wait_until_ready(stop_wanted)
            children.start_worker(stop_wanted)
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


def web_command(settings: Settings) -> list[str]:
    """How the web server is started, here and in production."""
    command = [sys.executable, "-m", "core.web_process", "--interface", "asginl", "--factory", "wsgi:create_web"]
    options = {
        "--host": settings.host,
        "--port": settings.port,
        "--workers": settings.web_workers,
        "--loop": "asyncio",
        "--backlog": CONNECTIONS_WAITING,
        "--backpressure": REQUESTS_AT_ONCE,
        "--http1-header-read-timeout": HEADERS_WITHIN_MS,
        "--log-level": "error",
        "--respawn-interval": "0.1",
        "--workers-kill-timeout": WORKER_STOPPED_WITHIN_S + settings.record_timeout_ms // 1000,
    }
    return [
        *command,
        *(str(part) for option in options.items() for part in option),
        "--respawn-failed-workers",
        "--no-ws",
    ]


def web_environment(app: Flask, settings: Settings) -> dict[str, str]:
    """The environment of the web server: its own login alone, and a clean folder for the metrics of its processes."""
    metrics_path = settings.data_path / "run" / "metrics"
    shutil.rmtree(metrics_path, ignore_errors=True)
    metrics_path.mkdir(parents=True)
    return {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "DATABASE_WEB_URL": app.config["DATABASE_WEB_URL"],
        "PROMETHEUS_MULTIPROC_DIR": str(metrics_path),
    }


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


def _seed_demo(app: Flask, settings: Settings) -> list[tuple[str, str]]:
    return [line for _, lines in demo_wanted.send(app, settings=settings) for line in lines]


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
