"""Invitations: sent, sent again, revoked, accepted."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from billing import entitlements
from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.mail import send_mail
from core.members import Membership, Role, User
from core.scope import needs_system_scope
from core.tokens import digest_of, new_token
from portal.customer.team import members
from portal.customer.team.models import Invitation, InvitationStatus
from portal.customer.team.owners import OwnersOnly

INVITATION_LIFE = timedelta(days=7)


class AlreadyMember(AppError):
    status, code, title = HTTPStatus.CONFLICT, "already_member", "This person is already a member"
    advice = "You can change their role in the list of members."


class AlreadyInvited(AppError):
    status, code, title = HTTPStatus.CONFLICT, "already_invited", "This person has already been invited"
    advice = "Resend the invitation from the list, or revoke it first."


class InvitationOver(AppError):
    status, code, title = HTTPStatus.GONE, "invitation_over", "This invitation is no longer valid"
    advice = "Ask the person who invited you to send a new one."


class OtherAddress(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "other_address", "This invitation was sent to a different address"
    advice = "Log in with the email address that received the invitation."


class MemberLimitReached(AppError):
    status, code, title = HTTPStatus.CONFLICT, "member_limit_reached", "This organization has reached its member limit"
    advice = "Remove a member, revoke a pending invitation, or upgrade the plan."


class OpenInvitation(msgspec.Struct, frozen=True):
    """An invitation as whoever holds its link sees it."""

    id: UUID
    organization_id: UUID
    organization_name: str
    invited_by: str
    email: str
    role: Role


def list_invitations(organization_id: UUID) -> list[Invitation]:
    return list(
        db.session.scalars(
            select(Invitation)
            .where(Invitation.organization_id == organization_id, Invitation.status == InvitationStatus.PENDING.value)
            .order_by(Invitation.id)
        )
    )


def invite(
    organization_id: UUID, *, email: str, role: Role, by_role: Role, inviter: str, by: Actor, now: datetime
) -> Invitation:
    """Sends an invitation in the name of `inviter`, a confirmed address.

    Raises AlreadyMember, AlreadyInvited, OwnersOnly or MemberLimitReached.
    """
    if role is Role.OWNER and by_role is not Role.OWNER:
        raise OwnersOnly
    if members.is_member(organization_id, email):
        raise AlreadyMember
    _refuse_beyond_plan(organization_id, now=now)
    secret = new_token()
    invitation = Invitation(
        id=new_uuid(),
        organization_id=organization_id,
        email=email,
        role=role.value,
        token_hash=digest_of(secret),
        status=InvitationStatus.PENDING.value,
        invited_by=by.id,
        created_at=now,
        sent_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    try:
        with db.session.begin_nested():
            db.session.add(invitation)
    except IntegrityError as error:
        raise AlreadyInvited from error
    audit.write(
        organization_id,
        "invitation.sent",
        by=by,
        now=now,
        subject_id=str(invitation.id),
        after={"email": email, "role": role.value},
    )
    _send(invitation, secret, inviter=inviter, now=now)
    return invitation


def resend(
    organization_id: UUID, invitation_id: UUID, *, by_role: Role, inviter: str, by: Actor, now: datetime
) -> Invitation:
    """Sends it again, from now on in the name of whoever does so; the link sent before stops working."""
    invitation = _pending(organization_id, invitation_id)
    if invitation.role == Role.OWNER and by_role is not Role.OWNER:
        raise OwnersOnly
    invitation.invited_by = by.id or invitation.invited_by
    secret = new_token()
    invitation.token_hash, invitation.sent_at = digest_of(secret), now
    invitation.expires_at = now + INVITATION_LIFE
    audit.write(organization_id, "invitation.sent_again", by=by, now=now, subject_id=str(invitation.id))
    _send(invitation, secret, inviter=inviter, now=now)
    return invitation


def revoke(organization_id: UUID, invitation_id: UUID, *, by: Actor, now: datetime) -> None:
    invitation = _pending(organization_id, invitation_id)
    invitation.status = InvitationStatus.REVOKED.value
    audit.write(organization_id, "invitation.revoked", by=by, now=now, subject_id=str(invitation.id))


@needs_system_scope
def forget_invited(email: str) -> None:
    """Deletes what an address was invited to and has answered."""
    answered = Invitation.status != InvitationStatus.PENDING.value
    db.session.execute(delete(Invitation).where(Invitation.email == email, answered))


def forget_invitations(organization_id: UUID) -> None:
    """Deletes them all: the account is closed."""
    db.session.execute(delete(Invitation).where(Invitation.organization_id == organization_id))


@needs_system_scope
def find_open(secret: str, *, now: datetime) -> OpenInvitation:
    """Raises InvitationOver, also if whoever invited has left meanwhile."""
    row = db.session.execute(
        select(Invitation, Organization.name, Organization.status, User.name)
        .join(Organization, Organization.id == Invitation.organization_id)
        .join(User, User.id == Invitation.invited_by)
        .join(
            Membership,
            (Membership.user_id == Invitation.invited_by)
            & (Membership.organization_id == Invitation.organization_id)
            & Membership.role.in_([Role.OWNER.value, Role.ADMIN.value])
            & ((Invitation.role != Role.OWNER.value) | (Membership.role == Role.OWNER.value)),
        )
        .where(Invitation.token_hash == digest_of(secret))
        .with_for_update(of=Invitation)
    ).first()
    if row is None:
        raise InvitationOver
    invitation, organization_name, status, inviter = row
    is_open = invitation.status == InvitationStatus.PENDING and invitation.expires_at > now
    if not is_open or status in {OrganizationStatus.CLOSING, OrganizationStatus.CLOSED}:
        raise InvitationOver
    return OpenInvitation(
        id=invitation.id,
        organization_id=invitation.organization_id,
        organization_name=organization_name,
        invited_by=inviter,
        email=invitation.email,
        role=Role(invitation.role),
    )


@needs_system_scope
def accept(secret: str, user: User, *, by: Actor, now: datetime) -> OpenInvitation:
    """Makes `user` a member, whose address is confirmed by the link that came there.

    Raises InvitationOver, OtherAddress or AlreadyMember.
    """
    opened = find_open(secret, now=now)
    if user.email != opened.email:
        raise OtherAddress
    if db.session.get(Membership, (opened.organization_id, user.id)) is not None:
        raise AlreadyMember
    db.session.add(
        Membership(organization_id=opened.organization_id, user_id=user.id, role=opened.role.value, created_at=now)
    )
    user.email_confirmed_at = user.email_confirmed_at or now
    db.session.get_one(Invitation, opened.id).status = InvitationStatus.ACCEPTED.value
    audit.write(
        opened.organization_id,
        "member.joined",
        by=by,
        now=now,
        subject_id=str(user.id),
        after={"role": opened.role.value},
    )
    return opened


def _pending(organization_id: UUID, invitation_id: UUID) -> Invitation:
    invitation = db.session.scalar(
        select(Invitation)
        .where(Invitation.organization_id == organization_id, Invitation.id == invitation_id)
        .with_for_update()
    )
    if invitation is None:
        raise NotFound("Invitation not found.")
    if invitation.status != InvitationStatus.PENDING:
        raise InvitationOver
    return invitation


def _send(invitation: Invitation, secret: str, *, inviter: str, now: datetime) -> None:
    """Names are free text, which would make a carrier of a mail to somebody who may know nobody here."""
    send_mail(
        "invitation",
        to=invitation.email,
        organization_id=invitation.organization_id,
        now=now,
        context={
            "inviter": inviter,
            "role": invitation.role,
            "secret": secret,
            "expires_at": invitation.expires_at,
        },
    )


def _refuse_beyond_plan(organization_id: UUID, *, now: datetime) -> None:
    most = entitlements.access_for(organization_id, now=now).limits.members
    if most is not None and members.count(organization_id) + len(list_invitations(organization_id)) >= most:
        raise MemberLimitReached(
            f"Your plan includes {most:,} members and pending invitations. {MemberLimitReached.advice}"
        )
