"""The seven measures of success and when each is met. Imports no database."""

import msgspec

UPTIME_PERCENT = 99.5
P95_S = 0.5
ERROR_PERCENT = 1.0
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
    return Measure(name, target, "Nothing measured yet", None, source)


def uptime(percent: float | None, *, unknown: int) -> Measure:
    name, target, source = "Uptime", f"over {UPTIME_PERCENT} %", "probes of the check path, every minute"
    if percent is None:
        return unmeasured(name, target, source)
    not_measured = f", {unknown:,} minutes unknown" if unknown else ""
    return Measure(name, target, f"{percent:.3f} %{not_measured}", percent > UPTIME_PERCENT, source)


def latency(p95_s: float | None) -> Measure:
    name, target, source = "95 of 100 checks", f"within {P95_S * 1000:.0f} ms", "probes, as a customer's software asks"
    if p95_s is None:
        return unmeasured(name, target, source)
    return Measure(name, target, f"{p95_s * 1000:.0f} ms", p95_s < P95_S, source)


def errors(probes: int, failures: int) -> Measure:
    name, target, source = "Errors", f"under {ERROR_PERCENT:.0f} %", "probes of the check path that failed"
    if not probes:
        return unmeasured(name, target, source)
    percent = 100 * failures / probes
    return Measure(name, target, f"{percent:.2f} % ({failures} of {probes})", percent < ERROR_PERCENT, source)


def limiter(minutes: int, beyond: int) -> Measure:
    """`beyond` of these minutes, each of one key, had more decisions than the key's limit."""
    name, target, source = "The limit is exact", "100 %", "every key's minutes in the decision log"
    if not minutes:
        return unmeasured(name, target, source)
    percent = 100 * (minutes - beyond) / minutes
    return Measure(name, target, f"{percent:.2f} % ({beyond} of {minutes} beyond it)", beyond == 0, source)


def first_answers(answered: int, in_time: int, median_h: float | None) -> Measure:
    name, target = "First answer to a request", f"within {ANSWERED_WITHIN_H} h"
    source = "requests whose first answer is given or overdue"
    if not answered:
        return unmeasured(name, target, source)
    middle = f", half within {median_h:.1f} h" if median_h is not None else ""
    return Measure(name, target, f"{in_time} of {answered} in time{middle}", in_time == answered, source)


def bugs(resolved: int, in_time: int) -> Measure:
    name, target = "Bugs that are not critical", f"resolved within {BUG_RESOLVED_WITHIN_H} h"
    source = "requests about something that does not work"
    if not resolved:
        return unmeasured(name, target, source)
    return Measure(name, target, f"{in_time} of {resolved} in time", in_time == resolved, source)


def satisfaction(mean: float | None, answers: int) -> Measure:
    name, target, source = "Satisfaction", f"over {SATISFACTION:.0f} of 10", "the question a week after a resolution"
    if mean is None:
        return unmeasured(name, target, source)
    return Measure(name, target, f"{mean:.1f} of 10, {answers} answers", mean > SATISFACTION, source)
