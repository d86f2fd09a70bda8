"""What an organization trusted because somebody was its member: it ends with the membership, and follows an address.

Channels for notifications, contacts, where invoices go, links to sign or to join, the subscription to the status.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from billing import contacts as billing_contacts
from billing.jobs import refresh_customer_email
from core import audit
from core.audit import SYSTEM, Actor
from core.db import acting_as_system, db
from core.jobs import defer
from core.members import Membership, Role, User, organizations_of
from core.profiles import NOBODY, find_profile
from core.scope import needs_system_scope
from core.tokens import digest_of
from legal_docs.acceptances import delegations
from portal.customer.people.signals import address_changed
from portal.customer.team.models import Invitation, InvitationStatus
from portal.notifications import channels, readers
from portal.status import subscribers
from portal.support import desk, requesters


def end_trust(organization_id: UUID | None, user_id: UUID, *, by: Actor, now: datetime) -> None:
    """After a membership ended; without an organization, after somebody was an operator. Enters the system's scope."""
    with acting_as_system():
        user = db.session.get_one(User, user_id)
        for channel in readers.read_by(organization_id, user):
            channels.end_for_reader(channel, by=by, now=now)
        if organization_id is None:
            desk.release_all(user_id, by=by, now=now)
            return
        _replace_contact(organization_id, user, now=now)
        _send_invoices_elsewhere(organization_id, user.email, to=None)
        delegations.withdraw(organization_id, user.email, now=now)
        _revoke_invitations(organization_id, user.email)


@address_changed.connect
@needs_system_scope
def follow_address(user: User, *, former: str) -> None:
    """Whatever led to somebody's former address leads to the new one."""
    readers.follow(user)
    requesters.follow(user)
    subscribers.follow(former, user.email)
    for organization_id in organizations_of(user.id):
        _send_invoices_elsewhere(organization_id, former, to=user.email)
        profile = find_profile(organization_id)
        if profile is not None and _is(profile.contact_email, former):
            profile.contact_email = user.email
        if profile is not None and _is(profile.second_contact_email, former):
            profile.second_contact_email = user.email


@needs_system_scope
def forget(user: User, *, now: datetime) -> None:
    """Before a person's address is forgotten for good."""
    readers.forget(user)
    desk.release_all(user.id, by=SYSTEM, now=now)
    if user.email_confirmed_at is not None:  # whoever typed an address that is somebody else's ends nothing of theirs
        subscribers.forget(user.email)


def _replace_contact(organization_id: UUID, user: User, *, now: datetime) -> None:
    """By an owner, who hears of everything anyway: the contracts promise that there is a contact."""
    profile = find_profile(organization_id)
    if profile is None:
        return
    is_first, is_second = _is(profile.contact_email, user.email), _is(profile.second_contact_email, user.email)
    if is_first:
        profile.contact_name, profile.contact_email = _an_owner(organization_id)
    if is_second:
        profile.second_contact_name = profile.second_contact_email = None
    if is_first or is_second:
        db.session.flush()
        audit.write(organization_id, "organization.contact_left", by=SYSTEM, now=now, subject_id=str(user.id))


def _an_owner(organization_id: UUID) -> tuple[str, str]:
    """Name and address of the one who has been an owner longest; of nobody where the account is closed."""
    found = db.session.execute(
        select(User.name, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization_id, Membership.role == Role.OWNER.value)
        .where(User.disabled_at.is_(None), User.email_confirmed_at.is_not(None))
        .order_by(Membership.created_at)
        .limit(1)
    ).first()
    return (found.name, found.email) if found else NOBODY


def _send_invoices_elsewhere(organization_id: UUID, former: str, *, to: str | None) -> None:
    if billing_contacts.replace_email(organization_id, former, by=to):
        defer(refresh_customer_email, organization_id=str(organization_id), former_digest=digest_of(former).hex())


def _revoke_invitations(organization_id: UUID, email: str) -> None:
    """An older one would bring a removed member back."""
    db.session.execute(
        update(Invitation)
        .where(
            Invitation.organization_id == organization_id,
            Invitation.email == email,
            Invitation.status == InvitationStatus.PENDING.value,
        )
        .values(status=InvitationStatus.REVOKED.value)
    )


def _is(kept: str | None, email: str) -> bool:
    return (kept or "").strip().lower() == email
