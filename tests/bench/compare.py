"""Ours at each durability beside a bare echo and Cerbos: in turn, so that all suffer the same moods of the machine."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from core.settings import Durability
from tests.bench import cerbos, echo, kept, question, service
from tests.bench.contestants import Contestant, Measurement, measure, warm_up
from tests.bench.failures import BenchFailed, Missing
from tests.bench.plan import Plan
from tests.bench.processes import resume, suspend
from tests.bench.report import Report
from tests.bench.service import Site
from tests.bench.stock import make_tenant
from tests.bench.tables import ratios, table

CONNECTIONS = (1, 16, 32)
_AWAKE_AFTER_S = 0.5
"""The change feed of ours needs a beat to know that it missed nothing."""
_HEADINGS = (
    "Contestant",
    "connections",
    "req/s",
    "p50 ms",
    "p99 ms",
    "CPU µs/request",
    "÷ echo",
    "÷ Cerbos",
    "answers",
    "rows on record",
    "lost",
    "spool empty after s",
)

Rounds = dict[tuple[int, str], list[Measurement]]
"""By connections and contestant."""


def run(folder: Path, site: Site | None, plan: Plan, report: Report) -> None:
    """Raises BenchFailed. Without a site, ours are left out."""
    with _contestants(folder, site, report) as contestants:
        _expect_agreement(contestants)
        warm_up(contestants)
        for contestant in contestants:
            suspend(contestant.roots[0])
        rounds: Rounds = {}
        for number in range(plan.compare_rounds):
            for contestant in contestants:
                with _turn_of(contestant):
                    warm_up([contestant])
                    for connections in CONNECTIONS:
                        one = measure(contestant, connections=connections, seconds=plan.compare_s)
                        rounds.setdefault((connections, contestant.name), []).append(one)
                        report.tell(
                            f"compare {number + 1}/{plan.compare_rounds}: {contestant.name}, "
                            f"{connections} connections: {one.requests_per_s:,.0f} req/s"
                        )
    report.add("Comparison", _introduction(plan), _table(rounds))
    to_echo = dict(_ratios_to_echo(rounds))
    kept.compare(to_echo, report)
    if plan.is_kept:
        kept.keep(to_echo)


@contextmanager
def _contestants(folder: Path, site: Site | None, report: Report) -> Iterator[list[Contestant]]:
    with ExitStack() as stack:
        contestants = [stack.enter_context(echo.serving(folder / "logs"))]
        if site is not None:
            tenant = make_tenant(site.app, "compare")
            for durability in (Durability.PROCESS, Durability.DISK, Durability.DATABASE):
                served = stack.enter_context(service.serving(site, durability))
                contestants.append(served.asked_by(tenant))
        try:
            contestants.append(stack.enter_context(cerbos.serving(folder)))
            report.know(cerbos.NAME, cerbos.version(folder))
        except Missing as missing:
            report.remark(str(missing))
        yield contestants


def _expect_agreement(contestants: Sequence[Contestant]) -> None:
    """All engines refuse what any of the conditions refuses; else they would not be doing the same work."""
    for contestant in contestants:
        if contestant.name == echo.NAME:
            continue
        for facts in question.tripping():
            if contestant.ask(facts):
                raise BenchFailed(f"{contestant.name} allowed a question that it must refuse.")


@contextmanager
def _turn_of(contestant: Contestant) -> Iterator[None]:
    """The others are suspended: ours have threads that look after the database even while nobody asks."""
    own_process = contestant.roots[0]
    resume(own_process)
    time.sleep(_AWAKE_AFTER_S)
    try:
        yield
    finally:
        suspend(own_process)


def _introduction(plan: Plan) -> str:
    return (
        f"{plan.compare_rounds} rounds of {plan.compare_s} s each, all contestants in turn within a round; medians, "
        "and of ratios of req/s also the [least–greatest] of a round. `wrk` with one thread sends the next request of "
        "a connection when the last was answered. Echo: a Flask view that gives its JSON back, on Granian with 2 "
        "workers of 1 thread, recording nothing. Ours: 2 workers, exact limit in Redis, every decision on record at "
        f"the named durability, {len(question.PAIRS)} rules with {question.CONDITIONS} conditions in all, each of them "
        f"evaluated. Cerbos: the same {question.CONDITIONS} conditions, asked over HTTP, decision log in a local file, "
        "not synced. CPU is that of all server processes (for ours with redis-server and PostgreSQL) until the spool "
        "is empty and the database has written its pages. Whose turn it is not is suspended. A turn begins "
        "with a second of load that is not counted, since a machine may have taken from a suspended program what it "
        "had in memory."
    )


def _table(rounds: Rounds) -> str:
    rows = []
    for (connections, name), measured in rounds.items():
        speeds = [one.requests_per_s for one in measured]
        recorded = [one.rows for one in measured if one.rows is not None]
        answers = sum(one.answers for one in measured)
        rows.append(
            [
                name,
                str(connections),
                f"{median(speeds):,.0f}",
                f"{median(one.p50_ms for one in measured):.2f}",
                f"{median(one.p99_ms for one in measured):.2f}",
                f"{median(one.cpu_us for one in measured):,.0f}",
                ratios(speeds, _speeds(rounds, connections, echo.NAME)),
                ratios(speeds, others) if (others := _speeds(rounds, connections, cerbos.NAME)) else "–",
                f"{answers:,}",
                f"{sum(recorded):,}" if recorded else "–",
                str(sum(one.answers_without_row for one in measured)) if recorded else "–",
                f"{max(one.settled_after_s for one in measured):.1f}" if name.startswith("ours") else "–",
            ]
        )
    return table(_HEADINGS, rows)


def _ratios_to_echo(rounds: Rounds) -> Iterator[tuple[str, float]]:
    for (connections, name), measured in rounds.items():
        if name.startswith("ours"):
            pairs = zip(measured, _speeds(rounds, connections, echo.NAME), strict=True)
            yield f"{name}, {connections} connections", median(one.requests_per_s / other for one, other in pairs)


def _speeds(rounds: Rounds, connections: int, name: str) -> list[float]:
    return [one.requests_per_s for one in rounds.get((connections, name), [])]
