"""The processes that a measurement starts: their beginning, their cost and their end."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from core.clock import monotonic_s
from tests.bench.failures import BenchFailed

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 20.0
_LAST_WORDS_CHARS = 2_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET is answered with success."""
    with suppress(URLError, OSError), urlopen(url, timeout=2):
        return True
    return False


def wait_until(is_true: Callable[[], bool], what: str, *, within_s: float, every_s: float = 0.05) -> None:
    """Raises BenchFailed when the time is over."""
    deadline_s = monotonic_s() + within_s
    while not is_true():
        if monotonic_s() > deadline_s:
            raise BenchFailed(f"Waited {within_s:g} s in vain until {what}.")
        time.sleep(every_s)


@contextmanager
def fresh_folder(path: Path) -> Iterator[Path]:
    """An empty folder, gone afterwards, and with it what a run that was killed left there."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    log_folder: Path,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[psutil.Process]:
    """A program in a process group of its own, so that Ctrl-C reaches it through us, and nothing of it is left."""
    log_folder.mkdir(parents=True, exist_ok=True)
    log_file = log_folder / f"{name}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, process_group=0
        )
    try:
        wait_until(lambda: process.poll() is not None or is_ready(), f"{name} is ready", within_s=READY_WITHIN_S)
        if process.poll() is not None:
            last_words = log_file.read_text(errors="replace")[-_LAST_WORDS_CHARS:]
            raise BenchFailed(f"{name} ended at once. Its last words:\n{last_words}")
        yield psutil.Process(process.pid)
    finally:
        _stop(process)


def suspend(process: psutil.Process) -> None:
    """It and its children do nothing, and cost nothing, until resumed."""
    os.killpg(process.pid, signal.SIGSTOP)


def resume(process: psutil.Process) -> None:
    os.killpg(process.pid, signal.SIGCONT)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGCONT)  # what is suspended does not hear that it should end
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOPPED_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cpu_s(roots: Sequence[psutil.Process]) -> float:
    """CPU seconds of the roots and all below them so far, those that ended included."""
    total_s = 0.0
    for process in trees(roots):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total_s += times.user + times.system + times.children_user + times.children_system
    return total_s


def rss_bytes(roots: Sequence[psutil.Process]) -> int:
    """Resident memory of the roots and all below them; what they share counts for each."""
    total_bytes = 0
    for process in trees(roots):
        with suppress(psutil.NoSuchProcess):
            total_bytes += process.memory_info().rss
    return total_bytes


def trees(roots: Sequence[psutil.Process]) -> list[psutil.Process]:
    """The roots and all below them."""
    return [process for root in roots for process in (root, *root.children(recursive=True))]
