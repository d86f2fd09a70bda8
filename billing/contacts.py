"""Where invoices go when their reader leaves the organization, or takes another address. Needs the system's scope."""

from uuid import UUID

from billing.accounts import find_account
from billing.emails import recipients
from billing.gateway import Gateway
from core.db import db
from core.scope import needs_system_scope
from core.tokens import digest_of


@needs_system_scope
def replace_email(organization_id: UUID, former: str, *, by: str | None) -> bool:
    """Puts another address, or none, in the place of `former`. Whether Stripe has to be looked at, too."""
    account = find_account(organization_id)
    if account is None:
        return False
    if (account.billing_email or "").lower() == former:
        account.billing_email = by
        db.session.flush()
    return account.customer_id is not None


def customer_and_email(organization_id: UUID) -> tuple[str, str] | None:
    """The customer at Stripe, and where invoices go now. None where there is no customer, or nobody to write to."""
    account = find_account(organization_id)
    emails = [account.billing_email, *recipients(organization_id)] if account is not None else []
    email = next(filter(None, emails), None)
    return (account.customer_id, email) if account is not None and account.customer_id and email else None


def replace_at_stripe(customer_id: str, email: str, gateway: Gateway, *, former_digest: str) -> None:
    """Only if Stripe still has the former address: who pays may have given Stripe another one."""
    customer = gateway.customer(customer_id)
    if customer is None or digest_of((customer.get("email") or "").lower()).hex() != former_digest:
        return
    gateway.set_customer_email(customer_id, email)
