"""The billing account of an organization: finding it, and holding it."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from billing.models import BillingAccount
from core.db import db
from core.rows import locked


def find_account(organization_id: UUID) -> BillingAccount | None:
    """None as long as nothing about money was ever said."""
    return db.session.get(BillingAccount, organization_id)


def lock_account(organization_id: UUID) -> BillingAccount:
    """The organization's account, held until the transaction ends; made if it is not there yet.

    Never held while Stripe is asked. Who needs the organization's row too takes that second.
    """
    made = insert(BillingAccount).values(organization_id=organization_id)
    db.session.execute(made.on_conflict_do_nothing())
    return locked(BillingAccount, organization_id)
