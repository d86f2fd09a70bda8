"""Switching plans, refunds by an operator, usage that is sent once, and rounds that mend what events missed."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from api.usage.jobs import count_last_minutes
from billing import metering, mirror, previews, reconciliation, refunds, subscriptions, usage
from billing.access import AccessState
from billing.connection import gateway
from billing.errors import MeterMissing, PaymentsAway
from billing.jobs import reconcile, send_usage
from billing.models import BillingAccount, Drift, ReconciliationRun, StripeEvent, UsageHour
from billing.plans import METER_EVENT, PlanCode, lookup_key
from core.audit import COMMAND_LINE, SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.errors import InvalidRequest
from core.ids import new_uuid
from local.stripe_sandbox import events, invoices, store
from local.stripe_sandbox import subscriptions as at_stripe
from tests.billing.scene import access, count, happen, offer_metered, receive, sent_events, subscribe, subscription_id
from tests.cast import Caller, Member, organization_with_key
from tests.people import Person, mails_to

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def do(app: Flask, act: Callable[..., Any], who: Member, *arguments: Any, **options: Any) -> Any:
    """Something that we do at Stripe; its events are not sent."""
    with app.app_context(), acting_as_system(), transaction():
        return act(who.organization_id, *arguments, gateway(), by=SYSTEM, now=utc_now(), **options)


@pytest.fixture
def payer(app: Flask, ada: Member, prices: None) -> Member:
    """Ada, who pays as she goes, since three hours ago."""
    offer_metered(app, ada)
    subscribe(app, ada, PlanCode.METERED)
    with app.app_context(), acting_as_system(), transaction():
        subscription = store.every("subscription")[0]
        since = int((utc_now() - 3 * HOUR).timestamp())
        subscription["items"]["data"][0]["current_period_start"] = since
        store.save(subscription)
        mirror.sync(ada.organization_id, gateway(), now=utc_now())
    assert access(app, ada).plan is PlanCode.METERED
    return ada


def test_a_smaller_plan_comes_at_the_end_of_the_period_and_can_be_taken_back(app: Flask, subscribed: Member) -> None:
    """Case 10, downwards: the limits stay until the period that was paid is over."""
    offer_metered(app, subscribed)

    assert do(app, subscriptions.switch, subscribed, PlanCode.METERED) is False
    assert access(app, subscribed).plan is PlanCode.PRO
    with app.app_context(), acting_as_system():
        planned = subscriptions.status_of(subscribed.organization_id).subscription
        assert planned is not None
        assert planned.scheduled_plan is PlanCode.METERED
    with pytest.raises(subscriptions.CannotSwitch):
        do(app, subscriptions.switch, subscribed, PlanCode.METERED)

    do(app, subscriptions.resume, subscribed)
    happen(app, at_stripe.next_period, subscription_id(app, subscribed), is_paid=True)
    assert access(app, subscribed).plan is PlanCode.PRO

    do(app, subscriptions.switch, subscribed, PlanCode.METERED)
    happen(app, at_stripe.next_period, subscription_id(app, subscribed), is_paid=True)
    assert access(app, subscribed).plan is PlanCode.METERED


def test_a_bigger_plan_comes_at_once_and_says_before_what_it_costs(app: Flask, payer: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        assert previews.preview(payer.organization_id, PlanCode.PRO, now=utc_now()).due_minor is None
        previews.ask_preview(organization_id=str(payer.organization_id), plan=PlanCode.PRO.value)
        preview = previews.preview(payer.organization_id, PlanCode.PRO, now=utc_now())
    assert preview.is_now
    assert 0 < (preview.due_minor or 0) <= 4_900

    assert do(app, subscriptions.switch, payer, PlanCode.PRO) is True
    assert access(app, payer).plan is PlanCode.PRO


def test_a_change_that_waits_for_the_bank_raises_nothing(app: Flask, payer: Member) -> None:
    """Case 10, upwards: the items stay until the update is applied, and one that expires leaves no trace."""
    identifier = subscription_id(app, payer)
    with app.app_context(), acting_as_system():
        pro = store.every("price", lookup_key=lookup_key(PlanCode.PRO))[0]
    waiting = {"expires_at": int(utc_now().timestamp()) + 82_800, "subscription_items": [{"price": pro}]}

    for pending_update in (waiting, None):
        happen(app, keep_changed, identifier, pending_update=pending_update)
        assert access(app, payer).plan is PlanCode.METERED


def keep_changed(subscription: str, **changes: Any) -> None:
    changed = store.save({**store.need(subscription), **changes})
    inspect.unwrap(events.emit)("customer.subscription.updated", changed)


def test_ending_is_taken_back_with_one_press_and_twice_is_once(app: Flask, subscribed: Member) -> None:
    for _ in range(2):
        do(app, subscriptions.end, subscribed)
    assert access(app, subscribed).state is AccessState.ACTIVE_ENDING

    for _ in range(2):
        do(app, subscriptions.resume, subscribed)
    assert access(app, subscribed).state is AccessState.ACTIVE


def test_who_has_no_subscription_has_nothing_to_change(app: Flask, ada: Member) -> None:
    for act in (subscriptions.end, subscriptions.resume):
        with pytest.raises(subscriptions.NoSubscription):
            do(app, act, ada)


def first_invoice() -> str:
    return str(store.every("invoice")[0]["id"])


def refund(app: Flask, who: Member, amount: int | None = None) -> None:
    with app.app_context(), acting_as_system(), transaction():
        invoice_id = first_invoice()
        refunds.refund(
            who.organization_id,
            invoice_id,
            gateway(),
            amount_minor=amount,
            refunded_before_minor=store.every("charge")[0]["amount_refunded"],
            reason="Kindness.",
            by=COMMAND_LINE,
            now=utc_now(),
        )


def test_an_operator_refunds_a_part_then_the_rest_and_then_nothing(app: Flask, subscribed: Member) -> None:
    refund(app, subscribed, 1_000)
    assert access(app, subscribed).plan is PlanCode.PRO
    with pytest.raises(InvalidRequest):
        refund(app, subscribed, 4_000)

    refund(app, subscribed)
    assert access(app, subscribed).plan is not PlanCode.PRO
    with pytest.raises(refunds.NothingToRefund):
        refund(app, subscribed)


def test_a_disputed_charge_is_not_refunded(app: Flask, subscribed: Member) -> None:
    with app.app_context(), acting_as_system():
        charge = store.every("charge")[0]["id"]
    happen(app, invoices.dispute, charge, status="needs_response")

    with pytest.raises(refunds.NothingToRefund):
        refund(app, subscribed)


def seal(app: Flask, who: Member, *, hours_ago: int, checks: int) -> None:
    with app.app_context(), acting_as_system(), transaction():
        hour = (utc_now() - hours_ago * HOUR).replace(minute=0, second=0, microsecond=0)
        usage.seal(who.organization_id, {hour: checks}, now=utc_now())


def metered_total(app: Flask) -> int:
    with app.app_context(), acting_as_system():
        return sum(int(event["payload"]["value"]) for event in store.every("meter_event"))


def run(app: Flask, job: Callable[..., Any]) -> None:
    with app.app_context():
        job(timestamp=int(utc_now().timestamp()))


def test_sealed_hours_are_sent_once_and_late_ones_as_a_part_of_their_own_hour(app: Flask, payer: Member) -> None:
    """Case 11."""
    seal(app, payer, hours_ago=2, checks=500)
    seal(app, payer, hours_ago=30, checks=9_999)  # before the subscription: what was free stays free
    for _ in range(2):
        run(app, send_usage)
    assert metered_total(app) == 500

    seal(app, payer, hours_ago=2, checks=520)
    run(app, send_usage)
    assert metered_total(app) == 520


@pytest.mark.parametrize("days_later", [0, 2])
def test_what_was_sent_before_a_crash_is_not_counted_twice(app: Flask, payer: Member, days_later: int) -> None:
    seal(app, payer, hours_ago=2, checks=500)
    with app.app_context(), acting_as_system(), transaction():
        [found] = metering.every_metered()
        part = db.session.scalars(select(UsageHour)).one()
        part.attempted_at = utc_now() - timedelta(days=days_later)
        gateway().send_usage(part.identifier, customer_id=found.customer_id, checks=part.checks, at=part.hour)
        if days_later:  # the meter has forgotten the identifier, not the count
            kept = db.session.get_one(store.SandboxObject, f"meter:{part.identifier}")
            kept.id = "meter:forgotten"

    run(app, send_usage)

    assert metered_total(app) == 500
    assert count(app, UsageHour, UsageHour.sent_at.is_(None)) == 0


@pytest.mark.parametrize("is_active", [True, False])
def test_what_was_sent_is_known_however_many_other_meters_there_are(app: Flask, payer: Member, is_active: bool) -> None:
    with app.app_context(), acting_as_system(), transaction():
        for number in range(12):
            store.make("billing.meter", "mtr", event_name=f"another_{number}", status="active")
        if not is_active:
            ours = next(one for one in store.every("billing.meter") if one["event_name"] == METER_EVENT)
            store.save({**ours, "status": "inactive"})

    test_what_was_sent_before_a_crash_is_not_counted_twice(app, payer, 2)


def test_without_a_meter_nothing_is_sent_again_on_the_guess_that_nothing_was_counted(app: Flask, payer: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        for meter in store.every("billing.meter"):
            store.save({**meter, "event_name": "another"})

    with pytest.raises(MeterMissing), app.app_context(), acting_as_system(), transaction():
        gateway().usage_of("cus_1", since=utc_now() - HOUR, until=utc_now())


def test_the_last_minutes_before_the_end_are_on_the_last_invoice(app: Flask, payer: Member, as_ada: Caller) -> None:
    """Case 11: the open hour of who ends within minutes is counted at once."""
    as_ada.check()
    run(app, count_last_minutes)
    assert count(app, UsageHour) == 0

    ends_at = int(utc_now().timestamp()) + 300
    happen(app, keep_changed, subscription_id(app, payer), cancel_at=ends_at)
    run(app, count_last_minutes)
    as_ada.check()
    run(app, count_last_minutes)

    with app.app_context(), acting_as_system():
        assert [part.checks for part in db.session.scalars(select(UsageHour).order_by(UsageHour.part))] == [1, 1]
    run(app, send_usage)
    assert metered_total(app) == 2


def test_the_last_minutes_of_a_period_that_renews_are_on_its_invoice_too(
    app: Flask, payer: Member, as_ada: Caller
) -> None:
    as_ada.check()
    ends_at = int(utc_now().timestamp()) + 300
    period_of(app, payer, current_period_end=ends_at)

    run(app, count_last_minutes)
    run(app, send_usage)

    with app.app_context(), acting_as_system():
        [event] = store.every("meter_event")
    assert event["timestamp"] < ends_at
    assert event["payload"]["value"] == "1"


def period_of(app: Flask, who: Member, **borders: int) -> None:
    """Moves the borders of the period, as Stripe tells them."""
    identifier = subscription_id(app, who)
    with app.app_context(), acting_as_system(), transaction():
        subscription = store.need(identifier)
        subscription["items"]["data"][0] |= borders
        store.save(subscription)
        mirror.sync(who.organization_id, gateway(), now=utc_now())


BORDER = datetime(2026, 11, 20, 10, 20, 37, tzinfo=UTC)
TEN, NINE = datetime(2026, 11, 20, 10, tzinfo=UTC), datetime(2026, 11, 20, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("hour", "sealed_at", "sent_at", "at"),
    [
        (TEN, BORDER - 2 * MINUTE, BORDER - MINUTE, TEN),  # counted before the border, and sent before it
        (TEN, BORDER - 2 * MINUTE, BORDER + 30 * MINUTE, TEN),  # its invoice still takes it
        (TEN, BORDER - 2 * MINUTE, BORDER + 2 * HOUR, BORDER),  # its invoice is finalized
        (TEN, BORDER + 46 * MINUTE, BORDER + 49 * MINUTE, BORDER),  # has checks of the next period in it
        (NINE, BORDER + MINUTE, BORDER + 2 * MINUTE, NINE),
        (NINE, BORDER + 2 * HOUR, BORDER + 2 * HOUR, BORDER),  # a spool that came home late
        (TEN + HOUR, BORDER + 2 * HOUR, BORDER + 2 * HOUR, TEN + HOUR),
    ],
)
@pytest.mark.parametrize("is_renewal_known", [True, False])
def test_usage_that_comes_too_late_for_its_invoice_is_on_the_next(
    hour: datetime, sealed_at: datetime, sent_at: datetime, at: datetime, is_renewal_known: bool
) -> None:
    start, end = (BORDER, BORDER + 30 * DAY) if is_renewal_known else (BORDER - 30 * DAY, BORDER)
    payer = metering.Metered(new_uuid(), "cus_1", BORDER - 90 * DAY, None, start, end)
    part = UsageHour(organization_id=payer.organization_id, hour=hour, part=1, checks=5, sealed_at=sealed_at)

    if sent_at >= BORDER or not is_renewal_known:
        assert metering.time_on_meter(part, payer, now=sent_at) == at


def test_usage_of_a_subscription_that_has_ended_stays_in_its_hour() -> None:
    payer = metering.Metered(new_uuid(), "cus_1", BORDER - 90 * DAY, BORDER, BORDER - 30 * DAY, BORDER)
    part = UsageHour(organization_id=payer.organization_id, hour=TEN, part=1, checks=5, sealed_at=BORDER + HOUR)

    assert metering.time_on_meter(part, payer, now=BORDER + HOUR) == TEN


def test_what_was_moved_to_the_next_invoice_is_sent_once_and_compared_there(app: Flask, payer: Member) -> None:
    border = (utc_now() - 2 * HOUR).replace(minute=20, second=0, microsecond=0)
    seal(app, payer, hours_ago=2, checks=500)
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(BillingAccount, payer.organization_id).metered_since = border - DAY
    period_of(app, payer, current_period_start=int(border.timestamp()))

    for _ in range(2):
        run(app, send_usage)

    with app.app_context(), acting_as_system(), transaction():
        [event] = store.every("meter_event")
        assert event["timestamp"] == int(border.timestamp())
        [found] = metering.parts_in(payer.organization_id, since=border, until=utc_now())
        assert found.checks == 500
        assert metering.parts_in(payer.organization_id, since=border - DAY, until=border) == []
        [paying] = metering.every_metered()
        run_id, hour = reconciliation.begin(utc_now()), border.replace(minute=0)
        assert reconciliation.compare_usage(run_id, paying, gateway(), since=hour, until=hour + HOUR)


def test_what_the_meter_has_is_compared_with_what_was_sent(app: Flask, payer: Member) -> None:
    seal(app, payer, hours_ago=2, checks=500)
    run(app, send_usage)
    since = (utc_now() - 5 * HOUR).replace(minute=0, second=0, microsecond=0)
    with app.app_context(), acting_as_system(), transaction():
        [found] = metering.every_metered()
        run_id = reconciliation.begin(utc_now())
        assert reconciliation.compare_usage(run_id, found, gateway(), since=since, until=since + 6 * HOUR)
        gateway().send_usage("by:somebody:else", customer_id=found.customer_id, checks=7, at=since)
        assert not reconciliation.compare_usage(run_id, found, gateway(), since=since, until=since + 6 * HOUR)
        assert [(one.ours, one.theirs) for one in reconciliation.drifts(5)] == [({"checks": 500}, {"checks": 507})]


def test_a_round_mends_four_silent_days_and_a_second_one_finds_nothing(
    app: Flask, ada: Member, cleo: Member, prices: None, operator: Person
) -> None:
    """Case 14: who heard nothing ends where an undisturbed twin ends."""
    ends = {}
    for who, is_told in ((ada, True), (cleo, False)):
        subscribe(app, who)
        identifier = subscription_id(app, who)
        with app.app_context(), acting_as_system(), transaction():
            at_stripe.next_period(identifier, is_paid=True)
            at_stripe.next_period(identifier, is_paid=False)
            at_stripe.cancel_in_portal(identifier, is_ending=True)
        if is_told:
            with app.app_context(), acting_as_system():
                sent = sent_events()
            for event in sent:
                receive(app, event)
    assert access(app, cleo).state is AccessState.PILOT

    run(app, reconcile)
    for who in (ada, cleo):
        found = access(app, who)
        ends[who] = (found.state, found.plan, found.reason)

    assert ends[ada] == ends[cleo]
    assert ends[cleo][0] is AccessState.GRACE
    assert count(app, Drift, Drift.organization_id == cleo.organization_id) == 4  # a subscription and three invoices
    assert count(app, Drift, Drift.organization_id == ada.organization_id) == 0
    assert [mail.template for mail in mails_to(app, operator.email)] == ["billing_drift"]

    before = count(app, Drift)
    run(app, reconcile)
    assert count(app, Drift) == before
    with app.app_context(), acting_as_system():
        rounds = db.session.scalars(select(ReconciliationRun)).all()
        assert [(one.compared, one.failed) for one in rounds] == [(2, 0), (2, 0)]


def test_one_who_cannot_be_compared_does_not_hold_up_the_others(
    app: Flask, subscribed: Member, cleo: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(app, cleo)
    compare = reconciliation.compare

    def fails_for_ada(run_id: Any, organization_id: Any, *rest: Any, **more: Any) -> int:
        if organization_id == subscribed.organization_id:
            raise PaymentsAway
        return compare(run_id, organization_id, *rest, **more)

    monkeypatch.setattr(reconciliation, "compare", fails_for_ada)
    run(app, reconcile)

    assert access(app, cleo).plan is PlanCode.PRO
    with app.app_context(), acting_as_system():
        [one] = db.session.scalars(select(ReconciliationRun))
        assert (one.compared, one.failed) == (1, 1)


def test_a_subscription_of_nobody_we_know_is_shown(app: Flask, prices: None) -> None:
    with app.app_context(), acting_as_system(), transaction():
        price = store.every("price")[0]["id"]
        made = at_stripe.start("cus_of_nobody", price, {"product": "ai-governance"}, is_paid=True)
        at_stripe.start("cus_of_another_product", price, {"product": "another"}, is_paid=True)
        run_id = reconciliation.begin(utc_now())
        assert reconciliation.find_strangers(run_id, gateway()) == 1
        assert reconciliation.drifts(5)[0].about == made["id"]


def test_an_event_that_keeps_failing_is_shown_and_can_be_tried_again(
    app: Flask, subscribed: Member, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        event = events.emit("customer.updated", store.every("customer")[0])
        db.session.add(
            StripeEvent(
                id=event["id"],
                type=event["type"],
                is_thin=False,
                livemode=False,
                created_at=utc_now(),
                received_at=utc_now(),
                payload=event,
                status="failed",
                note="PaymentsAway: it does not answer",
                attempts=6,
            )
        )
    page = operator.get("/console/billing").text
    assert "PaymentsAway" in page

    assert operator.post(f"/console/billing/events/{event['id']}/again").status_code == 303
    assert operator.post("/console/billing/events/evt_none/again").status_code == 404
    for _ in range(2):
        assert operator.post("/console/billing/compare").status_code == 303


def test_two_organizations_never_share_a_customer(app: Flask, ada: Member, prices: None) -> None:
    other = organization_with_key(app)
    subscribe(app, ada)
    subscribe(app, other)

    with app.app_context(), acting_as_system():
        assert len({one["customer"] for one in store.every("subscription")}) == 2
