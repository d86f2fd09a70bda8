"""What can be had, for how much, and within which limits. The only place that says so."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from core.retention import HIGH_RISK_RETENTION_DAYS, LONGEST_RETENTION_DAYS
from core.service_levels import PAID_UPTIME_PERCENT, PILOT_MONTHS, PILOT_UPTIME_PERCENT, SERVICE_CREDITS, CreditStep

DOLLAR = 100
"""Money is an integer of cents."""
CURRENCY = "usd"


KEYS_AT_FULL_RATE = 5
"""All keys of an organization together may make as many requests as so many keys with the plan's limit."""


class PlanCode(StrEnum):
    PILOT = "pilot"
    FREE = "free"
    PRO = "pro"
    METERED = "pay_as_you_go"
    ENTERPRISE = "enterprise"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """None is without a limit."""

    checks_a_month: int | None
    """Live checks. Checks with test keys are never counted."""
    rate_per_key: int
    """Requests of a key in 60 s."""
    keys: int | None
    """Keys in use, live and test together."""
    members: int | None
    """People and open invitations."""
    retention_days: int
    """The longest that decisions can be set to be kept."""
    support: str
    """How far the response times of support bind us; they are the same on every plan."""
    availability_percent: Decimal = PILOT_UPTIME_PERCENT
    """Availability in a month; owed where there are credits, else a target."""
    credits: tuple[CreditStep, ...] = ()
    """For a month that missed it."""

    @property
    def rate_per_organization(self) -> int:
        """Requests of all keys together in 60 s."""
        return KEYS_AT_FULL_RATE * self.rate_per_key


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    code: PlanCode
    name: str
    price_minor: int | None
    """Cents a month; None where it is agreed, or counted."""
    price: str
    """In words."""
    summary: str
    beyond: str
    """What happens when the checks of a month are used up."""
    limits: Limits


METER_EVENT = "aig_checks"
METERED_CHECKS_PER_CENT = 1_000
"""$0.01 for each 1,000 checks."""
METERED_MINIMUM_MINOR = 10 * DOLLAR

_TARGETS = "Targets, not guarantees"
_GUARANTEED = "Guaranteed (SLA)"
_NO_END = "There is no monthly limit."

SANDBOX = Limits(
    checks_a_month=None,
    rate_per_key=30,
    keys=5,
    members=10,
    retention_days=LONGEST_RETENTION_DAYS,
    support=_TARGETS,
)
"""Before an organization is approved: test keys only."""

_OF_PRODUCTION = Limits(
    checks_a_month=None,
    rate_per_key=600,
    keys=100,
    members=50,
    retention_days=LONGEST_RETENTION_DAYS,
    support=_GUARANTEED,
    availability_percent=PAID_UPTIME_PERCENT,
    credits=SERVICE_CREDITS,
)

PLANS: dict[PlanCode, Plan] = {
    plan.code: plan
    for plan in (
        Plan(
            code=PlanCode.PILOT,
            name="Pilot",
            price_minor=0,
            price=f"Free for {PILOT_MONTHS} months",
            summary="All features, to evaluate the product. Then you are on Free unless you choose another plan.",
            beyond=_NO_END,
            limits=Limits(
                checks_a_month=None,
                rate_per_key=100,
                keys=100,
                members=25,
                retention_days=LONGEST_RETENTION_DAYS,
                support=_TARGETS,
            ),
        ),
        Plan(
            code=PlanCode.FREE,
            name="Free",
            price_minor=0,
            price="$0",
            summary="For small and occasional use.",
            beyond="Live keys are disabled until the next month begins or until you upgrade. "
            "Usage is counted once a minute, so slightly more checks may get through. Test keys keep working.",
            limits=Limits(
                checks_a_month=10_000,
                rate_per_key=100,
                keys=5,
                members=3,
                retention_days=HIGH_RISK_RETENTION_DAYS,
                support=_TARGETS,
            ),
        ),
        Plan(
            code=PlanCode.PRO,
            name="Pro",
            price_minor=49 * DOLLAR,
            price="$49 a month",
            summary="For software in production.",
            beyond=_NO_END,
            limits=_OF_PRODUCTION,
        ),
        Plan(
            code=PlanCode.METERED,
            name="Pay as you go",
            price_minor=None,
            price="$0.01 per 1,000 checks, at least $10 a month",
            summary="Everything in Pro, billed by usage.",
            beyond=_NO_END,
            limits=_OF_PRODUCTION,
        ),
        Plan(
            code=PlanCode.ENTERPRISE,
            name="Enterprise",
            price_minor=None,
            price="By agreement",
            summary="Custom terms, limits and invoicing.",
            beyond=_NO_END,
            limits=Limits(
                checks_a_month=None,
                rate_per_key=6_000,
                keys=None,
                members=None,
                retention_days=LONGEST_RETENTION_DAYS,
                support="As agreed",
                availability_percent=PAID_UPTIME_PERCENT,
                credits=SERVICE_CREDITS,
            ),
        ),
    )
}

SOLD = (PlanCode.PRO, PlanCode.METERED)
"""What can be bought without talking to us, from the most to the least."""


def lookup_key(code: PlanCode) -> str:
    """By which Stripe finds the price of a plan."""
    return f"aig_{code}_monthly"


def product_id(code: PlanCode) -> str:
    """Of a plan at Stripe; chosen by us, and the same for all prices it ever had."""
    return f"aig_{code}"


def plan_of_price(price: Mapping[str, Any]) -> PlanCode | None:
    """None for a price that is none of ours. An old price has lost its lookup key to a newer one, not its product."""
    product = price.get("product")
    identifier = product.get("id") if isinstance(product, Mapping) else product
    return next((code for code in SOLD if product_id(code) == identifier), None)


def metered_price_minor(checks: int) -> int:
    """What so many checks of one month cost, in cents; a begun thousand counts as its part, rounded up to a cent."""
    return max(METERED_MINIMUM_MINOR, -(-checks // METERED_CHECKS_PER_CENT))
