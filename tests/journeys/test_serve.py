"""A newcomer's way: one command, a pasted curl, Ctrl-C, and the same again with the data kept."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.clock import monotonic_s
from local import embedded
from tests.databases import ROOT
from tests.services import free_port, wait_until


class Serving:
    """`flask serve` on a data directory of its own."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self._data = data
        self._output = data / "output"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Seconds until it said that it is ready."""
        names = ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "ENVIRONMENT")
        environment = {name: value for name, value in os.environ.items() if name not in names}
        environment |= {"DATA_DIR": str(self._data), "PORT": str(self.port), "LOG_LEVEL": "ERROR"}
        started_s = monotonic_s()
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flask", "serve"], cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        wait_until(lambda: "Stop " in self.output or self._process.poll() is not None, "it is ready", within_s=60)
        assert "Stop " in self.output, self.output
        return monotonic_s() - started_s

    def start_if_stopped(self) -> None:
        if self._process is None or self._process.poll() is not None:
            self.start()

    def send(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGTERM)

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def curl(self) -> str:
        found = re.search(r"curl .*", self.output)
        assert found
        return found.group()


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data directory in the checkout, as a newcomer has."""
    data = ROOT / "var" / "journeys" / uuid4().hex[:8]
    data.mkdir(parents=True)
    yield data
    shutil.rmtree(data)


@pytest.fixture(scope="module")
def serving(data: Path) -> Iterator[Serving]:
    """Each test finds what the one before left there, running or not."""
    serving = Serving(data)
    yield serving
    serving.end()


@pytest.fixture
def private_data() -> Iterator[Path]:
    """In a home that is this test's alone: tests beside it open what they share."""
    with tempfile.TemporaryDirectory() as home:
        data = Path(home) / "data"
        data.mkdir()
        yield data


@pytest.fixture
def serving_in_private(private_data: Path) -> Iterator[Serving]:
    serving = Serving(private_data)
    yield serving
    serving.end()
    shutil.rmtree(embedded.place_for(private_data).parent)


def paste(curl: str) -> Any:
    return subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=True, timeout=30).stdout


def decisions(serving: Serving) -> int:
    """In the log of the demo, at most a page of them."""
    secret = re.search(r"aig_live_\w+", serving.curl)
    assert secret
    listed = f"curl -s http://127.0.0.1:{serving.port}/v1/decisions -H 'Authorization: Bearer {secret.group()}'"
    return int(paste(listed).count('"decision_id"'))


def processes_on(data: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text().replace("\0", " ")
            environment = (process / "environ").read_text(errors="replace")
        except OSError:
            continue
        if str(data) in command or f"DATA_DIR={data}\0" in environment:
            found.append(command)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_command_serves_and_one_signal_stops_all_of_it(serving: Serving, data: Path, number: int) -> None:
    serving.start_if_stopped()
    assert '"allowed":false' in paste(serving.curl)

    assert serving.send(number) == 0

    wait_until(lambda: processes_on(data) == [], "everything ended")


def test_a_second_run_keeps_data_and_key_and_a_killed_one_is_recovered_from(serving: Serving) -> None:
    serving.start_if_stopped()
    first_curl = serving.curl
    paste(first_curl)
    logged = decisions(serving)

    serving.send(signal.SIGKILL)
    second_s = serving.start()
    assert second_s < 40, "it recovers by itself, and soon"
    assert serving.curl == first_curl
    paste(serving.curl)

    assert decisions(serving) == logged + 1


def test_a_second_service_on_the_same_data_is_refused(serving: Serving, data: Path) -> None:
    serving.start_if_stopped()

    done = subprocess.run(
        [sys.executable, "-m", "flask", "serve"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(data), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert '"allowed":false' in paste(serving.curl)


def test_a_private_home_stays_private(serving_in_private: Serving, private_data: Path) -> None:
    """The embedded database's wheel, run as root, would open every folder above its data."""
    before = [(folder, folder.stat().st_mode) for folder in private_data.parents]

    serving_in_private.start()

    assert [(folder, folder.stat().st_mode) for folder in private_data.parents] == before
    assert '"allowed":false' in paste(serving_in_private.curl)
