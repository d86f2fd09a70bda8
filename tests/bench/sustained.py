"""A steady load for minutes at the strictest durability: does it hold, does it keep every decision, does it grow?"""

from collections.abc import Sequence

from core.settings import Durability
from deploy.load_test import open_loop
from deploy.load_test.open_loop import Outcome, Question, percentile
from tests.bench import holdings, service
from tests.bench.failures import BenchFailed
from tests.bench.holdings import growing, rows_of
from tests.bench.plan import Plan
from tests.bench.processes import cpu_s
from tests.bench.question import FACTS
from tests.bench.report import Report
from tests.bench.service import Site
from tests.bench.stock import make_tenant
from tests.bench.tables import table

_YES = b'"allowed":true'
_WARM_UP_RATE_PER_S = 250
_HELD_HEADINGS = ("held by web processes and worker", "at the start", "settled", "most since", "at the end")


def run(site: Site, plan: Plan, report: Report) -> None:
    report.tell(f"sustained: {plan.rate_per_s:,}/s for {plan.sustained_s} s over {plan.keys_in_use:,} keys")
    tenant = make_tenant(site.app, "sustained", keys_in_use=plan.keys_in_use)
    with service.serving(site, Durability.DATABASE) as served, service.working(site) as worker:
        contestant = served.asked_by(tenant)
        body = contestant.body_of(FACTS)
        requests = [
            open_loop.question_of(contestant.url, "/v1/check", authorization=one, body=body, expected=_YES)
            for one in contestant.authorizations
        ]
        _warm_up(contestant.url, requests)
        log = service.DecisionLog(site.database, tenant, served.spool_path)
        log.mark()
        cpu_before_s = cpu_s(contestant.roots)
        look = holdings.looker([served.web, worker], database_url=site.database.url, spool_path=served.spool_path)
        with holdings.watched(look, seconds=plan.sustained_s) as held:
            outcome = open_loop.hold(
                contestant.url,
                requests,
                rate_per_s=plan.rate_per_s,
                seconds=plan.sustained_s,
            )
        log.settle()
        cpu_share = (cpu_s(contestant.roots) - cpu_before_s) / plan.sustained_s
        rows = log.kept().rows
    report.add(
        "Sustained load",
        f"{plan.rate_per_s:,} requests per second for {plan.sustained_s} s over {plan.keys_in_use:,} keys, sent at "
        f"fixed times over {open_loop.CONNECTIONS} connections; durability `database`, 2 web processes and a worker. "
        "Latency counts from the time at which a request should have left.",
        f"{_table(outcome, rows=rows, cpu_share=cpu_share)}\n\n{table(_HELD_HEADINGS, rows_of(held))}",
    )
    if rows < len(outcome.latencies_s):
        raise BenchFailed("Decisions were lost under the sustained load.")
    if more := growing(held):
        raise BenchFailed(f"There is ever more of: {', '.join(more)}.")


def _warm_up(url: str, requests: Sequence[Question]) -> None:
    """Each key is used at least once, gently. Raises BenchFailed for any answer but yes."""
    seconds = -(-len(requests) // _WARM_UP_RATE_PER_S)
    outcome = open_loop.hold(url, requests, rate_per_s=_WARM_UP_RATE_PER_S, seconds=seconds)
    if outcome.errors:
        raise BenchFailed(f"Before the sustained load: {outcome.errors}.")


def _table(outcome: Outcome, *, rows: int, cpu_share: float) -> str:
    answers = len(outcome.latencies_s)
    errors = ", ".join(f"{count:,} {what}" for what, count in outcome.errors.items())
    lines = [
        *((f"p{percent:g} ms", _ms(outcome.latencies_s, percent)) for percent in (50, 95, 99, 99.9)),
        ("longest ms", _ms(outcome.latencies_s, 100)),
        ("answers", f"{answers:,}"),
        ("errors", errors or "0"),
        ("rows on record", f"{rows:,}"),
        ("rows lost", f"{max(0, answers - rows):,}"),
        ("CPU of all server processes, cores", f"{cpu_share:.2f}"),
        ("CPU of the load tool, cores", f"{outcome.cpu_share:.2f}"),
        ("the load tool's own delay, p50 / p99 ms", f"{_ms(outcome.lateness_s, 50)} / {_ms(outcome.lateness_s, 99)}"),
    ]
    return table(("", "measured"), lines)


def _ms(ascending_s: list[float], percent: float) -> str:
    return f"{percentile(ascending_s, percent) * 1000:.2f}" if ascending_s else "–"
