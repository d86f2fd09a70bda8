"""What is credited of the invoices that were paid in a month which missed the promised availability."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from billing.models import Invoice
from core.db import db
from core.scope import needs_system_scope


class InvoiceCredit(msgspec.Struct, frozen=True):
    invoice_id: str
    number: str
    currency: str
    paid_minor: int
    credit_minor: int
    refunded_minor: int
    """For whatever reason."""

    @property
    def due_minor(self) -> int:
        """What was refunded already is part of the credit."""
        return max(0, self.credit_minor - self.refunded_minor)


def credits_on_invoices(
    organization_id: UUID, *, percent: int, since: datetime, until: datetime
) -> list[InvoiceCredit]:
    """Of each invoice of this time that brought money; rounded up to a cent."""
    query = select(Invoice).where(
        Invoice.organization_id == organization_id, Invoice.created_at >= since, Invoice.created_at < until
    )
    paid = [one for one in db.session.scalars(query.order_by(Invoice.created_at, Invoice.id)) if one.brought_money]
    return [_credit(invoice, percent) for invoice in paid if percent]


@needs_system_scope
def with_invoices(*, since: datetime, until: datetime) -> list[UUID]:
    """Organizations that had an invoice in this time."""
    query = select(Invoice.organization_id).where(Invoice.created_at >= since, Invoice.created_at < until)
    return list(db.session.scalars(query.distinct()))


def _credit(invoice: Invoice, percent: int) -> InvoiceCredit:
    snapshot, paid_minor = invoice.snapshot, int(invoice.snapshot["amount_paid"])
    return InvoiceCredit(
        invoice.id,
        snapshot.get("number") or invoice.id,
        snapshot["currency"],
        paid_minor,
        -(-paid_minor * percent // 100),
        int((invoice.charge or {}).get("amount_refunded") or 0),
    )
