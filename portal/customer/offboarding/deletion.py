"""Leaving for good: a person's account is deleted, and stays so after a restore. Needs the system's scope."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import aliased

from backups import erasures
from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM, Actor
from core.db import db
from core.members import Membership, User, organizations_of
from core.scope import needs_system_scope
from portal.customer.people import links
from portal.customer.people.accounts import forget_proofs, lock
from portal.customer.team import departures, owners
from portal.customer.team import services as team
from portal.support.erasure import forget_person

PERSON = "person"


@needs_system_scope
def delete_account(user_id: UUID, *, by: Actor, now: datetime) -> None:
    """Takes a person out of every organization and forgets name and address. Raises LastOwner."""
    user = lock(user_id)
    for organization_id in organizations_of(user_id):
        owners.remove_member(organization_id, user_id, by=by, now=now)
    _forget(user, now=now)
    erasures.note_erasure(PERSON, {"user_id": str(user_id)}, now=now)


@needs_system_scope
def forget_unconfirmed(*, before: datetime, now: datetime) -> int:
    """Sign-ups from before then whose link nobody pressed, each with what it began; how many.

    One that was tried again, so that a link is still open, has time until that link ends.
    """
    asleep = User.email_confirmed_at.is_(None) & User.disabled_at.is_(None) & User.is_operator.is_(False)
    found = db.session.scalars(
        select(User).where(asleep, User.created_at < before, ~links.has_open(now)).with_for_update()
    ).all()
    for user in found:
        for organization in _begun_alone(user):
            organization.name, organization.slug = "(never confirmed)", f"never-confirmed-{organization.id.hex}"
            organization.status = OrganizationStatus.CLOSED.value
            audit.write(organization.id, "organization.closed", by=SYSTEM, now=now)
        db.session.execute(delete(Membership).where(Membership.user_id == user.id))
        _forget(user, now=now)
    return len(found)


@erasures.erases_again(PERSON)
def _delete_again(facts: dict[str, Any], now: datetime) -> None:
    """Also a last owner: they left when somebody else was one. Who is younger than the backup is gone already."""
    # the person first, before all that hangs from them, as every change of an account takes them
    user = db.session.get(User, UUID(facts["user_id"]), with_for_update=True)
    if user is not None:
        _leave_everything(user, by=SYSTEM, now=now)
        _forget(user, now=now)


def _leave_everything(user: User, *, by: Actor, now: datetime) -> None:
    """Without asking who is left."""
    left = db.session.scalars(
        delete(Membership).where(Membership.user_id == user.id).returning(Membership.organization_id)
    ).all()
    for organization_id in left:
        departures.end_trust(organization_id, user.id, by=by, now=now)


def _begun_alone(user: User) -> Sequence[Organization]:
    """Organizations in the sandbox that nobody else is in."""
    own, others = aliased(Membership), aliased(Membership)
    is_others = (others.organization_id == own.organization_id) & (others.user_id != user.id)
    return db.session.scalars(
        select(Organization)
        .join(own, own.organization_id == Organization.id)
        .where(
            own.user_id == user.id,
            Organization.status == OrganizationStatus.SANDBOX.value,
            ~select(others.user_id).where(is_others).exists(),
        )
    ).all()


def _forget(user: User, *, now: datetime) -> None:
    forget_proofs(user, now=now)
    links.forget_all(user)
    departures.forget(user, now=now)
    team.forget_invited(user.email)
    forget_person(user.id)
    user.email, user.name = f"deleted-{user.id.hex}@deleted.invalid", "Former member"
    user.password_hash, user.disabled_at = "", now
