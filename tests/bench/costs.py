"""Where a check's microseconds go: processor time of the steps of one web process, without HTTP, 16 checks at a time.

Run by itself in a process of its own, `python -m tests.bench.costs`, with the service's settings in the environment and
an Authorization header as its argument; prints the steps as JSON. What is left between the steps is the event loop's,
with the connection to Redis. The parts add up to the whole, which was measured with them.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import wsgi
from api.checks.reading import Reader
from api.recording.recorder import Recorder
from api.v1.check_path import CheckPath
from core.serving import WebServer, requests
from core.settings import Durability
from tests.bench import question
from tests.bench.failures import BenchFailed
from tests.bench.report import Report
from tests.bench.service import Site, environment_for
from tests.bench.stock import Tenant, make_tenant
from tests.bench.tables import table

AT_ONCE, ROUNDS, CHECKS = 16, 5, 4_000
STEPS: Sequence[tuple[str, Any, str]] = (
    ("head of the request", requests, "environ_of"),
    ("key, organization, address", CheckPath, "_admit"),
    ("body to facts, content refused", Reader, "read_quickly"),
    ("decision, row and answer", CheckPath, "_decide"),
    ("record (spool)", Recorder, "record_at_once"),
    ("answer: JSON, headers, counts", CheckPath, "answer"),
)
REST = "event loop, body, connection to Redis"


def run(site: Site, report: Report) -> None:
    """Raises BenchFailed."""
    rows = [[step, f"{us:.1f}"] for step, us in measure(site, make_tenant(site.app, "costs")).items()]
    introduction = (
        f"Processor time of the event loop of one web process in `process`, {AT_ONCE} checks at a time, without HTTP: "
        f"median of {ROUNDS} rounds of {CHECKS:,} checks."
    )
    report.add("Where a check's microseconds go", introduction, table(("step", "µs"), rows))


def measure(site: Site, tenant: Tenant) -> Mapping[str, float]:
    """In a process of its own. Raises BenchFailed."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.bench.costs", tenant.authorizations[0]],
        env=environment_for(site, Durability.PROCESS, data_path=site.folder / "costs"),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise BenchFailed(f"The costs of a check could not be measured: {finished.stderr[-500:]}")
    costs: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return costs


class Clock:
    """Adds up what calls of a function take of this thread's time."""

    def __init__(self, owner: Any, name: str) -> None:
        self.spent_s = 0.0
        self._call: Callable[..., Any] = getattr(owner, name)
        setattr(owner, name, self._timed())

    def _timed(self) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            began_s = time.thread_time()
            try:
                return self._call(*given, **named)
            finally:
                self.spent_s += time.thread_time() - began_s

        return timed


def measured(authorization: str) -> Mapping[str, float]:
    """Microseconds of each step for one check."""
    server = wsgi.create_web()
    clocks = {step: Clock(owner, name) for step, owner, name in STEPS}
    rounds = asyncio.run(_rounds(server, authorization, clocks))
    steps = {name: median(one[name] for one in rounds) for name in rounds[0]}
    return {**steps, "all of it": sum(steps.values())}


async def _rounds(server: WebServer, authorization: str, clocks: Mapping[str, Clock]) -> list[dict[str, float]]:
    await _ask(server, authorization, CHECKS // 4)
    rounds = []
    for _ in range(ROUNDS):
        before_s, began_s = {step: clock.spent_s for step, clock in clocks.items()}, time.thread_time()
        await _ask(server, authorization, CHECKS)
        whole_s = time.thread_time() - began_s
        spent_s = {step: clock.spent_s - before_s[step] for step, clock in clocks.items()}
        spent_s[REST] = whole_s - sum(spent_s.values())
        rounds.append({step: 1e6 * seconds / CHECKS for step, seconds in spent_s.items()})
    return rounds


async def _ask(server: WebServer, authorization: str, checks: int) -> None:
    body = question.our_body(question.FACTS)
    headers = [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"authorization", authorization.encode()),
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/check",
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "headers": headers,
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise BenchFailed(f"A check was answered with {message['status']}.")

    async def caller() -> None:
        for _ in range(checks // AT_ONCE):
            await server(scope, receive, send)
            await asyncio.sleep(0)

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1])), flush=True)
