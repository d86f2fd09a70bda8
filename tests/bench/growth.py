"""The time of a check as rules, keys and the log grow. An echo measured in the same minute shows the machine's mood."""

from collections.abc import Sequence
from statistics import median

import msgspec

from core.settings import Durability
from tests.bench import echo, service
from tests.bench.contestants import Contestant, Measurement, measure, warm_up
from tests.bench.failures import BenchFailed
from tests.bench.plan import Plan
from tests.bench.report import Report
from tests.bench.service import Served, Site
from tests.bench.stock import add_idle_keys, add_log_rows, empty_log, make_tenant, more_keys
from tests.bench.tables import ratios, table, with_spread

ALONE, MANY = 1, 16
_HEADINGS = (f"p50 ms at {ALONE} connection", f"req/s at {MANY} connections", "÷ echo")


class Step(msgspec.Struct, frozen=True):
    label: str
    contestant: Contestant


class Growth:
    """Takes the measurements of one series after the other."""

    def __init__(self, site: Site, served: Served, control: Contestant, plan: Plan, report: Report) -> None:
        self._site = site
        self._served = served
        self._control = control
        self._plan = plan
        self._report = report

    def by_rules(self) -> None:
        """All sizes in turn within a round, each an organization of its own."""
        steps = [
            Step(f"{count:,}", self._served.asked_by(make_tenant(self._site.app, f"rules-{count}", rules=count)))
            for count in self._plan.rule_counts
        ]
        self._add("rules", "Each rule has two conditions, and all are evaluated.", self._measured("rules", steps))

    def by_keys(self) -> None:
        app, database = self._site.app, self._site.database
        tenant = make_tenant(app, "keys")
        rows: list[list[str]] = []
        for count in self._plan.key_counts:
            in_use = min(count, self._plan.keys_in_use)
            tenant = more_keys(app, tenant, up_to=in_use)
            add_idle_keys(database, tenant, up_to=count)
            spreads = sorted({1, in_use})
            rows += self._measured(
                "keys",
                [
                    Step(
                        f"{count:,}, requests by {spread:,}",
                        self._served.asked_by(msgspec.structs.replace(tenant, secrets=tenant.secrets[:spread])),
                    )
                    for spread in spreads
                ],
            )
        self._add("keys", "Keys in the table, but for a handful of the other series.", rows)

    def by_log_rows(self) -> None:
        database = self._site.database
        tenant = make_tenant(self._site.app, "log")
        empty_log(database)
        rows = []
        for count in self._plan.log_rows:
            try:
                add_log_rows(database, tenant, up_to=count, tell=self._report.tell)
            except BenchFailed as failed:
                self._report.remark(str(failed))
                break
            rows += self._measured("log rows", [Step(f"{count:,}", self._served.asked_by(tenant))])
        empty_log(database)
        self._add(
            "log rows", "Decisions of the same organization in today's partition, before the load adds its own.", rows
        )

    def _measured(self, what: str, steps: Sequence[Step]) -> list[list[str]]:
        """One row of the table for each step."""
        warm_up([step.contestant for step in steps])
        p50s_ms: dict[str, list[float]] = {step.label: [] for step in steps}
        speeds: dict[str, list[float]] = {step.label: [] for step in steps}
        controls: list[float] = []
        for _ in range(self._plan.growth_rounds):
            controls.append(self._one(self._control, MANY).requests_per_s)
            for step in steps:
                p50_ms = self._one(step.contestant, ALONE).p50_ms
                speed = self._one(step.contestant, MANY).requests_per_s
                p50s_ms[step.label].append(p50_ms)
                speeds[step.label].append(speed)
                self._report.tell(f"growth, {what}: {step.label}: {p50_ms:.2f} ms, {speed:,.0f} req/s")
        return [
            [
                step.label,
                with_spread(p50s_ms[step.label], ".2f"),
                f"{median(speeds[step.label]):,.0f}",
                ratios(speeds[step.label], controls),
            ]
            for step in steps
        ]

    def _one(self, contestant: Contestant, connections: int) -> Measurement:
        return measure(contestant, connections=connections, seconds=self._plan.growth_s)

    def _add(self, what: str, remark: str, rows: Sequence[Sequence[str]]) -> None:
        introduction = (
            f"{remark} {self._plan.growth_rounds} rounds of {self._plan.growth_s} s; medians, with the "
            "[least–greatest] of a round. Durability `database`, 2 workers, exact limit in Redis."
        )
        self._report.add(f"Growth: {what}", introduction, table((what, *_HEADINGS), rows))


def run(site: Site, plan: Plan, report: Report) -> None:
    with (
        echo.serving(site.folder / "logs") as control,
        service.serving(site, Durability.DATABASE) as served,
    ):
        growth = Growth(site, served, control, plan, report)
        warm_up([control])
        growth.by_rules()
        growth.by_keys()
        growth.by_log_rows()
