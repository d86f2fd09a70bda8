"""`flask serve` when a part of it dies: the part is started again, and the service goes on."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from local import embedded
from tests.databases import ROOT
from tests.faults.proxy import proxy_before
from tests.portal.launch.world import listens
from tests.services import free_port, status_of, wait_until

pytestmark = pytest.mark.faults


class Serving:
    def __init__(self, data: Path) -> None:
        self.port, self.mcp_port = free_port(), free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "DATA_DIR": str(data),
            "PORT": str(self.port),
            "MCP_PORT": str(self.mcp_port),
            "LOG_LEVEL": "ERROR",
        }
        command = [str(ROOT / ".venv" / "bin" / "flask"), "serve"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment)

    def run(self, *command: str) -> str:
        flask = str(ROOT / ".venv" / "bin" / "flask")
        done = subprocess.run(
            [flask, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

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


def test_agents_reach_the_mcp_server_through_the_proxy_and_again_after_it_was_killed(
    serving: Serving, tmp_path: Path
) -> None:
    secret = serving.run("keys", "create", "--organization", "demo", "--name", "Agent", "--environment", "test")
    facts = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": True}}

    with proxy_before(serving.port, tmp_path, mcp_port=serving.mcp_port) as port:
        answered = asked_over_mcp(port, secret, facts)
    assert (answered["allowed"], answered["reason"]) == (False, "contains_personal_data")

    killed = serving.child("api.mcp.web")
    assert killed is not None
    killed.kill()
    wait_until(lambda: (found := serving.child("api.mcp.web")) is not None and found.pid != killed.pid, "it is back")
    wait_until(lambda: listens(serving.mcp_port), "it listens", within_s=60)
    assert asked_over_mcp(serving.mcp_port, secret, facts)["decision_id"] != answered["decision_id"]


def asked_over_mcp(port: int, secret: str, arguments: dict[str, Any]) -> dict[str, Any]:
    async def main() -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)) as client,
        ):
            return (await client.call_tool("check_operation", arguments)).structured_content

    answer: dict[str, Any] = asyncio.run(main())
    return answer


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
