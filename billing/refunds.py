"""Giving money back, by an operator. What follows for the access stands in `docs/decisions/0010`."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from billing import mirror
from billing.afterwards import catch_up
from billing.facts import account_of
from billing.gateway import Gateway
from core import audit
from core.audit import Actor
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound


class NothingToRefund(AppError):
    status, code, title = HTTPStatus.CONFLICT, "nothing_to_refund", "Nothing of this invoice can be refunded"
    advice = "It was not paid, was refunded already, or is disputed: then the bank decides."


class RefundedMeanwhile(AppError):
    status, code, title = HTTPStatus.CONFLICT, "refunded_meanwhile", "Something of this invoice was refunded meanwhile"
    advice = "Load the page again to see what is left. Nothing more was refunded."


def refund(
    organization_id: UUID,
    invoice_id: str,
    gateway: Gateway,
    *,
    amount_minor: int | None,
    refunded_before_minor: int,
    reason: str,
    by: Actor,
    now: datetime,
) -> None:
    """All that is left of what was paid, or a part of it, in cents. Raises NothingToRefund or InvalidRequest.

    `refunded_before_minor` is what whoever decides has seen as refunded: a second press, or a second operator, has seen
    something else than there is, and is refused. Asks Stripe first how the charge stands. Needs the system's scope.
    """
    account_of(organization_id)
    invoice = mirror.find_invoice(organization_id, invoice_id)
    if invoice is None:
        raise NotFound("There is no such invoice.")
    intent = mirror.payment_intent_of(invoice.snapshot)
    charge = gateway.charge_for(intent) if intent else None
    if intent is None or charge is None or charge.get("refunded") or charge.get("disputed"):
        raise NothingToRefund
    if charge["amount_refunded"] != refunded_before_minor:
        raise RefundedMeanwhile
    left = charge["amount"] - charge["amount_refunded"]
    if amount_minor is not None and not 0 < amount_minor <= left:
        detail = f"Give an amount up to {left / 100:.2f}."
        raise InvalidRequest(errors=(FieldProblem("amount", "out_of_range", detail),))
    wanted = amount_minor or left
    gateway.refund(intent, amount_minor=wanted, key=f"refund-{charge['id']}-{charge['amount_refunded']}-{wanted}")
    after = {"invoice": invoice.snapshot.get("number") or invoice_id, "cents": wanted, "reason": reason}
    audit.write(organization_id, "plan.refunded", by=by, now=now, subject_id=invoice_id, after=after)
    catch_up(organization_id, gateway, now=now)
