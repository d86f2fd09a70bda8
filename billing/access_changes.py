"""Who is notified when the access of an organization changes."""

from datetime import datetime

from billing import emails
from billing.access import AccessState, EffectiveAccess
from billing.stripe_objects import Subscribed
from core.accounts import Organization


def notify(
    organization: Organization,
    before: str,
    access: EffectiveAccess,
    *,
    renewing_without_access: Subscribed | None,
    now: datetime,
) -> None:
    """By email, where somebody may have to act; `before` is the state that the access had."""
    if access.state is AccessState.GRACE:
        about = f"{access.unpaid_from:%Y-%m-%d %H:%M}"
        emails.dun_once("payment_failed", organization, about=about, now=now, until=access.unpaid_from)
    if access.state is AccessState.RESTRICTED:
        emails.dun_once("access_restricted", organization, about=f"{now:%Y-%m-%d}", now=now, reason=access.reason)
    if renewing_without_access is not None:
        emails.alert_once("charged_without_access", organization, about=renewing_without_access.id, now=now)
    if before == AccessState.PILOT and access.state is AccessState.ENDED:
        emails.send_once("pilot_ended", organization, about=f"{organization.pilot_ends_at:%Y-%m-%d}", now=now)
