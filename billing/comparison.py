"""The plans beside each other: one row for each thing that differs, the same on every page that compares them."""

from collections.abc import Callable, Sequence

import msgspec

from billing.plans import Limits, Plan

UNLIMITED = "Unlimited"


class ComparisonRow(msgspec.Struct, frozen=True):
    """`cells` are in the order of the plans."""

    label: str
    note: str
    cells: tuple[str, ...]


def _count(value: int | None) -> str:
    return UNLIMITED if value is None else f"{value:,}"


def _availability(limits: Limits) -> str:
    return f"{limits.availability_percent}%{' (SLA)' if limits.credits else ' (target)'}"


def _credits(limits: Limits) -> str:
    return ", ".join(map(str, limits.credits)) or "None"


_ROWS: tuple[tuple[str, str, Callable[[Plan], str]], ...] = (
    (
        "Live checks per month",
        "Checks with test keys are free and never counted.",
        lambda p: _count(p.limits.checks_a_month),
    ),
    ("Requests per key per minute", "", lambda p: _count(p.limits.rate_per_key)),
    ("Requests per minute, all keys", "", lambda p: _count(p.limits.rate_per_organization)),
    ("Active API keys", "Live and test keys together.", lambda p: _count(p.limits.keys)),
    ("Members", "Including pending invitations.", lambda p: _count(p.limits.members)),
    ("Log retention", "The longest period you can choose.", lambda p: f"{p.limits.retention_days:,} days"),
    ("Availability per month", "Of valid requests to the check API.", lambda p: _availability(p.limits)),
    ("Service credits", "Share of the month's fee. You don't need to claim it.", lambda p: _credits(p.limits)),
    ("Support response times", "", lambda p: p.limits.support),
)


def compare(plans: Sequence[Plan]) -> list[ComparisonRow]:
    return [ComparisonRow(label, note, tuple(cell(plan) for plan in plans)) for label, note, cell in _ROWS]
