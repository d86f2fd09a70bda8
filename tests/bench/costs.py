"""Where a check's microseconds go: processor time of one web process but for the callers' sockets, 16 checks at a time.

Run by itself in a process of its own, `python -m tests.bench.costs`, with the service's settings in the environment and
an Authorization header as its argument; prints the steps as JSON. What is left between the steps is the event loop's,
with HTTP and the connection to Redis. The parts add up to the whole, which was measured with them.
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
from core.serving import WebServer
from core.serving import server as server_module
from core.serving.connection import Connection
from core.settings import Durability
from tests.bench import question
from tests.bench.failures import BenchFailed
from tests.bench.report import Report
from tests.bench.service import Site, environment_for
from tests.bench.stock import Tenant, make_tenant
from tests.bench.tables import table

AT_ONCE, ROUNDS, CHECKS = 16, 5, 4_000
STEPS: Sequence[tuple[str, Any, str]] = (
    ("head of the request", server_module, "environ_of"),
    ("key, organization, address", CheckPath, "is_admitted_at_once"),
    ("body to facts, content refused", Reader, "read_quickly"),
    ("decision, row and answer", CheckPath, "_decide"),
    ("record (spool)", Recorder, "record_at_once"),
    ("answer: JSON, headers, counts", CheckPath, "_answer_all"),
)
REST = "HTTP, groups, event loop, connection to Redis"


def run(site: Site, report: Report) -> None:
    """Raises BenchFailed."""
    rows = [[step, f"{us:.1f}"] for step, us in measure(site, make_tenant(site.app, "costs")).items()]
    introduction = (
        f"Processor time of the event loop of one web process in `process`, {AT_ONCE} checks at a time, without the "
        f"callers' sockets: median of {ROUNDS} rounds of {CHECKS:,} checks."
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


class _Caller:
    """A connection's transport: it sends the next request when the last was answered, and costs nothing itself."""

    def __init__(self, server: WebServer, request: bytes, checks: int) -> None:
        self._request = request
        self._left = checks
        self.is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connection = Connection(server, set(), server.at_once)
        self._connection.connection_made(self)

    def ask(self) -> None:
        self._connection.data_received(self._request)

    def write(self, answer: bytes) -> None:
        if not answer.startswith(b"HTTP/1.1 200 "):
            self.is_done.set_exception(BenchFailed(f"A check was answered with {answer[:100]!r}."))
            return
        self._left -= 1
        if self._left:
            asyncio.get_running_loop().call_soon(self.ask)
        else:
            self.is_done.set_result(None)

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return "127.0.0.1", 1

    def set_write_buffer_limits(self, *, high: int) -> None:
        """Nothing is kept here."""


async def _ask(server: WebServer, authorization: str, checks: int) -> None:
    body = question.our_body(question.FACTS)
    head = (
        "POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nAuthorization: {authorization}\r\n\r\n"
    )
    callers = [_Caller(server, head.encode() + body, checks // AT_ONCE) for _ in range(AT_ONCE)]
    for caller in callers:
        caller.ask()
    await asyncio.gather(*(caller.is_done for caller in callers))


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1])), flush=True)
