"""What is known of a subscription may be old: it is looked at before it is changed, and again after a refusal."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from billing import mirror
from billing import subscriptions as ours
from billing.access import AccessState
from billing.connection import gateway
from billing.errors import PaymentsRefused
from billing.intents import ChangeIntent
from billing.models import Subscription
from billing.plans import PlanCode
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.errors import AppError, NotFound
from local.stripe_sandbox import store
from local.stripe_sandbox import subscriptions as at_stripe
from tests.billing.faulty_stripe import FaultyStripe
from tests.billing.scene import access, offer_metered, subscribe
from tests.billing.test_unsure import do, end, end_without_access, recorded, refund, resume, switch
from tests.cast import Member

Act = Callable[[Member], Any]

ACTS: dict[str, tuple[Act, Act | None, PlanCode]] = {
    "end": (end, None, PlanCode.PRO),
    "end what was planned": (end, switch, PlanCode.PRO),
    "resume": (resume, end, PlanCode.PRO),
    "resume what was planned": (resume, switch, PlanCode.PRO),
    "switch down": (switch, None, PlanCode.PRO),
    "switch up": (lambda member: switch(member, PlanCode.PRO), None, PlanCode.METERED),
    "end without access": (
        end_without_access,
        lambda member: refund(member, None, ends_subscription=False),
        PlanCode.PRO,
    ),
}


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> FaultyStripe:
    return FaultyStripe(monkeypatch)


@pytest.fixture(params=ACTS)
def act(request: pytest.FixtureRequest, app: Flask, ada: Member, prices: None, stripe: FaultyStripe) -> Act:
    """Ada may do it, as far as we know."""
    found, before, plan = ACTS[request.param]
    offer_metered(app, ada)
    subscribe(app, ada, plan)
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, ada.organization_id).pilot_ends_at = None
        mirror.sync(ada.organization_id, gateway(), now=utc_now())
        if before is not None:
            before(ada)
    return found


def end_at_stripe() -> None:
    at_stripe.end_now(store.every("subscription")[0]["id"], because="cancellation_requested")


def status_here(app: Flask) -> str:
    with app.app_context(), acting_as_system():
        return db.session.scalars(select(Subscription.status)).one()


def test_what_ended_at_stripe_without_a_word_is_seen_before_anything_is_asked(
    app: Flask, ada: Member, act: Act, stripe: FaultyStripe
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        end_at_stripe()
    assert status_here(app) == "active"
    stripe.writes.clear()

    with pytest.raises((ours.NoSubscription, NotFound)):
        do(app, act, ada)

    assert stripe.writes == []
    assert status_here(app) == "canceled"
    assert access(app, ada).state is AccessState.ENDED


def test_what_ends_at_stripe_in_the_same_moment_is_seen_after_the_refusal(
    app: Flask, ada: Member, act: Act, stripe: FaultyStripe
) -> None:
    before = {action: recorded(app, ada, action) for action in ("plan.ended", "plan.resumed", "plan.switched")}
    stripe.meanwhile("(POST|DELETE) /v1/subscription", end_at_stripe)

    with pytest.raises(PaymentsRefused):
        do(app, act, ada)

    assert status_here(app) == "canceled"
    assert access(app, ada).state is AccessState.ENDED
    assert {action: recorded(app, ada, action) for action in before} == before
    with app.app_context(), acting_as_system():
        assert db.session.scalars(select(ChangeIntent.outcome).order_by(ChangeIntent.begun_at.desc())).first() == (
            "refused"
        )
    with pytest.raises((ours.NoSubscription, NotFound)):
        do(app, act, ada)


def test_what_was_switched_at_stripe_without_a_word_is_seen_before_it_is_switched_again(
    app: Flask, ada: Member, prices: None, stripe: FaultyStripe
) -> None:
    offer_metered(app, ada)
    subscribe(app, ada)
    do(app, lambda who: mirror.sync(who.organization_id, gateway(), now=utc_now()), ada)
    with app.app_context(), acting_as_system(), transaction():
        subscription = store.every("subscription")[0]
        metered = next(one for one in store.every("price") if "pay_as_you_go" in str(one["lookup_key"]))
        subscription["items"]["data"][0]["price"] = metered
        store.save(subscription)
    stripe.writes.clear()

    with pytest.raises(AppError) as refused:
        do(app, switch, ada)

    assert isinstance(refused.value, ours.CannotSwitch)
    assert stripe.writes == []
    assert access(app, ada).plan is PlanCode.METERED
