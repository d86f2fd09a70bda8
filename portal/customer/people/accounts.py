"""A person's account: signing up, and confirming the address.

All of it needs the system's scope: people belong to no organization.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select

from api.policies import services as policies
from core import accounts, audit, sessions
from core.accounts import Organization, OrganizationStatus
from core.addresses import spellings
from core.audit import Actor, ActorKind
from core.db import db
from core.ids import new_uuid
from core.mail import send_mail
from core.members import Membership, Role, User, organizations_of, roles_of
from core.passwords import hash_password
from core.rows import locked
from core.scope import needs_system_scope
from portal.customer.people import devices, links, passwords
from portal.customer.people.models import Passkey, PasskeyChallenge, Purpose, RecoveryCode, TotpSecret
from portal.customer.people.signals import organization_founded


@needs_system_scope
def find_by_email(email: str) -> User | None:
    """The account of exactly this address first: from before, another may have the other spelling of it."""
    query = select(User).where(User.email.in_(spellings(email)))
    return db.session.scalar(query.order_by((User.email == email).desc()).limit(1))


@needs_system_scope
def sign_up(
    *,
    email: str,
    name: str,
    password: str,
    organization_name: str,
    breached_passwords_url: str | None,
    by: Actor,
    now: datetime,
) -> None:
    """Makes an account, or tells the one who has the address already. Whoever asks cannot see which.

    An address that was never confirmed belongs to nobody yet: signing up again starts it afresh.
    """
    passwords.refuse_weak(password, own_words=(email, name, organization_name), url=breached_passwords_url)
    password_hash = hash_password(password)
    hold_address(email)
    user = find_by_email(email)
    if user is None:
        send_confirmation(_start(email, name, password_hash, organization_name, by=by, now=now), now=now)
        return
    with undone():  # as much work as for a new address: the time must not tell
        _start(f"{user.id.hex}@nobody.invalid", name, password_hash, organization_name, by=by, now=now)
    if user.email_confirmed_at is not None:
        send_mail("already_registered", to=email, now=now, context={"name": user.name})
        return
    forget_proofs(user, now=now)
    user.name, user.password_hash = name, password_hash
    for organization in db.session.scalars(select(Organization).join(Membership).where(Membership.user_id == user.id)):
        organization.name = organization_name
    send_confirmation(user, now=now)


@needs_system_scope
def hold_address(email: str) -> None:
    """Of two who want the same address at once, one comes after the other."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(email, 0))))


@contextmanager
@needs_system_scope
def undone() -> Iterator[None]:
    """What is written within it is not kept."""
    nested = db.session.begin_nested()
    try:
        yield
        db.session.flush()
    finally:
        nested.rollback()


@needs_system_scope
def forget_proofs(user: User, *, now: datetime) -> None:
    """Ends sessions and open links, takes second factors away, and knows no browser any more: whoever set them up may
    be somebody else."""
    for proof in (TotpSecret, Passkey, PasskeyChallenge, RecoveryCode):
        db.session.execute(delete(proof).where(proof.user_id == user.id))
    links.supersede(user, now=now)
    sessions.revoke_all(user.id, now=now)
    devices.forget(user.id)


def _start(email: str, name: str, password_hash: str, organization_name: str, *, by: Actor, now: datetime) -> User:
    """An account with an organization of its own."""
    user = create_user(email=email, name=name, password_hash=password_hash, now=now)
    founder = msgspec.structs.replace(by, kind=ActorKind.MEMBER, id=user.id)
    found_organization(user, name=organization_name, by=founder, now=now)
    return user


@needs_system_scope
def create_user(
    *, email: str, name: str, password_hash: str, now: datetime, is_confirmed: bool = False, is_operator: bool = False
) -> User:
    user = User(
        id=new_uuid(),
        email=email,
        name=name,
        password_hash=password_hash,
        is_operator=is_operator,
        created_at=now,
        email_confirmed_at=now if is_confirmed else None,
    )
    db.session.add(user)
    db.session.flush()
    return user


@needs_system_scope
def found_organization(user: User, *, name: str, by: Actor, now: datetime) -> Organization:
    """A new organization in the sandbox, with its policies, owned by `user`."""
    organization = accounts.create(slug=_free_slug(name), name=name, by=by, now=now, status=OrganizationStatus.SANDBOX)
    db.session.add(Membership(organization_id=organization.id, user_id=user.id, role=Role.OWNER.value, created_at=now))
    db.session.flush()
    policies.seed(now=now)
    organization_founded.send(organization.id, now=now)
    return organization


def send_confirmation(user: User, *, now: datetime) -> None:
    secret = links.issue(user, Purpose.CONFIRM_ADDRESS, now=now)
    send_mail("confirm_address", to=user.email, now=now, context={"secret": secret})


def confirm_address(secret: str, *, password: str, by: Actor, now: datetime) -> User:
    """Uses the link up. The password shows that whoever signed up is whoever reads the mail."""
    token, user = links.find(secret, Purpose.CONFIRM_ADDRESS, now=now, for_use=True)
    if not passwords.check(user, password):
        raise passwords.WrongPassword
    if user.email_confirmed_at is not None:
        raise links.LinkUsed
    forget_proofs(user, now=now)
    token.consumed_at, user.email_confirmed_at = now, now
    note(user, "member.address_confirmed", by=by, now=now)
    return user


@needs_system_scope
def lock(user_id: UUID) -> User:
    """The person, held until the transaction ends."""
    return locked(User, user_id)


@needs_system_scope
def note(
    user: User,
    action: str,
    *,
    by: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Tells the audit log of each of a person's organizations; or, if there is none, the operators'."""
    memberships = organizations_of(user.id)
    for organization_id in memberships or (None,):
        audit.write(
            organization_id,
            action,
            by=_as_actor(user, by, is_member=bool(memberships)),
            now=now,
            subject_id=str(user.id),
            before=before,
            after=after,
        )


def note_sign_in(user: User, method: str, *, by: Actor, now: datetime) -> None:
    """As `note`, with the role in each organization, so that one can be told of its owners alone."""
    roles = roles_of(user.id)
    who = _as_actor(user, by, is_member=bool(roles))
    for organization_id, role in roles.items():
        after = {"method": method, "role": role.value}
        audit.write(organization_id, "member.signed_in", by=who, now=now, subject_id=str(user.id), after=after)
    if not roles:
        audit.write(None, "member.signed_in", by=who, now=now, subject_id=str(user.id), after={"method": method})


def _as_actor(user: User, by: Actor, *, is_member: bool) -> Actor:
    kind = ActorKind.MEMBER if is_member or not user.is_operator else ActorKind.OPERATOR
    return msgspec.structs.replace(by, kind=kind, id=user.id)


def _free_slug(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "organization"
    return f"{words}-{secrets.token_hex(4)}"
