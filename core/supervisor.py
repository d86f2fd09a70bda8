"""`flask serve`: everything under one command. The embedded database, migrations, demo, web server and worker.

Children run in a process group of their own. A lock file says that a supervisor lives; when one was killed, the next
ends what it left behind and starts afresh.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import blinker
import click
from flask import Flask

from core import embedded
from core.backups import migrating
from core.backups.errors import BackupTrouble
from core.clock import monotonic_s, utc_now
from core.settings import Settings

demo_wanted = blinker.Signal()
"""Sent by `flask serve` with `settings`; receivers make their part of the demo and yield labelled lines to print."""

READY_WITHIN_S = 30
STOPPED_WITHIN_S = 15
WORKER_STOPPED_WITHIN_S = 5
"""And the time that a commit may take, for the last answers."""


class AlreadyRunning(click.ClickException):
    pass


def serve(app: Flask, settings: Settings) -> None:
    """Runs until SIGINT or SIGTERM, or until a child ends by itself."""
    run_path = settings.data_path / "run"
    run_path.mkdir(parents=True, exist_ok=True)
    with _sole_supervisor(run_path):
        stop_wanted = _catch_signals()
        with app.app_context():
            _migrate()
            lines = _seed_demo(app, settings)
        children = _Children(app, settings, run_path)
        try:
            children.start_web()
            is_ready = children.wait_until_ready(stop_wanted)
            children.start_worker(stop_wanted)
            if is_ready:
                _print_welcome(settings, lines)
            is_wanted = children.wait(stop_wanted)
        finally:
            children.stop()
            _stop_embedded(app)
    if not is_wanted:
        raise click.ClickException("A part of the service ended by itself; its last words are above.")


def _migrate() -> None:
    try:
        migrating.upgrade(now=utc_now())
    except BackupTrouble as error:
        raise click.ClickException(str(error)) from error


def web_command(settings: Settings) -> list[str]:
    """How the web server is started, here and in production."""
    command = [sys.executable, "-m", "core.web_process", "--interface", "wsgi", "--factory", "wsgi:create_web"]
    options = {
        "--host": settings.host,
        "--port": settings.port,
        "--workers": settings.web_workers,
        "--blocking-threads": settings.web_threads,
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
    """The environment of the web server: where its database is, and a clean folder for the metrics of its processes."""
    metrics_path = settings.data_path / "run" / "metrics"
    shutil.rmtree(metrics_path, ignore_errors=True)
    metrics_path.mkdir(parents=True)
    return {
        **os.environ,
        "DATABASE_URL": app.config["DATABASE_URL"],
        "PROMETHEUS_MULTIPROC_DIR": str(metrics_path),
    }


class _Children:
    def __init__(self, app: Flask, settings: Settings, run_path: Path) -> None:
        self._settings = settings
        self._environment = web_environment(app, settings)
        self._group_file = run_path / "group"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start_web(self) -> None:
        self._spawn("web", web_command(self._settings))

    def start_worker(self, stop_wanted: list[int]) -> None:
        """Once the web server answers: the worker's probes would count what came before as an outage."""
        if self._all_live() and not stop_wanted:
            self._spawn("worker", [sys.executable, "-m", "flask", "worker"])

    def wait_until_ready(self, stop_wanted: list[int]) -> bool:
        deadline_s = monotonic_s() + READY_WITHIN_S
        while monotonic_s() < deadline_s and not stop_wanted and self._all_live():
            try:
                with urlopen(f"{self._settings.local_url}/health/live", timeout=1):  # noqa: S310  our own address
                    return True
            except (URLError, OSError):
                time.sleep(0.05)
        return False

    def wait(self, stop_wanted: list[int]) -> bool:
        """Whether the end was wanted."""
        while not stop_wanted and self._all_live():
            time.sleep(0.2)
        return bool(stop_wanted)

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
        _end_group(self._group_file)

    def _spawn(self, name: str, command: list[str]) -> None:
        group = next((process.pid for process in self._processes.values()), 0)
        self._processes[name] = subprocess.Popen(command, env=self._environment, process_group=group)
        if not group:
            self._group_file.write_text(str(self._processes[name].pid))

    def _all_live(self) -> bool:
        return all(process.poll() is None for process in self._processes.values())


@contextmanager
def _sole_supervisor(run_path: Path) -> Iterator[None]:
    with (run_path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(
                f"The service already runs on the data in {run_path.parent}. Stop it first."
            ) from error
        _end_group(run_path / "group")
        yield


def _end_group(group_file: Path) -> None:
    """Ends the children that a killed supervisor left behind, if the group is still ours."""
    try:
        group = int(group_file.read_text())
    except (OSError, ValueError):
        return
    if _is_ours(group):
        os.killpg(group, signal.SIGKILL)
    group_file.unlink(missing_ok=True)


def _is_ours(group: int) -> bool:
    """Whether the process group has a member that runs this project's Python; numbers are used again by others."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = (status.parent / "cmdline").read_text()
        except OSError:
            continue
        if int(fields[2]) == group and sys.prefix in command:
            return True
    return False


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
