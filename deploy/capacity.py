"""`python -m deploy.capacity --rate 5000`: what a rate of checks needs, from what one check was measured to cost.

Web machines are simulated: checks arrive at random, each machine gets its share, its cores work them off one by one.
As many are taken as answer in time while one of them is away. What is stored and connected is arithmetic.
"""

import argparse
import sys
from collections.abc import Sequence
from heapq import heapreplace
from math import ceil
from random import Random

import msgspec

from core.serving import places_of
from core.settings import Durability, Settings

MOST_BUSY = 0.7
"""What is to be busy on average at the peak: beyond it waits grow faster than the load."""
CONNECTIONS_BESIDE_PAGES = 8
"""Of a web process: change feed, keys and policies, commits of the event loop, three recorders, replay, readiness."""
CONNECTIONS_OF_SERVER = 100
"""What PostgreSQL takes unless it is told otherwise."""
_SIMULATED = 40_000
_IDLE_RATE_PER_S = 0.001
_S_PER_DAY = 86_400
_HEADINGS = ("what", "how many", "because")


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Processor time of one check, in microseconds, and bytes of its row with indexes.

    By default as measured with `python -m tests.bench` on a shared core, the load and the other servers beside: on
    hardware of your own take your own.
    """

    web_us: float
    database_us: float = 111.0
    redis_us: float = 18.0
    row_bytes: int = 1_100


MEASURED = {
    Durability.PROCESS: Costs(web_us=357.0),
    Durability.DISK: Costs(web_us=449.0),
    Durability.DATABASE: Costs(web_us=483.0),
}
"""Two cores by the requests in a second at 32 connections, so with what the database and the load took."""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    rate_per_s: float
    """At the peak."""
    cores: int = 2
    """Of a web machine."""
    within_ms: float = 50.0
    """In which 99 of 100 are answered by the machine."""
    average_share: float = 0.3
    """Of the peak, over the days that decisions are kept."""
    retention_days: int = 90


class Plan(msgspec.Struct, frozen=True):
    web_machines: int
    p99_ms: float
    """While one of them is away."""
    database_cores: int
    redis_nodes: int
    rows: int
    row_bytes: int
    connections: int


def plan_for(need: Need, costs: Costs, settings: Settings) -> Plan:
    alone, p99_ms = _machines(need, costs)
    rows = int(need.rate_per_s * need.average_share * _S_PER_DAY * need.retention_days)
    processes = (alone + 1) * need.cores
    return Plan(
        web_machines=alone + 1,
        p99_ms=p99_ms,
        database_cores=ceil(need.rate_per_s * costs.database_us / 1e6 / MOST_BUSY),
        redis_nodes=ceil(need.rate_per_s * costs.redis_us / 1e6 / MOST_BUSY),
        rows=rows,
        row_bytes=rows * costs.row_bytes,
        connections=processes * (places_of(settings).total + CONNECTIONS_BESIDE_PAGES),
    )


def _machines(need: Need, costs: Costs) -> tuple[int, float]:
    """The fewest that answer in time, and in what time. Raises ValueError if a single check takes too long."""
    if percentile_ms(_IDLE_RATE_PER_S, costs.web_us, need.cores, percent=99) > need.within_ms:
        raise ValueError(f"No number of machines answers within {need.within_ms:g} ms: a check alone takes longer.")
    count = max(1, ceil(need.rate_per_s * costs.web_us / 1e6 / need.cores / MOST_BUSY))
    while (p99_ms := percentile_ms(need.rate_per_s / count, costs.web_us, need.cores, percent=99)) > need.within_ms:
        count = ceil(count * 1.1)
    return count, p99_ms


def percentile_ms(rate_per_s: float, service_us: float, cores: int, *, percent: float) -> float:
    """Of the time from a check's arrival to its answer; times between arrivals and of work are exponential."""
    random, now_s, took_s = Random(3), 0.0, []  # noqa: S311  a simulation, the same each time
    free_at_s = [0.0] * cores
    for _ in range(_SIMULATED):
        now_s += random.expovariate(rate_per_s)
        done_s = max(now_s, free_at_s[0]) + random.expovariate(1e6 / service_us)
        heapreplace(free_at_s, done_s)
        took_s.append(done_s - now_s)
    return sorted(took_s)[int(len(took_s) * percent / 100)] * 1000


def table(need: Need, plan: Plan) -> str:
    pooled = "more than it takes by itself: a pooler" if plan.connections > CONNECTIONS_OF_SERVER else "as it comes"
    rows = (
        ("web machines", f"{plan.web_machines:,} of {need.cores} cores", f"p99 {plan.p99_ms:.0f} ms while one is away"),
        ("PostgreSQL", f"{plan.database_cores:,} cores", f"{need.rate_per_s:,.0f} rows a second, {MOST_BUSY:.0%} busy"),
        ("standby", f"{plan.database_cores:,} cores", "takes over, and bears lists and exports"),
        ("Redis", f"{plan.redis_nodes:,} × 1 core", "a cluster" if plan.redis_nodes > 1 else "a single node"),
        ("decisions kept", f"{plan.rows:,}", f"{need.retention_days} days at {need.average_share:.0%} of the peak"),
        ("disk for them", f"{plan.row_bytes / 1e9:,.0f} GB", "on the primary and on each standby"),
        ("connections to PostgreSQL", f"{plan.connections:,}", pooled),
    )
    widths = [max(len(line[column]) for line in (_HEADINGS, *rows)) for column in range(3)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (_HEADINGS, *rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    given = _parser().parse_args(arguments)
    need = Need(**{name: getattr(given, name) for name in Need.__struct_fields__})
    measured = MEASURED[Durability(given.durability)]
    stated = {name: getattr(given, name) for name in Costs.__struct_fields__}
    costs = msgspec.structs.replace(measured, **{name: value for name, value in stated.items() if value is not None})
    sys.stdout.write(table(need, plan_for(need, costs, Settings())) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.capacity", description=__doc__)
    parser.add_argument("--rate", dest="rate_per_s", type=float, required=True, help="checks in a second, at the peak")
    defaults = msgspec.structs.asdict(Need(rate_per_s=0))
    for name, about in (
        ("cores", "of a web machine"),
        ("within_ms", "in which 99 of 100 are answered by the machine"),
        ("average_share", "of the peak, over all days"),
        ("retention_days", "for which decisions are kept"),
    ):
        value = defaults[name]
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"{about} ({value:g})")
    parser.add_argument("--durability", choices=[one.value for one in Durability], default=Durability.DATABASE.value)
    for name in Costs.__struct_fields__:
        kind = int if name == "row_bytes" else float
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="of a check; as measured, if not given")
    return parser


if __name__ == "__main__":
    main()
