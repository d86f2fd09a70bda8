"""The seven measures of success and when each is met. Imports no database."""

import msgspec

from core import service_levels
from core.formats import counted

UPTIME_PERCENT = float(service_levels.PILOT_UPTIME_PERCENT)
P95_S = service_levels.LATENCY_MS / 1000
ERROR_PERCENT = float(service_levels.ERROR_PERCENT)
ANSWERED_WITHIN_H = 48
BUG_RESOLVED_WITHIN_H = 72
SATISFACTION = 8.0
OVER_DAYS = 30


class Measure(msgspec.Struct, frozen=True):
    """`is_met` is None while there is nothing to measure; no figure is invented then."""

    name: str
    target: str
    found: str
    is_met: bool | None
    source: str


def unmeasured(name: str, target: str, source: str) -> Measure:
    return Measure(name, target, "No data yet", None, source)


def uptime(probed: float | None, *, unknown: int, answered: float | None = None) -> Measure:
    """`answered` is the share of valid requests; the lower of the two counts."""
    name, target = "Uptime", f"over {UPTIME_PERCENT}%"
    source = (
        "the lower of two figures: probes of the check endpoint every minute, and the share of valid requests answered"
    )
    if probed is None:
        return unmeasured(name, target, source)
    percent = probed if answered is None else min(probed, answered)
    not_measured = f", {unknown:,} minutes unknown" if unknown else ""
    return Measure(name, target, f"{percent:.3f}%{not_measured}", percent > UPTIME_PERCENT, source)


def latency(p95_s: float | None, *, is_probed: bool) -> Measure:
    name, target = "Check latency (95th percentile)", f"within {P95_S * 1000:.0f} ms"
    source = "probes sent as customer requests" if is_probed else "every response of the check API to a customer"
    if p95_s is None:
        return unmeasured(name, target, source)
    return Measure(name, target, f"{p95_s * 1000:.0f} ms", p95_s < P95_S, source)


def errors(requests: int, failures: int, *, is_probed: bool) -> Measure:
    name, target = "Error rate", f"under {ERROR_PERCENT:.0f}%"
    source = "failed probes of the check endpoint" if is_probed else "failed valid requests to the check API"
    if not requests:
        return unmeasured(name, target, source)
    percent = 100 * failures / requests
    return Measure(name, target, f"{percent:.2f}% ({failures:,} of {requests:,})", percent < ERROR_PERCENT, source)


def limiter(*, looked_at: int, beyond: int, unfounded: int) -> Measure:
    """`beyond` are decisions beyond the limit of their key, `unfounded` refusals that no limit explains."""
    name, target = "Rate-limit accuracy", "100%"
    source = "checks per key and minute in the decision log, and the requests before each rejection"
    if not looked_at:
        return unmeasured(name, target, source)
    wrong = beyond + unfounded
    percent = 100 * (looked_at - wrong) / looked_at
    found = (
        f"{percent:.2f}% ({beyond:,} decisions over the limit and {unfounded:,} unjustified rejections "
        f"in {counted(looked_at, 'decision')})"
    )
    return Measure(name, target, found, not wrong, source)


def first_answers(answered: int, in_time: int, median_h: float | None) -> Measure:
    name, target = "First response", f"within {ANSWERED_WITHIN_H} hours"
    source = "tickets with a first response sent or overdue"
    if not answered:
        return unmeasured(name, target, source)
    middle = f" (median {median_h:.1f} hours)" if median_h is not None else ""
    return Measure(name, target, f"{in_time} of {answered} on time{middle}", in_time == answered, source)


def bugs(resolved: int, in_time: int) -> Measure:
    name, target = "Bug resolution (not critical)", f"resolved within {BUG_RESOLVED_WITHIN_H} hours"
    source = "tickets in the Problem category"
    if not resolved:
        return unmeasured(name, target, source)
    return Measure(name, target, f"{in_time} of {resolved} on time", in_time == resolved, source)


def satisfaction(mean: float | None, answers: int) -> Measure:
    name, target, source = (
        "Customer satisfaction",
        f"over {SATISFACTION:.0f}/10",
        "weekly pulse, and survey a week after resolution",
    )
    if mean is None:
        return unmeasured(name, target, source)
    return Measure(
        name,
        target,
        f"{mean:.1f}/10 from {answers} {'response' if answers == 1 else 'responses'}",
        mean > SATISFACTION,
        source,
    )
