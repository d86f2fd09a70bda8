"""Subscriptions that charge somebody twice, or somebody who has left: who is notified, and what must end."""

from collections.abc import Sequence
from datetime import datetime

import blinker

from billing import emails
from billing.stripe_objects import GOES_ON, StripeObject, subscribed
from core.accounts import Organization, OrganizationStatus

must_end = blinker.Signal()
"""Sent, with the change that showed it, where somebody who left would go on being charged."""


def look_for(organization: Organization, live: Sequence[StripeObject], *, now: datetime) -> None:
    """One live subscription at most, and none of an account that is closing or closed."""
    about = " ".join(sorted(one["id"] for one in live))
    if len(live) > 1:
        emails.alert_once("subscription_second", organization, about=about, now=now)
    if organization.status == OrganizationStatus.CLOSED and live:
        emails.alert_once("charged_after_closing", organization, about=about, now=now)
        must_end.send(organization_id=organization.id)
    elif organization.status == OrganizationStatus.CLOSING and any(_renews(one) for one in live):
        must_end.send(organization_id=organization.id)


def _renews(snapshot: StripeObject) -> bool:
    return snapshot.get("status") in GOES_ON and subscribed(snapshot).ends_at is None
