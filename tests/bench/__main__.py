"""Runs what was asked for, and cleans up whatever the end."""

import signal
import sys
from contextlib import ExitStack
from types import FrameType

from tests.bench import compare, costs, growth, policies, sdk, service, sustained, wrk
from tests.bench.failures import BenchFailed, Missing
from tests.bench.plan import Experiment, Plan, read_plan
from tests.bench.processes import ROOT
from tests.bench.report import Report
from tests.bench.service import Site

FOLDER = ROOT / "var" / "bench"


def main() -> int:
    plan = read_plan()
    signal.signal(signal.SIGTERM, _end)
    report = Report(FOLDER / "results.md")
    try:
        _run(plan, report)
    except BenchFailed as failed:
        report.remark(f"The run failed, and what was to follow is missing. {failed}")
        return 1
    except KeyboardInterrupt:
        report.remark("The run was broken off, and what was to follow is missing.")
        return 130
    report.tell(f"Written to {(FOLDER / 'results.md').relative_to(ROOT)}.")
    return 0


def _run(plan: Plan, report: Report) -> None:
    has_wrk = _is_there(report)
    with ExitStack() as stack:
        site = _site(stack, report)
        if has_wrk and plan.includes(Experiment.COMPARE):
            compare.run(FOLDER, site, plan, report)
        if site is None:
            return
        if plan.includes(Experiment.COSTS):
            costs.run(site, report)
        if plan.includes(Experiment.POLICIES):
            policies.run(site, plan, report)
        if plan.includes(Experiment.SDK):
            sdk.run(site, report)
        if plan.includes(Experiment.SUSTAINED):
            sustained.run(site, plan, report)
        if has_wrk and plan.includes(Experiment.GROWTH):
            growth.run(site, plan, report)


def _is_there(report: Report) -> bool:
    try:
        wrk.program()
    except Missing as missing:
        report.remark(f"{missing} Without it there is no comparison and no growth.")
        return False
    return True


def _site(stack: ExitStack, report: Report) -> Site | None:
    try:
        site = stack.enter_context(service.site(FOLDER))
    except Missing as missing:
        report.remark(f"{missing} Without it nothing of ours is measured.")
        return None
    report.know("PostgreSQL", site.database.setting("server_version"))
    return site


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
