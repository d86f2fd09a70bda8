"""The plans as data, and months as they are counted."""

from datetime import UTC, datetime

import pytest

from billing.plans import PLANS, SOLD, PlanCode, lookup_key, metered_price_minor, plan_of_price, product_id
from core.calendar import month_around
from legal_docs import figures


def test_every_plan_is_described_and_none_keeps_decisions_longer_than_the_contract_says() -> None:
    assert set(PLANS) == set(PlanCode)
    for plan in PLANS.values():
        assert plan.price
        assert plan.limits.retention_days <= figures.LONGEST_RETENTION_DAYS
    assert PLANS[PlanCode.FREE].limits.checks_a_month == 10_000
    assert PLANS[PlanCode.PRO].price_minor == 4_900
    assert PLANS[PlanCode.PRO].price == "$49 a month"
    assert PLANS[PlanCode.FREE].limits.rate_per_key == figures.CHECKS_PER_WINDOW


def test_a_price_is_a_plans_by_its_product_also_when_a_newer_one_took_its_key() -> None:
    for code in SOLD:
        assert plan_of_price({"product": product_id(code), "lookup_key": None}) is code
        assert plan_of_price({"product": {"id": product_id(code)}}) is code
    assert plan_of_price({"product": "prod_of_another", "lookup_key": lookup_key(PlanCode.PRO)}) is None
    assert plan_of_price({}) is None


@pytest.mark.parametrize(("checks", "cents"), [(0, 1_000), (1_000_000, 1_000), (1_000_001, 1_001), (2_500_000, 2_500)])
def test_paying_as_you_go_costs_a_cent_for_a_thousand_and_at_least_ten_dollars(checks: int, cents: int) -> None:
    assert metered_price_minor(checks) == cents


@pytest.mark.parametrize(
    ("anchor", "moment", "since", "until"),
    [
        ("2026-01-15", "2026-11-22", "2026-11-15", "2026-12-15"),
        ("2026-01-31", "2026-02-28", "2026-02-28", "2026-03-31"),
        ("2026-01-31", "2026-02-27", "2026-01-31", "2026-02-28"),
        ("2025-12-22", "2026-11-22", "2026-11-22", "2026-12-22"),
    ],
)
def test_a_month_is_counted_from_the_day_of_the_sign_up(anchor: str, moment: str, since: str, until: str) -> None:
    assert month_around(_day(moment), anchor=_day(anchor)) == (_day(since), _day(until))


def _day(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=UTC)
