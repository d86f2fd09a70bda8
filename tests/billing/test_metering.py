"""Who pays as they go, all at once, and parts that somebody else sends."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from billing import metering, usage
from billing.connection import gateway
from billing.jobs import send_usage
from billing.models import BillingAccount, Subscription, UsageHour
from billing.plans import PlanCode, product_id
from billing.stripe_objects import PRODUCT, subscribed
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import store
from tests.api.test_usage_of_many import statements
from tests.cast import Member, organization_with_key

HOUR = timedelta(hours=1)


def items(number: int) -> dict[str, Any]:
    """Each has a period of its own."""
    now_s = int(utc_now().timestamp())
    price = {"id": "price_1", "product": product_id(PlanCode.METERED)}
    ends_s = now_s + 7_200 + number
    return {"data": [{"price": price, "current_period_start": now_s - 7_200, "current_period_end": ends_s}]}


def add_payer(app: Flask, slug: str, *statuses: str) -> Member:
    """With a subscription of each status, one after the other; an hour is sealed and not sent."""
    member = organization_with_key(app, slug=slug)
    with app.app_context(), acting_as_system(), transaction():
        now, home = utc_now(), member.organization_id
        db.session.add(BillingAccount(organization_id=home, customer_id=f"cus_{slug}", metered_since=now - 9 * HOUR))
        for number, status in enumerate(statuses or ("active",)):
            about = {"id": f"sub_{slug}_{number}", "status": status, "created_at": now + number * HOUR}
            snapshot = {"id": about["id"], "status": status, "metadata": {"product": PRODUCT}, "items": items(number)}
            db.session.add(Subscription(organization_id=home, snapshot=snapshot, fetched_at=now, **about))
        usage.seal(home, {(now - 2 * HOUR).replace(minute=0, second=0, microsecond=0): 5}, now=now)
    return member


def test_many_who_pay_as_they_go_cost_as_many_queries_as_a_few(app: Flask) -> None:
    def look() -> int:
        with statements(app) as seen, app.app_context(), acting_as_system():
            now = utc_now()
            payers = metering.every_metered()
            assert payers
            metering.ending_soon(now)
            assert len(metering.unsent(payers, now=now)) == len(payers)
        return len(seen)

    for number in range(2):
        add_payer(app, f"few-{number}")
    for_few = look()
    for number in range(9):
        add_payer(app, f"many-{number}")

    assert look() == for_few


def test_of_several_subscriptions_the_one_that_counts_says_until_when(app: Flask) -> None:
    add_payer(app, "several", "canceled", "active", "incomplete")

    with app.app_context(), acting_as_system():
        [payer] = metering.every_metered()
        kept = db.session.get_one(Subscription, "sub_several_1")

    assert payer.period_end == subscribed(kept.snapshot).period_end


def sent(app: Flask) -> list[str]:
    with app.app_context():
        send_usage(timestamp=0)
    with app.app_context(), acting_as_system():
        return [one["payload"]["value"] for one in store.every("meter_event")]


@pytest.mark.parametrize(("claimed_for", "is_sent"), [(timedelta(minutes=1), False), (timedelta(minutes=-1), True)])
def test_a_part_that_somebody_else_sends_is_left_to_them_unless_they_are_gone(
    app: Flask, prices: None, claimed_for: timedelta, is_sent: bool
) -> None:
    add_payer(app, "ada")
    with app.app_context(), acting_as_system(), transaction():
        db.session.query(UsageHour).one().claimed_until = utc_now() + claimed_for

    assert sent(app) == (["5"] if is_sent else [])


def test_a_part_that_could_not_be_sent_may_be_sent_at_once_by_the_next(
    app: Flask, prices: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError

    add_payer(app, "ada")
    with monkeypatch.context() as failing, app.app_context():
        failing.setattr(type(gateway()), "send_usage", fail)
        assert sent(app) == []

    assert sent(app) == ["5"]
