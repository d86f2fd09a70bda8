"""Emails before live keys stop working for want of payment, and before a card expires. Each is sent once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing import emails, entitlements
from billing.access import GRACE, AccessState
from billing.connection import gateway as configured_gateway
from billing.gateway import Gateway
from billing.models import BillingAccount, Entitlement, Subscription
from billing.stripe_objects import GOES_ON, subscribed
from core.accounts import Organization
from core.calendar import months_later
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, isolate_errors, jobs
from core.scope import needs_system_scope

STAGES = {"middle": GRACE / 2, "last": timedelta(days=2)}
"""So long at least before live keys stop."""
_A_CLOCK = timedelta(hours=2)
"""How much earlier, since the clock strikes once an hour and may miss an hour."""
CARD_WARNED = timedelta(days=30)


@jobs.periodic(cron="25 * * * *")
@jobs.task(queueing_lock="remind_of_arrears")
@in_its_own_session
def remind_of_arrears(timestamp: int) -> None:
    """In the middle of the days of grace, and two days before they end."""
    now = datetime.fromtimestamp(timestamp, UTC)
    with acting_as_system(), transaction():
        in_grace = list(
            db.session.scalars(select(Entitlement.organization_id).where(Entitlement.state == AccessState.GRACE.value))
        )
    for organization_id in in_grace:
        with isolate_errors("arrears.not_reminded", organization_id), acting_as_system(), transaction():
            _remind(organization_id, now=now)


@jobs.periodic(cron="40 9 * * *")
@jobs.task(queueing_lock="warn_of_expiring_cards")
@in_its_own_session
def warn_of_expiring_cards(timestamp: int) -> None:  # noqa: ARG001  the queue says when it should have run
    """Stripe has no event for the cards of today, so it is asked once a day for each that is charged."""
    with acting_as_system(), transaction():
        going_on = select(Subscription.id, Subscription.organization_id).where(Subscription.status.in_(GOES_ON))
        subscriptions = [(row.id, row.organization_id) for row in db.session.execute(going_on)]
    for subscription_id, organization_id in subscriptions:
        with isolate_errors("card.not_looked_at", organization_id), acting_as_system(), transaction():
            warn_of_card(subscription_id, configured_gateway(), now=utc_now())


@needs_system_scope
def warn_of_card(subscription_id: str, gateway: Gateway, *, now: datetime) -> None:
    """Where the card that is charged next expires soon, or has expired."""
    subscription = db.session.get_one(Subscription, subscription_id)
    account = db.session.get(BillingAccount, subscription.organization_id)
    if account is None or account.customer_id is None or subscribed(subscription.snapshot).ends_at is not None:
        return
    card = gateway.card_of(account.customer_id, subscription.snapshot)
    if card is None or _expires_at(card) > now + CARD_WARNED:
        return
    organization = db.session.get_one(Organization, subscription.organization_id)
    about = f"{card['id']} {card['exp_year']}-{card['exp_month']:02}"
    words: dict[str, Any] = {
        "brand": str(card.get("brand") or "card").replace("_", " ").title(),
        "last_four": card.get("last4"),
        "month": f"{card['exp_month']:02}/{card['exp_year']}",
        "has_expired": _expires_at(card) <= now,
    }
    emails.dun_once("card_expiring", organization, about=about, now=now, **words)


def _remind(organization_id: UUID, *, now: datetime) -> None:
    until = entitlements.access_for(organization_id, now=now).unpaid_from
    if until is None or until <= now:
        return
    since = db.session.get_one(Entitlement, organization_id).since
    due = [stage for stage, before in STAGES.items() if until - now <= before + _A_CLOCK]
    if due and now - since >= timedelta(days=1):  # they were notified of the failed payment just then
        about = f"{until:%Y-%m-%d %H:%M}, {due[-1]}"
        organization = db.session.get_one(Organization, organization_id)
        emails.dun_once("payment_reminder", organization, about=about, now=now, until=until)


def _expires_at(card: dict[str, Any]) -> datetime:
    """The end of the month that is printed on it."""
    return months_later(datetime(card["exp_year"], card["exp_month"], 1, tzinfo=UTC), 1)
