"""Comparing all that we keep with Stripe, and mending it: what a webhook that was down for days has missed.

A round asks Stripe in the same way as an event does, so it ends where undisturbed events would have ended; a second
round finds nothing. All of it needs the system's scope.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from billing import emails, metering, mirror
from billing.errors import PaymentsRefused
from billing.gateway import Gateway
from billing.metering import Metered
from billing.models import BillingAccount, Drift, Invoice, ReconciliationRun, Subscription
from billing.stripe_objects import GOES_ON, STANDS_STILL, subscribed
from billing.taxes import is_calculated
from core.accounts import Organization
from core.db import db, transaction
from core.ids import new_uuid
from core.rows import fresh
from core.scope import needs_system_scope

_COMPARED = ("status", "cancel_at", "cancel_at_period_end", "ended_at", "amount_paid", "attempt_count")
"""What is compared of an object. Addresses of pages and files, which Stripe gives anew each time, are not."""


@needs_system_scope
def begin(now: datetime) -> UUID:
    run = ReconciliationRun(id=new_uuid(), started_at=now, compared=0, failed=0)
    db.session.add(run)
    db.session.flush()
    return run.id


@needs_system_scope
def to_compare() -> list[UUID]:
    """Organizations that are customers at Stripe."""
    query = select(BillingAccount.organization_id).where(BillingAccount.customer_id.is_not(None))
    return list(db.session.scalars(query))


@needs_system_scope
def compare(run_id: UUID, organization_id: UUID, gateway: Gateway, *, now: datetime) -> int:
    """Brings one organization up to date, and keeps what differed. How much. Commits."""
    with transaction():
        before = _recorded(organization_id)
    mirror.sync(organization_id, gateway, now=now)
    db.session.expire_all()
    with transaction():
        return _record_differences(run_id, organization_id, before, now=now)


def _record_differences(
    run_id: UUID, organization_id: UUID, before: dict[str, dict[str, Any]], *, now: datetime
) -> int:
    after = _recorded(organization_id)
    different = sorted(about for about in before | after if before.get(about) != after.get(about))
    for about in different:
        _note(run_id, organization_id, about, ours=before.get(about), theirs=after.get(about))
    if different:
        organization = db.session.get_one(Organization, organization_id)
        emails.alert_once("billing_drift", organization, about=f"{now:%Y-%m-%d}", now=now)
    # counted by reading and writing, so two organizations that are done at once must come one after the other
    run = db.session.get_one(ReconciliationRun, run_id, with_for_update=True)
    run.compared += 1
    return len(different)


@needs_system_scope
def bring_taxes_in_line(organization_id: UUID, gateway: Gateway, *, now: datetime) -> None:
    """What invoices say of taxes, and whether Stripe calculates them, follow the setting. It is never switched off."""
    account = db.session.get_one(BillingAccount, organization_id)
    if account.customer_id is None:
        return
    gateway.write_tax_note(account.customer_id)
    live = select(Subscription).where(
        Subscription.organization_id == organization_id, Subscription.status.in_(GOES_ON | STANDS_STILL)
    )
    for subscription in db.session.scalars(live).all() if gateway.is_automatic_tax else []:
        if not is_calculated(subscription.snapshot) and subscribed(subscription.snapshot).plan is not None:
            _calculate_taxes(subscription, gateway, now=now)


def _calculate_taxes(subscription: Subscription, gateway: Gateway, *, now: datetime) -> None:
    try:
        gateway.calculate_taxes(subscription.id)
    except PaymentsRefused:
        organization = db.session.get_one(Organization, subscription.organization_id)
        emails.alert_once("tax_not_calculated", organization, about=subscription.id, now=now)


@needs_system_scope
def find_strangers(run_id: UUID, gateway: Gateway) -> int:
    """Subscriptions to our product that belong to nobody we know. How many; a person has to look at them."""
    customers = set(db.session.scalars(select(BillingAccount.customer_id)))
    known = set(db.session.scalars(select(Subscription.id)))
    strangers = [
        one for one in gateway.every_subscription() if one["customer"] not in customers and one["id"] not in known
    ]
    for one in strangers:
        _note(run_id, None, one["id"], ours=None, theirs=_compared(one))
    return len(strangers)


def compare_usage(run_id: UUID, payer: Metered, gateway: Gateway, *, since: datetime, until: datetime) -> bool:
    """Whether the meter has counted what we sent between two full hours."""
    ours = metering.sent_checks(payer.organization_id, since=since, until=until)
    theirs = gateway.usage_of(payer.customer_id, since=since, until=until)
    if ours != theirs:
        about = f"usage {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}"
        _note(run_id, payer.organization_id, about, ours={"checks": ours}, theirs={"checks": theirs})
    return ours == theirs


@needs_system_scope
def finish(run_id: UUID, *, wanted: int, now: datetime) -> None:
    """`wanted` organizations were to be compared; those that could not be are counted."""
    run = fresh(ReconciliationRun, run_id)
    run.finished_at, run.failed = now, wanted - run.compared


@needs_system_scope
def latest_runs(size: int) -> list[ReconciliationRun]:
    return list(db.session.scalars(select(ReconciliationRun).order_by(ReconciliationRun.id.desc()).limit(size)))


@needs_system_scope
def drifts(size: int) -> list[Drift]:
    """The latest."""
    return list(db.session.scalars(select(Drift).order_by(Drift.id.desc()).limit(size)))


@needs_system_scope
def drifts_of(run_id: UUID) -> int:
    """How many differences a round found."""
    return int(db.session.scalar(select(func.count()).select_from(Drift).where(Drift.run_id == run_id)) or 0)


def _recorded(organization_id: UUID) -> dict[str, dict[str, Any]]:
    """All that is mirrored, by its id at Stripe."""
    subscriptions = db.session.scalars(select(Subscription).where(Subscription.organization_id == organization_id))
    invoices = db.session.scalars(select(Invoice).where(Invoice.organization_id == organization_id))
    return {row.id: _compared(row.snapshot) for row in (*subscriptions, *invoices)}


def _compared(snapshot: dict[str, Any]) -> dict[str, Any]:
    compared = {name: snapshot[name] for name in _COMPARED if name in snapshot}
    if snapshot.get("object") != "subscription":
        return compared
    found = subscribed(snapshot)
    ends = found.period_end.isoformat() if found.period_end else None
    return {**compared, "plan": found.plan, "period_end": ends, "scheduled_plan": found.scheduled_plan}


def _note(
    run_id: UUID,
    organization_id: UUID | None,
    about: str,
    *,
    ours: dict[str, Any] | None,
    theirs: dict[str, Any] | None,
) -> None:
    same = select(Drift.id).where(
        Drift.organization_id.is_(None) if organization_id is None else Drift.organization_id == organization_id,
        Drift.about == about,
        Drift.theirs == theirs,
    )
    if db.session.scalar(same.limit(1)) is not None:
        return  # operators were alerted before, and nobody has done anything about it
    db.session.add(
        Drift(id=new_uuid(), run_id=run_id, organization_id=organization_id, about=about, ours=ours, theirs=theirs)
    )
