"""Service credits as a table: the greatest that applies, and not a request too early."""

from decimal import Decimal

import pytest

from core.service_levels import PAID_UPTIME_PERCENT, PILOT_UPTIME_PERCENT, SERVICE_CREDITS, credit_percent, outage_hours


@pytest.mark.parametrize(
    ("answered", "percent"),
    [
        (10_000, 0),
        (9_990, 0),
        (9_989, 10),
        (9_900, 10),
        (9_899, 25),
        (9_500, 25),
        (9_499, 100),
        (0, 100),
    ],
)
def test_a_credit_begins_with_the_first_request_below_its_step(answered: int, percent: int) -> None:
    assert credit_percent(SERVICE_CREDITS, valid=10_000, answered=answered) == percent


def test_a_month_without_requests_is_no_outage_and_a_plan_without_credits_owes_none() -> None:
    assert credit_percent(SERVICE_CREDITS, valid=0, answered=0) == 0
    assert credit_percent((), valid=10, answered=0) == 0


def test_the_first_step_is_the_promise_itself() -> None:
    assert max(step.below_percent for step in SERVICE_CREDITS) == PAID_UPTIME_PERCENT


def test_what_a_month_may_lose_follows_from_the_promise() -> None:
    assert outage_hours(PILOT_UPTIME_PERCENT) == Decimal("3.6")
    assert outage_hours(PAID_UPTIME_PERCENT) * 60 == Decimal("43.2")
