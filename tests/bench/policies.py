"""What policies cost: replaying decisions for the impact of a draft, and rules in shadow beside none."""

import time
from statistics import median
from uuid import UUID

import msgspec
import psutil
from flask import Flask

from api.decisions.impact import services as impacts
from api.decisions.impact.analysis import Analysis
from api.policies import services as policies
from api.policies.compiling import compile_policy
from api.policies.evaluator import CheckFacts, CompiledPolicy, evaluate
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, acting_for, transaction
from tests.bench import beside_checks, costs, question
from tests.bench.database import Database
from tests.bench.failures import Missing
from tests.bench.plan import Plan
from tests.bench.replaying import RULES, requested
from tests.bench.report import Report
from tests.bench.service import Site
from tests.bench.stock import Tenant, empty_log, make_tenant
from tests.bench.tables import ratios, table
from tests.impact_steps import step

SHADOW_RULES, ROUNDS = 50, 5
_KINDS = 90_000
"""So many different combinations of facts and key are among the decisions."""
_TURNS, _EVALUATIONS = 20, 2_000
_ALL = "all of it"
_MB = 2**20


class Replayed(msgspec.Struct, frozen=True):
    rows: int
    differing: int
    recorded_otherwise: int
    took_s: float
    processor_s: float
    memory_rose_bytes: int


def run(site: Site, plan: Plan, report: Report) -> None:
    tenant = make_tenant(site.app, "replayed", rules=RULES)
    empty_log(site.database)
    _add_mixed_rows(site.database, tenant, rows=plan.replayed_rows)
    _replay(site.app, tenant, report)
    _beside_checks(site, tenant, plan, report)
    empty_log(site.database)
    _shadow(site, report)


def _replay(app: Flask, tenant: Tenant, report: Report) -> None:
    found = _replayed(app, tenant.organization_id)
    rows = [
        ["decisions", f"{found.rows:,}"],
        ["would come out otherwise", f"{found.differing:,}"],
        ["recorded otherwise (has to be 0)", f"{found.recorded_otherwise:,}"],
        ["decisions per second", f"{found.rows / found.took_s:,.0f}"],
        ["decisions per second of its processor time", f"{found.rows / found.processor_s:,.0f}"],
        ["memory rose by, MB", f"{found.memory_rose_bytes / _MB:.0f}"],
    ]
    introduction = (
        f"The impact of a draft on mixed decisions, of {_KINDS:,} kinds, with {RULES} rules and a new one: in one "
        "process without the pauses of the worker, PostgreSQL beside it. Each is judged by the draft, by its base and "
        "by its own version."
    )
    report.add("Replay", introduction, table(("", ""), rows))


def _beside_checks(site: Site, tenant: Tenant, plan: Plan, report: Report) -> None:
    asking = make_tenant(site.app, "asking", rules=RULES)
    try:
        beside_checks.run(site, asking, tenant, plan, report)
    except Missing as missing:
        report.remark(f"{missing} Without it checks are not measured beside a replay.")


def _replayed(app: Flask, organization_id: UUID) -> Replayed:
    with app.app_context(), acting_for(organization_id):
        with transaction():
            impact = requested(organization_id)
            analysis = Analysis(organization_id, impact.id)
        process, goes_on = psutil.Process(), True
        before_bytes = most_bytes = process.memory_info().rss
        began_s, began_processor_s = time.perf_counter(), time.process_time()
        while goes_on:
            with transaction():
                goes_on = step(analysis, now=utc_now())
            most_bytes = max(most_bytes, process.memory_info().rss)
        took_s, processor_s = time.perf_counter() - began_s, time.process_time() - began_processor_s
        done = impacts.find_latest(organization_id, impact.draft_id)
    assert done is not None
    tally = done.tally
    return Replayed(
        rows=tally.looked_at,
        differing=tally.differing,
        recorded_otherwise=tally.recorded_otherwise,
        took_s=took_s,
        processor_s=processor_s,
        memory_rose_bytes=most_bytes - before_bytes,
    )


def _add_mixed_rows(database: Database, tenant: Tenant, *, rows: int) -> None:
    """Spread over today until now (UTC); no rule refuses one."""
    metadata = msgspec.json.encode(question.FACTS).decode()
    database.run(
        """
        INSERT INTO decision (id, decided_at, organization_id, api_key_id, environment, model, operation, metadata,
                              risk_score, allowed, reason, reasons, policy_version, latency_us, request_id)
        SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0')
                || '7' || substr(random, 1, 3) || '8' || substr(random, 4, 15))::uuid,
               date_trunc('milliseconds', moment), %(organization_id)s, md5('key' || kind %% 20)::uuid, 'live',
               %(model)s, %(operation)s,
               %(metadata)s::jsonb || jsonb_build_object(
                   'department', 'department-' || kind %% 20, 'application', 'app-' || kind %% 50,
                   'dataset_record_count', kind %% 4000, 'gen_ai.usage.input_tokens', kind),
               0, true, 'ok', '[]', 2, 500, 'req_' || substr(random, 1, 24)
        FROM (SELECT today + (now() - today) * (n::float8 / %(rows)s) AS moment,
                     md5('replay:' || n) AS random, n::bigint * 7919 %% %(kinds)s AS kind
              FROM generate_series(1, %(rows)s) AS n, date_trunc('day', now(), 'UTC') AS today) AS made
        """,
        {
            "organization_id": tenant.organization_id,
            "model": question.MODEL,
            "operation": question.OPERATION,
            "metadata": metadata,
            "rows": rows,
            "kinds": _KINDS,
        },
    )
    database.run("VACUUM (ANALYZE) decision")
    database.run("CHECKPOINT")


def _shadow(site: Site, report: Report) -> None:
    bare, shadowed = (make_tenant(site.app, slug, rules=RULES) for slug in ("bare", "shadowed"))
    shadow = [
        {**rule, "code": f"shadow_{rule['code']}", "state": "shadow"} for rule in question.our_rules(SHADOW_RULES)
    ]
    with site.app.app_context(), acting_as_system(), transaction():
        rules = [*question.our_rules(RULES), *shadow]
        policies.change(shadowed.organization_id, "rules", rules, by=COMMAND_LINE, now=utc_now())
    checks = [(costs.measure(site, bare)[_ALL], costs.measure(site, shadowed)[_ALL]) for _ in range(ROUNDS)]
    alone = _evaluations_us(site.app, bare, shadowed)
    rows = [
        [what, f"{median(without):.1f}", f"{median(beside):.1f}", ratios(beside, without)]
        for what, (without, beside) in (
            ("a whole check", tuple(zip(*checks, strict=True))),
            ("its evaluation alone", tuple(zip(*alone, strict=True))),
        )
    ]
    introduction = (
        f"Processor time in µs with {RULES} rules, and with {SHADOW_RULES} in shadow beside them: of a whole check "
        f"without HTTP, as under “costs”, and of its evaluation. Medians of {ROUNDS} and {_TURNS} turns."
    )
    report.add("Rules in shadow", introduction, table(("", "none", f"{SHADOW_RULES} in shadow", "ratio"), rows))


def _evaluations_us(app: Flask, *tenants: Tenant) -> list[tuple[float, ...]]:
    """In turns, so that what slows the machine down slows them all."""
    with app.app_context(), acting_as_system():
        compiled = [compile_policy(one.organization_id, *policies.current(one.organization_id)) for one in tenants]
    stated = {name: tuple(value) if isinstance(value, list) else value for name, value in question.FACTS.items()}
    facts = CheckFacts(question.MODEL, question.OPERATION, stated)
    return [tuple(_evaluation_us(policy, facts) for policy in compiled) for _ in range(_TURNS)]


def _evaluation_us(policy: CompiledPolicy, facts: CheckFacts) -> float:
    began_s = time.thread_time()
    for _ in range(_EVALUATIONS):
        evaluate(policy, facts)
    return (time.thread_time() - began_s) * 1e6 / _EVALUATIONS
