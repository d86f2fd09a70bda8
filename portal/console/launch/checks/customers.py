"""Whether every live customer has what they need: the link, a key, whom to write to, whom to call."""

from collections.abc import Callable, Collection
from uuid import UUID

from sqlalchemy import select

from api.keys import lookup
from api.keys.token import KeyEnvironment
from core.accounts import Organization, OrganizationStatus
from core.db import db
from core.mail import MailMessage
from core.profiles import find_profiles
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, green, red
from portal.status import probes

WELCOME = "application_approved"
_APPROVE_ONE = "Approve the first customer."


def live_customers() -> list[Organization]:
    """All but our own."""
    query = select(Organization).where(
        Organization.status == OrganizationStatus.LIVE.value, Organization.slug != probes.SLUG
    )
    return list(db.session.scalars(query.order_by(Organization.slug)))


def _each(find_fine: Callable[[list[UUID]], Collection[UUID]], words: str, *, to_do: str) -> Verdict:
    """`find_fine` is asked once about all of them."""
    live = live_customers()
    if not live:
        return red("There are no live customers yet.", to_do=_APPROVE_ONE)
    fine = find_fine([one.id for one in live])
    lacking = [one.slug for one in live if one.id not in fine]
    if lacking:
        return red(f"Missing for {', '.join(lacking[:5])}.", to_do=to_do)
    return green(f"{words}: {len(live)} of {len(live)}.")


def portal_link_sent(_around: CheckContext) -> Verdict:
    query = select(MailMessage.organization_id).where(MailMessage.template == WELCOME, MailMessage.sent_at.is_not(None))
    welcomed = {one for one in db.session.scalars(query) if one is not None}
    return _each(
        lambda _: welcomed, "Received the welcome email", to_do="Check that emails are sent, and send the link."
    )


def live_key_made(_around: CheckContext) -> Verdict:
    return _each(
        lambda _: lookup.with_key(KeyEnvironment.LIVE),
        "Have a live key",
        to_do="Offer help with the first key.",
    )


def support_address_given(around: CheckContext) -> Verdict:
    if not around.settings.support_email:
        return red("SUPPORT_EMAIL is not set.", to_do="Set SUPPORT_EMAIL. It is shown in emails and on pages.")
    return green(f"{around.settings.support_email} is shown in every email and on the support page.")


def on_call_number_given(around: CheckContext) -> Verdict:
    if not around.settings.on_call_phone:
        return red("ON_CALL_PHONE is not set.", to_do="Set ON_CALL_PHONE. It is shown in emails and on pages.")
    return green(f"{around.settings.on_call_phone} is shown in the welcome email and with critical requests.")


def contacts_confirmed(_around: CheckContext) -> Verdict:
    def with_two(organization_ids: list[UUID]) -> set[UUID]:
        profiles = find_profiles(organization_ids)
        return {one.organization_id for one in profiles if one.contact_email and one.second_contact_email}

    return _each(with_two, "Have two contacts", to_do="Ask them for a second contact.")


CHECKS: dict[str, CheckFunction] = {
    "portal_link_sent": portal_link_sent,
    "live_key_made": live_key_made,
    "support_address_given": support_address_given,
    "on_call_number_given": on_call_number_given,
    "contacts_confirmed": contacts_confirmed,
}
