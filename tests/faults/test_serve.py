"""`flask serve` when a part of it dies: the part is started again, and the service goes on."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local import embedded
from tests.services import ROOT, free_port, status_of, wait_until

pytestmark = pytest.mark.faults


class Serving:
    def __init__(self, data: Path) -> None:
        self.port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "DATA_DIR": str(data),
            "PORT": str(self.port),
            "LOG_LEVEL": "ERROR",
        }
        command = [str(ROOT / ".venv" / "bin" / "flask"), "serve"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)

    def child(self, words: str) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # also one that has ended and was not waited for
                if words in " ".join(child.cmdline()):
                    return child
        return None

    def is_ready(self) -> bool:
        try:
            return status_of(f"http://127.0.0.1:{self.port}/health/ready") == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="module")
def serving(data: Path) -> Iterator[Serving]:
    serving = Serving(data)
    wait_until(serving.is_ready, "the service is ready", within_s=120)
    wait_until(lambda: serving.child("flask worker") is not None, "the worker runs", within_s=120)
    yield serving
    serving.process.terminate()
    serving.process.wait(60)


@pytest.mark.parametrize("part", ["flask worker", "core.web_process"])
def test_a_part_that_is_killed_is_started_again(serving: Serving, part: str) -> None:
    killed = serving.child(part)
    assert killed is not None
    killed.kill()

    wait_until(lambda: (found := serving.child(part)) is not None and found.pid != killed.pid, "it is back")
    wait_until(serving.is_ready, "the service is ready again", within_s=120)
    assert serving.process.poll() is None


def test_the_embedded_database_that_is_killed_is_started_again(serving: Serving, data: Path) -> None:
    killed = postmaster(data)
    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: postmaster(data) not in {0, killed}, "the database is back")
    wait_until(serving.is_ready, "the service is ready again", within_s=120)
    assert serving.process.poll() is None


def postmaster(data: Path) -> int:
    try:
        return int((embedded.place_for(data) / "postmaster.pid").read_text().split()[0])
    except (OSError, IndexError):
        return 0
