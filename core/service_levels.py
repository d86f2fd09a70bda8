"""What availability plans promise, and what is credited for a month that missed it.

Plans state it and so do the Terms, and the rooms of money and of promises may not know each other.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

PILOT_MONTHS = 6
PILOT_UPTIME_PERCENT = Decimal("99.5")
"""A target, without credits."""
PAID_UPTIME_PERCENT = Decimal("99.9")
LATENCY_MS = 500
ERROR_PERCENT = 1
CREDIT_WITHIN_DAYS = 30
"""After the end of the month that missed it."""

_HOURS_A_MONTH = 30 * 24


class CreditStep(msgspec.Struct, frozen=True):
    """Of what was paid in a month whose availability was below so many per cent, this part is credited."""

    below_percent: Decimal
    credit_percent: int

    def __str__(self) -> str:
        return f"{self.credit_percent}% if below {self.below_percent}%"


SERVICE_CREDITS = (
    CreditStep(PAID_UPTIME_PERCENT, 10),
    CreditStep(Decimal("99.0"), 25),
    CreditStep(Decimal("95.0"), 100),
)


def credit_percent(steps: Sequence[CreditStep], *, valid: int, answered: int) -> int:
    """The greatest that applies, by the exact share of valid requests that were answered. None of them is no outage."""
    missed = [step for step in steps if valid and Decimal(100 * answered) < step.below_percent * valid]
    return max((step.credit_percent for step in missed), default=0)


def outage_hours(uptime_percent: Decimal) -> Decimal:
    """What a month of 30 days may lose."""
    return (100 - uptime_percent) * _HOURS_A_MONTH / 100
