"""Alerts to operators about money that is claimed back or did not arrive: each once, as Stripe has it now."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.tasks import Task
from sqlalchemy import select

from billing import emails
from billing.connection import gateway as configured_gateway
from billing.gateway import Gateway
from billing.models import BillingAccount, Invoice, StripeEvent
from billing.money import format_amount
from billing.stripe_objects import StripeObject, id_of, moment_of
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import in_its_own_session, jobs
from core.scope import needs_system_scope

_TRIES = RetryStrategy(max_attempts=12, wait=30, exponential_wait=2)
"""Over two hours in all; a dispute that is missed even then is found by the round every six hours."""
_DECIDED = frozenset({"won", "lost", "warning_closed", "prevented"})

_Alert = Callable[[Organization, StripeObject, datetime], object]


@needs_system_scope
def alert_operators(event_id: str, gateway: Gateway, *, now: datetime) -> None:
    """Asks Stripe for the present state, and alerts operators once. Raises PaymentsAway."""
    event = db.session.get_one(StripeEvent, event_id)
    subject = (event.payload.get("data") or {}).get("object")
    if event.livemode != gateway.is_live or event.type not in _ALERTS or not isinstance(subject, dict):
        return
    fetch, alert = _ALERTS[event.type]
    found = fetch(gateway, str(subject.get("id")))
    organization = _organization_of(found, gateway)
    if organization is not None:
        alert(organization, found, now)


@needs_system_scope
def look_at(organization_id: UUID, *, now: datetime) -> None:
    """Disputes whose event was missed."""
    organization = db.session.get_one(Organization, organization_id)
    disputed = select(Invoice.dispute).where(Invoice.organization_id == organization_id, Invoice.dispute.is_not(None))
    for dispute in db.session.scalars(disputed).all():
        if dispute:
            _of_dispute(organization, dispute, now)


@jobs.task(retry=_TRIES)
@in_its_own_session
def alert_operators_of_event(event_id: str) -> None:
    with acting_as_system(), transaction():
        alert_operators(event_id, configured_gateway(), now=utc_now())


def jobs_for(event_type: str) -> list[Task[Any, Any, Any]]:
    """What the worker has to do where operators are alerted of such an event."""
    return [alert_operators_of_event] if event_type in _ALERTS else []


def _organization_of(found: StripeObject, gateway: Gateway) -> Organization | None:
    """None for another product's money."""
    charge = gateway.charge(id_of(found["charge"])) if found.get("charge") else {}
    if not charge.get("customer"):
        return None
    customer_id = id_of(charge["customer"])
    account = db.session.scalar(select(BillingAccount).where(BillingAccount.customer_id == customer_id))
    return db.session.get_one(Organization, account.organization_id) if account is not None else None


def _of_dispute(organization: Organization, dispute: StripeObject, now: datetime) -> None:
    status = str(dispute.get("status"))
    words: dict[str, Any] = {
        "amount": _amount(dispute),
        "because": str(dispute.get("reason") or "unknown").replace("_", " "),
        "status": status.replace("_", " "),
        "is_inquiry": status.startswith("warning"),
        "due_by": moment_of((dispute.get("evidence_details") or {}).get("due_by")),
    }
    if status in _DECIDED:
        emails.alert_once("dispute_closed", organization, about=dispute["id"], now=now, **words)
    else:
        about = f"{dispute['id']} inquiry" if words["is_inquiry"] else dispute["id"]  # it may become a dispute
        emails.alert_once("dispute_opened", organization, about=about, now=now, **words)


def _of_warning(organization: Organization, warning: StripeObject, now: datetime) -> None:
    fraud = str(warning.get("fraud_type") or "unknown").replace("_", " ")
    charge = id_of(warning["charge"])
    emails.alert_once("early_fraud_warning", organization, about=warning["id"], now=now, because=fraud, charge=charge)


def _of_refund(organization: Organization, refund: StripeObject, now: datetime) -> None:
    if refund.get("status") in {"failed", "canceled", "requires_action"}:
        words = {
            "amount": _amount(refund),
            "status": str(refund["status"]).replace("_", " "),
            "because": str(refund.get("failure_reason") or "unknown").replace("_", " "),
        }
        emails.alert_once("refund_failed", organization, about=refund["id"], now=now, **words)


def _amount(found: StripeObject) -> str:
    return format_amount(found.get("amount"), found.get("currency"))


_DISPUTE = (Gateway.dispute, _of_dispute)
_REFUND = (Gateway.refund_of, _of_refund)
_ALERTS: dict[str, tuple[Callable[[Gateway, str], StripeObject], _Alert]] = {
    "charge.dispute.created": _DISPUTE,
    "charge.dispute.updated": _DISPUTE,
    "charge.dispute.closed": _DISPUTE,
    "radar.early_fraud_warning.created": (Gateway.early_fraud_warning, _of_warning),
    "refund.failed": _REFUND,
    "refund.updated": _REFUND,
    "charge.refund.updated": _REFUND,
}
