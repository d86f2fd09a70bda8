"""Roles and leaving. Whoever changes who owns an organization holds its row first, so its last owner cannot be lost."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select

from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.members import Membership, Role
from core.rows import read_anew
from portal.customer.team import departures


class LastOwner(AppError):
    status, code, title = HTTPStatus.CONFLICT, "last_owner", "An organization needs at least one owner"
    advice = "Make someone else an owner first, or close the organization."


class OwnersOnly(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "owners_only", "Only owners can change owners"
    advice = "Ask an owner to make this change."


def change_role(organization_id: UUID, user_id: UUID, role: Role, *, by_role: Role, by: Actor, now: datetime) -> None:
    """Raises NotFound, OwnersOnly or LastOwner."""
    member = _held(organization_id, user_id)
    old = Role(member.role)
    if old is role:
        return
    if Role.OWNER in {old, role} and by_role is not Role.OWNER:
        raise OwnersOnly
    if old is Role.OWNER:
        _need_another_owner(organization_id, user_id)
    member.role = role.value
    audit.write(
        organization_id,
        "member.role_changed",
        by=by,
        now=now,
        subject_id=str(user_id),
        before={"role": old.value},
        after={"role": role.value},
    )


def remove_member(
    organization_id: UUID, user_id: UUID, *, by: Actor, now: datetime, by_role: Role = Role.OWNER
) -> None:
    """Takes somebody out of an organization, or out by themselves. Keys they made go on working; trust in them ends."""
    member = _held(organization_id, user_id)
    if member.role == Role.OWNER:
        if by_role is not Role.OWNER:
            raise OwnersOnly
        _need_another_owner(organization_id, user_id)
    db.session.delete(member)
    db.session.flush()
    audit.write(
        organization_id,
        "member.removed",
        by=by,
        now=now,
        subject_id=str(user_id),
        before={"role": member.role},
    )
    departures.end_trust(organization_id, user_id, by=by, now=now)


def _held(organization_id: UUID, user_id: UUID) -> Membership:
    """The membership, with the organization's row held until the transaction ends."""
    # the organization's row is the lock of all its memberships, so two last owners cannot leave at once
    db.session.scalar(select(Organization.id).where(Organization.id == organization_id).with_for_update())
    member = db.session.scalar(
        read_anew(
            select(Membership).where(Membership.organization_id == organization_id, Membership.user_id == user_id)
        )
    )
    if member is None:
        raise NotFound("Member not found. They may have left the organization.")
    return member


def _need_another_owner(organization_id: UUID, user_id: UUID) -> None:
    other = db.session.scalar(
        select(Membership.user_id)
        .where(
            Membership.organization_id == organization_id,
            Membership.role == Role.OWNER.value,
            Membership.user_id != user_id,
        )
        .limit(1)
    )
    if other is None and _status_of(organization_id) != OrganizationStatus.CLOSED:
        raise LastOwner


def _status_of(organization_id: UUID) -> str | None:
    return db.session.scalar(select(Organization.status).where(Organization.id == organization_id))
