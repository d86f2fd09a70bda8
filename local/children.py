"""The processes of `flask serve`, each in a group of its own; what ends by itself is started again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import structlog

from core.clock import monotonic_s
from core.restarts import Restarts
from core.serving.command import mcp_command
from core.settings import Settings
from local import embedded

log = structlog.get_logger()

READY_WITHIN_S = 30
STOPPED_WITHIN_S = 15


class Children:
    def __init__(
        self,
        settings: Settings,
        *,
        environments: dict[str, dict[str, str]],
        web_command: list[str],
        server: Any | None,
    ) -> None:
        self._server = server
        self._settings = settings
        self._environments = environments
        self._web_command = web_command
        self._group_file = settings.data_path / "run" / "group"
        self._commands: dict[str, list[str]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._restarts = Restarts()

    def start_web(self) -> None:
        self._spawn("web", self._web_command)

    def start_worker(self, stop_wanted: list[int]) -> None:
        """Once the web server answers: the worker's probes would count what came before as an outage."""
        if self._all_live() and not stop_wanted:
            self._spawn("worker", [sys.executable, "-m", "flask", "worker"])

    def start_mcp(self, stop_wanted: list[int]) -> None:
        """Where there is a port for it."""
        port = self._settings.mcp_port
        if port is not None and self._all_live() and not stop_wanted:
            self._spawn("mcp", mcp_command(self._settings, port=port))

    def wait_until_ready(self, stop_wanted: list[int]) -> bool:
        deadline_s = monotonic_s() + READY_WITHIN_S
        while monotonic_s() < deadline_s and not stop_wanted and self._all_live():
            try:
                with urlopen(f"{self._settings.local_url}/health/live", timeout=1):  # noqa: S310  our own address
                    return True
            except (URLError, OSError):
                time.sleep(0.05)
        return False

    def watch(self, stop_wanted: list[int]) -> bool:
        """Starts again what ended by itself. Whether the end was wanted: False if a part ends again and again."""
        if not self._all_live():
            return bool(stop_wanted)  # it never came up, and would not at a second try
        while not stop_wanted:
            embedded.start_again_if_dead(self._server)
            for name in [name for name, process in self._processes.items() if process.poll() is not None]:
                if not self._start_again(name, stop_wanted):
                    return bool(stop_wanted)
            time.sleep(0.2)
        return True

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
        end_groups(self._group_file)

    def _start_again(self, name: str, stop_wanted: list[int]) -> bool:
        pause_s = self._restarts.pause_s(name, now_s=monotonic_s())
        if self._restarts.is_hopeless(name):
            return False
        log.error("supervisor.part_ended", part=name, code=self._processes[name].returncode, again_in_s=pause_s)
        _end_group(self._processes[name].pid)  # what it began goes with it, and gives its port free
        deadline_s = monotonic_s() + pause_s
        while monotonic_s() < deadline_s and not stop_wanted:
            time.sleep(0.05)
        if not stop_wanted:
            self._spawn(name, self._commands[name])
        return True

    def _spawn(self, name: str, command: list[str]) -> None:
        self._commands[name] = command
        self._processes[name] = subprocess.Popen(command, env=self._environments[name], process_group=0)
        self._group_file.write_text("\n".join(str(process.pid) for process in self._processes.values()))

    def _all_live(self) -> bool:
        return all(process.poll() is None for process in self._processes.values())


def end_groups(group_file: Path) -> None:
    """Ends the children that a killed supervisor left behind, if their groups are still ours."""
    try:
        groups = [int(line) for line in group_file.read_text().split()]
    except (OSError, ValueError):
        return
    for group in groups:
        _end_group(group)
    group_file.unlink(missing_ok=True)


def _end_group(group: int) -> None:
    if _is_ours(group):
        os.killpg(group, signal.SIGKILL)


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
