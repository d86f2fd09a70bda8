"""Processes that a test kills or holds still, with those that they started. Any of them may end by itself meanwhile."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import psutil

from tests.services import Service


def web_processes(service: Service) -> list[psutil.Process]:
    """Those that live: one that was killed stays a child until its parent has taken note of it."""
    return [child for child in psutil.Process(service.pid).children() if _lives(child)]


def all_of(service: Service) -> list[psutil.Process]:
    return [psutil.Process(service.pid), *web_processes(service)]


def postgres_processes(server: Any) -> list[psutil.Process]:
    postmaster = psutil.Process(server.get_pid())
    return [postmaster, *postmaster.children(recursive=True)]


def postgres_process(server: Any, kind: str) -> psutil.Process:
    """One that PostgreSQL names so in its title, such as walwriter."""
    for process in postgres_processes(server):
        with contextlib.suppress(psutil.NoSuchProcess):
            if kind in " ".join(process.cmdline()):
                return process
    raise LookupError(f"PostgreSQL runs no {kind}")


def kill(processes: Sequence[psutil.Process]) -> None:
    """All at once, as a power cut would."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert processes[0] not in psutil.wait_procs(processes, timeout=10)[1], "it does not end"


@contextlib.contextmanager
def held_still(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """They are there, and do nothing."""
    try:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
