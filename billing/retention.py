"""What events brought along, such as names and addresses, is forgotten by the clock. That they came in stays known."""

from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update

from billing.models import BillingAccount, StripeEvent
from billing.states import DONE, EventStatus
from core.accounts import Organization, OrganizationStatus
from core.db import db, rows_changed
from core.retention import FAILED_PAYMENT_EVENT_DAYS, PAYMENT_EVENT_DAYS
from core.scope import needs_system_scope

_CLOSED = select(Organization.id).where(Organization.status == OrganizationStatus.CLOSED.value)


@needs_system_scope
def forget_payloads(*, now: datetime) -> int:
    """How many were emptied; of a closed organization as soon as they are processed."""
    is_done = StripeEvent.status.in_([status.value for status in DONE])
    old = now - timedelta(days=PAYMENT_EVENT_DAYS)
    is_past = or_(
        and_(is_done, StripeEvent.received_at < old),
        and_(is_done, StripeEvent.organization_id.in_(_CLOSED)),
    )
    given_up = StripeEvent.received_at < now - timedelta(days=FAILED_PAYMENT_EVENT_DAYS)
    has_payload = StripeEvent.payload != {}
    db.session.execute(
        update(StripeEvent)
        .where(given_up, ~is_done, has_payload)
        .values(
            status=EventStatus.IGNORED.value, note="It could not be processed in time, so its contents were deleted."
        )
    )
    emptied = update(StripeEvent).where(or_(is_past, given_up), has_payload).values(payload={})
    return rows_changed(emptied)


@needs_system_scope
def forget_addresses() -> int:
    """Where invoices of closed organizations went. How many."""
    closed = update(BillingAccount).where(
        BillingAccount.organization_id.in_(_CLOSED), BillingAccount.billing_email.is_not(None)
    )
    return rows_changed(closed.values(billing_email=None))
