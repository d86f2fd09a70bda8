"""A write whose answer is lost is neither called done nor undone: it is found out, and that is on record."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select, text

from billing import changes, details, mirror, refunds
from billing import subscriptions as ours
from billing.connection import gateway
from billing.errors import ChangeUnsure, PaymentsAway
from billing.intents import ChangeIntent
from billing.models import BillingAccount, Invoice
from billing.plans import PlanCode
from core.audit import SYSTEM, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.errors import AppError
from local.stripe_sandbox import store
from tests.billing.faulty_stripe import Dies, FaultyStripe
from tests.billing.scene import offer_metered, subscribe
from tests.cast import Member

DETAILS = details.BillingDetails(
    email="money@ada.example", city="Berlin", country="DE", tax_id_type="eu_vat", tax_id="DE1"
)
LATER = timedelta(minutes=5)


class Write(msgspec.Struct, frozen=True):
    """What a person does, the call that may fail, what is on record afterwards, and what is done before."""

    act: Callable[[Member], Any]
    path: str
    action: str
    before: Callable[[Member], Any] = lambda _member: None
    plan: PlanCode = PlanCode.PRO
    unsure: type[AppError] = ChangeUnsure


def end(member: Member) -> None:
    ours.end(member.organization_id, gateway(), by=SYSTEM, now=utc_now())


def resume(member: Member) -> None:
    ours.resume(member.organization_id, gateway(), by=SYSTEM, now=utc_now())


def switch(member: Member, plan: PlanCode = PlanCode.METERED) -> None:
    ours.switch(member.organization_id, plan, gateway(), by=SYSTEM, now=utc_now())


def save(member: Member) -> None:
    details.save(member.organization_id, DETAILS, gateway(), email="a@ada.example", by=SYSTEM, now=utc_now())


def refund(member: Member, amount: int | None = 1_000, **how: Any) -> None:
    refunds.refund(
        member.organization_id,
        db.session.scalars(select(Invoice.id)).one(),
        gateway(),
        amount_minor=amount,
        refunded_before_minor=0,
        reason="Kindness.",
        by=SYSTEM,
        now=utc_now(),
        **how,
    )


def end_without_access(member: Member) -> None:
    ours.end_without_access(member.organization_id, gateway(), by=SYSTEM, now=utc_now())


SUBSCRIPTION, SCHEDULE = r"POST /v1/subscriptions/", r"POST /v1/subscription_schedules/[^/]*$"
WRITES = {
    "end": Write(end, SUBSCRIPTION, "plan.ended"),
    "end what was planned": Write(end, SUBSCRIPTION, "plan.ended", before=switch),
    "resume": Write(resume, SUBSCRIPTION, "plan.resumed", before=end),
    "resume what was planned": Write(resume, "release", "plan.resumed", before=switch),
    "switch down": Write(switch, SCHEDULE, "plan.switched"),
    "switch up": Write(
        lambda member: switch(member, PlanCode.PRO), SUBSCRIPTION, "plan.switched", plan=PlanCode.METERED
    ),
    "billing details": Write(save, r"POST /v1/customers/[^/]*$", "plan.billing_details_changed"),
    "tax id": Write(save, "POST .*tax_ids", "plan.billing_details_changed"),
    "refund": Write(refund, "POST /v1/refunds", "plan.refunded", unsure=refunds.RefundUnsure),
    "end without access": Write(
        end_without_access,
        "DELETE /v1/subscriptions/",
        "plan.ended",
        before=lambda member: refund(member, None, ends_subscription=False),
    ),
}
SHOWS_NOTHING_YET = {"tax id"}
"""What is only a part of the change: carried out or not, the change was not made."""
IS_UNDONE = {"switch down"}
"""Whoever sees that it failed takes back the half that was made."""


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> FaultyStripe:
    return FaultyStripe(monkeypatch)


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest) -> Write:
    return WRITES[request.param]


@pytest.fixture
def customer(app: Flask, ada: Member, prices: None, stripe: FaultyStripe, write: Write) -> Member:
    """Who can do it."""
    offer_metered(app, ada)
    subscribe(app, ada, write.plan)
    with app.app_context(), acting_as_system():
        mirror.sync(ada.organization_id, gateway(), now=utc_now())
        write.before(ada)
        db.session.commit()
    stripe.writes.clear()
    return ada


def do(app: Flask, act: Callable[[Member], Any], member: Member) -> None:
    with app.app_context(), acting_as_system():
        act(member)


def find_out(app: Flask, member: Member, *, later: timedelta = timedelta()) -> None:
    """As the worker, maybe later than now."""
    with app.app_context(), acting_as_system(), transaction():
        [intent] = open_intents(member)
        intent.unsure_until -= later
        intent_id = str(intent.id)
    for _ in range(2):
        with app.app_context():
            changes.find_out(intent_id=intent_id)


def open_intents(member: Member) -> list[ChangeIntent]:
    of_member = ChangeIntent.organization_id == member.organization_id
    return list(db.session.scalars(select(ChangeIntent).where(of_member, ChangeIntent.outcome.is_(None))))


def recorded(app: Flask, member: Member, action: str) -> int:
    with app.app_context(), acting_as_system():
        of_member = AuditEvent.organization_id == member.organization_id
        return len(list(db.session.scalars(select(AuditEvent).where(of_member, AuditEvent.action == action))))


def test_a_write_that_was_made_and_whose_answer_is_lost_is_confirmed_on_the_audit_log(
    app: Flask, customer: Member, stripe: FaultyStripe, write: Write, request: pytest.FixtureRequest
) -> None:
    before = recorded(app, customer, write.action)
    stripe.fail(write.path, is_applied=True)
    with pytest.raises(write.unsure) as refusal:
        do(app, write.act, customer)
    stripe.heal()

    assert "you were not charged" not in refusal.value.detail.lower()
    assert recorded(app, customer, write.action) == before
    assert recorded(app, customer, "plan.change_unsure") == 1

    find_out(app, customer, later=LATER)
    is_made = not any(name in request.node.name for name in SHOWS_NOTHING_YET | IS_UNDONE)
    assert recorded(app, customer, write.action) == before + is_made
    assert recorded(app, customer, "plan.change_not_made") == (not is_made)


def test_a_write_that_was_not_made_is_not_called_so_before_it_is_certain(
    app: Flask, customer: Member, stripe: FaultyStripe, write: Write
) -> None:
    before = recorded(app, customer, write.action)
    stripe.fail(write.path, is_applied=False)
    with pytest.raises(write.unsure):
        do(app, write.act, customer)
    stripe.heal()

    find_out(app, customer)
    assert recorded(app, customer, "plan.change_not_made") == 0
    find_out(app, customer, later=LATER)
    assert recorded(app, customer, "plan.change_not_made") == 1
    assert recorded(app, customer, write.action) == before

    do(app, write.act, customer)
    assert recorded(app, customer, write.action) == before + 1


def test_an_error_that_stripe_gives_again_to_the_same_key_does_not_last(
    app: Flask, customer: Member, stripe: FaultyStripe, write: Write
) -> None:
    """It answered, so nobody has to wait to be certain; then the next attempt has a key of its own."""
    before = recorded(app, customer, write.action)
    stripe.fail(write.path, is_applied=False, error="broken")
    with pytest.raises(write.unsure):
        do(app, write.act, customer)
    stripe.heal()

    find_out(app, customer)
    assert recorded(app, customer, "plan.change_not_made") == 1
    do(app, write.act, customer)
    assert recorded(app, customer, write.action) == before + 1


@pytest.mark.parametrize("is_applied", [True, False])
def test_where_the_process_dies_in_the_middle_a_job_looks(
    app: Flask, customer: Member, stripe: FaultyStripe, write: Write, is_applied: bool, request: pytest.FixtureRequest
) -> None:
    before = recorded(app, customer, write.action)
    stripe.fail(write.path, is_applied=is_applied, error="dies")
    with pytest.raises(Dies):
        do(app, write.act, customer)
    with app.app_context(), acting_as_system(), transaction():
        intent_id = str(open_intents(customer)[0].id)
    stripe.heal()

    assert waits_for(app, "billing.changes.find_out", intent_id=intent_id) == 1
    find_out(app, customer, later=LATER)
    is_made = is_applied and not any(name in request.node.name for name in SHOWS_NOTHING_YET)
    assert recorded(app, customer, write.action) == before + is_made
    assert recorded(app, customer, "plan.change_not_made") == (not is_made)


def waits_for(app: Flask, task: str, **arguments: str) -> int:
    query = text(
        "SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = :task AND args @> CAST(:args AS jsonb)"
    )
    with app.app_context(), acting_as_system():
        args = msgspec.json.encode(arguments).decode()
        return int(db.session.execute(query, {"task": task, "args": args}).scalar_one())


def test_every_write_has_a_key_of_ours_and_a_second_press_has_the_same(
    app: Flask, customer: Member, stripe: FaultyStripe, write: Write
) -> None:
    stripe.fail(write.path, is_applied=False)
    for _ in range(2):
        with pytest.raises(AppError):
            do(app, write.act, customer)
    with app.app_context(), acting_as_system():
        intent_id = str(open_intents(customer)[0].id)

    keyed = [(path, key) for path, key in stripe.writes if key]
    assert all(key.startswith(intent_id) for _, key in keyed)
    is_joined = write.unsure is ChangeUnsure and "DELETE" not in write.path
    assert (max(map(keyed.count, keyed), default=0) == 2) is is_joined


def test_while_a_change_is_unsure_no_other_one_is_begun(
    app: Flask, ada: Member, prices: None, stripe: FaultyStripe
) -> None:
    subscribe(app, ada)
    do(app, lambda who: mirror.sync(who.organization_id, gateway(), now=utc_now()), ada)
    stripe.fail(SUBSCRIPTION, is_applied=False)
    with pytest.raises(ChangeUnsure):
        do(app, end, ada)
    stripe.heal()
    stripe.writes.clear()

    for act, refusal in ((resume, ChangeUnsure), (refund, refunds.RefundedMeanwhile), (save, ChangeUnsure)):
        with pytest.raises(refusal):
            do(app, act, ada)

    assert stripe.writes == []


def test_what_was_not_asked_at_all_is_said_to_have_changed_nothing(
    app: Flask, subscribed: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsent(*_: object, **__: object) -> None:
        away = PaymentsAway()
        away.is_unsent = True
        raise away

    with app.app_context(), monkeypatch.context() as patched:
        patched.setattr(type(gateway()), "end_at_period", unsent)
        with pytest.raises(PaymentsAway) as refusal:
            do(app, end, subscribed)

    assert not isinstance(refusal.value, ChangeUnsure)
    assert "you were not charged" in refusal.value.detail
    assert recorded(app, subscribed, "plan.change_unsure") == 0
    do(app, end, subscribed)


def test_what_follows_a_refund_that_was_found_out_is_done_by_the_worker(
    app: Flask, subscribed: Member, stripe: FaultyStripe
) -> None:
    """The credit note, and the end of the subscription that would charge again."""
    stripe.fail("POST /v1/refunds", is_applied=True, error="dies")
    with pytest.raises(Dies):
        do(app, lambda who: refund(who, None), subscribed)
    stripe.heal()
    with pytest.raises(refunds.NothingToRefund):
        do(app, lambda who: refund(who, None), subscribed)

    find_out(app, subscribed)

    with app.app_context(), acting_as_system():
        [made], [subscription] = store.every("refund"), store.every("subscription")
    assert waits_for(app, "billing.credit_notes.write_credit_note", refund_id=made["id"]) == 1
    assert waits_for(app, "billing.refunds.end_refunded_subscription", subscription_id=subscription["id"]) == 1


def test_addresses_are_not_kept_once_the_outcome_is_known(app: Flask, ada: Member, prices: None) -> None:
    do(app, save, ada)

    with app.app_context(), acting_as_system():
        assert list(db.session.scalars(select(ChangeIntent.wanted))) == [{}]
        assert db.session.get_one(BillingAccount, ada.organization_id).billing_email == DETAILS.email
