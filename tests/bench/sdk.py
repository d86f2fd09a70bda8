"""What the client for Python adds to a bare `http.client` call (`python -m tests.bench sdk`).

Both send the same check with an idempotency key over a kept connection (`sdk_calls`).
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence

from core.settings import Durability
from tests.bench import service
from tests.bench.failures import BenchFailed
from tests.bench.processes import ROOT
from tests.bench.report import Report
from tests.bench.service import Site
from tests.bench.stock import make_tenant
from tests.bench.tables import table

MOST_PERCENT = 15
_HEADER = ("durability", "bare µs", "client µs", "added %", "bare CPU µs", "client CPU µs")


def run(site: Site, report: Report) -> None:
    """Raises BenchFailed, also where it is over the limit."""
    tenant = make_tenant(site.app, "sdk", rules=0)
    rows, added = [], []
    for durability in (Durability.DATABASE, Durability.PROCESS):
        with service.serving(site, durability) as served:
            measured = _measured(served.url, tenant.secrets[0])
        percent = _percent(measured["bare_us"], measured["client_us"])
        added.append(statistics.median(percent))
        bare, client, bare_cpu, client_cpu = (
            f"{statistics.median(measured[name]):.0f}"
            for name in ("bare_us", "client_us", "bare_cpu_us", "client_cpu_us")
        )
        spread = f"{added[-1]:+.1f} [{min(percent):+.1f} to {max(percent):+.1f}]"
        rows.append([f"`{durability}`", bare, client, spread, bare_cpu, client_cpu])
    introduction = (
        "The same check by a bare `http.client` and by the client for Python, in turns over one connection each: "
        "medians of the rounds, the least and greatest difference of a round, and the caller's processor time."
    )
    report.add("What the client adds", introduction, table(_HEADER, rows))
    if max(added) > MOST_PERCENT:
        raise BenchFailed(f"The client adds more than {MOST_PERCENT} % to a bare call.")


def _percent(bare: Sequence[float], client: Sequence[float]) -> list[float]:
    return [100 * (ours / others - 1) for others, ours in zip(bare, client, strict=True)]


def _measured(url: str, key: str) -> Mapping[str, list[float]]:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.bench.sdk_calls", url],
        env={**os.environ, "AIG_KEY": key, "PYTHONPATH": str(ROOT / "sdk" / "python" / "src")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise BenchFailed(f"The client could not be measured: {finished.stderr[-500:]}")
    measured: dict[str, list[float]] = json.loads(finished.stdout)
    return measured
