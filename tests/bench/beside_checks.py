"""Checks while another organization's log is replayed for the impact of a draft, and while it is not, in turns.

Between the turns with a replay its process is stopped, and goes on with the same replay in the next.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import msgspec
import psutil

from api.decisions.impact.pacing import SHARE
from core.clock import monotonic_s
from core.settings import Durability
from deploy.load_test import open_loop
from deploy.load_test.open_loop import percentile
from tests.bench import service, wrk
from tests.bench.failures import BenchFailed
from tests.bench.plan import Plan
from tests.bench.processes import cpu_s, resume, running, suspend
from tests.bench.question import FACTS
from tests.bench.report import Report
from tests.bench.service import Served, Site
from tests.bench.stock import Tenant
from tests.bench.tables import ratios, table

MOST_P99 = 1.5
"""So many times as long a check at a steady load may take beside a replay."""
LEAST_THROUGHPUT = 1 - SHARE / (os.cpu_count() or 1)
"""Of a crowded service: a replay takes its share of the processors."""
CONNECTIONS, RATE_PER_S, ROUNDS = 16, 300, 10
_YES = b'"allowed":true'


class Turn(msgspec.Struct, frozen=True):
    """Of a crowd that asks as fast as it is answered, and of a steady load below that."""

    checks_per_s: float
    crowded_p50_ms: float
    crowded_p99_ms: float
    steady_p50_ms: float
    steady_p99_ms: float


class Measured(msgspec.Struct, frozen=True):
    without: list[Turn]
    beside: list[Turn]
    replayed_per_s: float
    replay_share: float
    """Of one processor, without what PostgreSQL does for it."""


def run(site: Site, asking: Tenant, replayed: Tenant, plan: Plan, report: Report) -> None:
    """Raises BenchFailed, also where the replay disturbs."""
    with service.serving(site, Durability.DATABASE) as served, _replaying(site, replayed) as replay:
        found = _measured(served, asking, replay, seconds=plan.beside_s)
    names = (
        ("crowded: checks per second", "checks_per_s", ",.0f"),
        ("crowded: p50 ms", "crowded_p50_ms", ".2f"),
        ("crowded: p99 ms", "crowded_p99_ms", ".2f"),
        ("steady: p50 ms", "steady_p50_ms", ".2f"),
        ("steady: p99 ms", "steady_p99_ms", ".2f"),
    )
    rows = []
    for title, name, form in names:
        without, beside = ([getattr(turn, name) for turn in turns] for turns in (found.without, found.beside))
        rows.append([title, format(median(without), form), format(median(beside), form), ratios(beside, without)])
    introduction = (
        f"Checks without and beside a running impact of {plan.replayed_rows:,} decisions, in {ROUNDS} turns each: "
        f"{CONNECTIONS} connections that ask as fast as they are answered, and {RATE_PER_S} requests per second at "
        f"fixed times; durability `database`, {service.WORKERS} web processes. The replay may take "
        f"{SHARE:.0%} of one processor; its process took {found.replay_share:.0%}, and replayed "
        f"{found.replayed_per_s:,.0f} decisions a second."
    )
    report.add("Checks beside a replay", introduction, table(("", "without", "beside a replay", "ratio"), rows))
    _need_undisturbed(found)


def _need_undisturbed(found: Measured) -> None:
    pairs = list(zip(found.without, found.beside, strict=True))
    p99 = median(beside.steady_p99_ms / without.steady_p99_ms for without, beside in pairs)
    throughput = median(beside.checks_per_s / without.checks_per_s for without, beside in pairs)
    if p99 > MOST_P99 or throughput < LEAST_THROUGHPUT:
        raise BenchFailed(f"A replay disturbs checks: p99 times {p99:.2f}, throughput times {throughput:.2f}.")


@contextmanager
def _replaying(site: Site, tenant: Tenant) -> Iterator[psutil.Process]:
    before = _replayed(site)
    with running(
        "replaying",
        [sys.executable, "-m", "tests.bench.replaying", str(tenant.organization_id)],
        log_folder=site.folder / "logs",
        is_ready=lambda: _replayed(site) > before,
        environment=service.environment_for(site, Durability.DATABASE, data_path=site.folder / "replaying"),
    ) as process:
        suspend(process)
        yield process


def _measured(served: Served, asking: Tenant, replay: psutil.Process, *, seconds: int) -> Measured:
    _turn(served, asking, seconds=2)  # keys and policies are read, connections made
    without: list[Turn] = []
    beside: list[Turn] = []
    rows, took_s, used_s = 0, 0.0, 0.0
    for number in range(ROUNDS):
        for is_beside in (False, True) if number % 2 else (True, False):
            if not is_beside:
                without.append(_turn(served, asking, seconds=seconds))
                continue
            rows_before, began_s, used_before_s = _replayed(served.site), monotonic_s(), cpu_s([replay])
            resume(replay)
            beside.append(_turn(served, asking, seconds=seconds))
            suspend(replay)
            rows += _replayed(served.site) - rows_before
            took_s, used_s = took_s + monotonic_s() - began_s, used_s + cpu_s([replay]) - used_before_s
    return Measured(without, beside, rows / took_s, used_s / took_s)


def _turn(served: Served, asking: Tenant, *, seconds: int) -> Turn:
    contestant = served.asked_by(asking)
    body, authorizations = contestant.body_of(FACTS), contestant.authorizations
    crowd = wrk.load(contestant.url, body=body, authorizations=authorizations, connections=CONNECTIONS, seconds=seconds)
    questions = [
        open_loop.question_of(contestant.url, "/v1/check", authorization=one, body=body, expected=_YES)
        for one in authorizations
    ]
    steady = open_loop.hold(contestant.url, questions, rate_per_s=RATE_PER_S, seconds=seconds)
    if steady.errors:
        raise BenchFailed(f"Checks beside a replay failed: {steady.errors}.")
    return Turn(
        checks_per_s=crowd.answers / crowd.seconds,
        crowded_p50_ms=crowd.p50_us / 1_000,
        crowded_p99_ms=crowd.p99_us / 1_000,
        steady_p50_ms=percentile(steady.latencies_s, 50) * 1_000,
        steady_p99_ms=percentile(steady.latencies_s, 99) * 1_000,
    )


def _replayed(site: Site) -> int:
    """In all replays that are under way or were."""
    return int(site.database.row("SELECT coalesce(sum((tally ->> 'looked_at')::bigint), 0) FROM policy_impact")[0])
