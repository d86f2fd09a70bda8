"""Who asked, known by the account: an address may change, and an answer goes where that person reads mail now.

Needs the system's scope.
"""

from uuid import UUID

from sqlalchemy import select, update

from core.db import acting_as_system, db
from core.members import Membership, Role, User, emails_of, organizations_of
from core.scope import needs_system_scope
from portal.support.models import Ticket
from portal.support.records import Author

NOWHERE = "deleted@deleted.invalid"
"""Stands for the address of somebody who is forgotten."""


@needs_system_scope
def find_account(email: str) -> User | None:
    """Who has shown that the address is theirs, and may sign in."""
    is_usable = User.disabled_at.is_(None), User.email_confirmed_at.is_not(None)
    return db.session.scalar(select(User).where(User.email == email, *is_usable))


@needs_system_scope
def membership_of(sender: Author) -> tuple[UUID | None, Author]:
    """With the account that the address belongs to, so that the answer finds its person at another address, too.

    The organization only where it is plain: they are a member of exactly one.
    """
    user = find_account(sender.email)
    if user is None:
        return None, sender
    author = Author(user.name, user.email, user.id)
    memberships = organizations_of(user.id)
    return (memberships[0] if len(memberships) == 1 else None), author


def readers_of(ticket: Ticket) -> list[str]:
    """Whoever asked; if they are no member any more, the owners: the request is the organization's."""
    with acting_as_system():
        if ticket.organization_id is None:
            email = address_of(ticket)
            return [] if email == NOWHERE else [email]
        member = _member(ticket.organization_id, ticket)
        return [member.email] if member else emails_of(ticket.organization_id, {Role.OWNER})


@needs_system_scope
def address_of(ticket: Ticket) -> str:
    """Where a requester without an organization reads mail."""
    user = db.session.get(User, ticket.opened_by) if ticket.opened_by else None
    return user.email if user is not None and user.disabled_at is None else ticket.requester_email


def is_same(one: Ticket, other: Ticket) -> bool:
    """Whether the same person asked both."""
    return address_of(one) == address_of(other)


@needs_system_scope
def person_of(ticket: Ticket, sender: Author) -> Author | None:
    """The sender of a mail as a person of the request, or None. Of an organization's only its members are."""
    if ticket.organization_id is None:
        return sender if sender.email == address_of(ticket) else None
    user = find_account(sender.email)
    if user is None or db.session.get(Membership, (ticket.organization_id, user.id)) is None:
        return None
    return Author(user.name, user.email, user.id)


@needs_system_scope
def follow(user: User) -> None:
    """Somebody has a new address: their requests show it."""
    db.session.execute(update(Ticket).where(Ticket.opened_by == user.id).values(requester_email=user.email))


def _member(organization_id: UUID, ticket: Ticket) -> User | None:
    """By the account; by the address only where no account was known."""
    is_requester = User.id == ticket.opened_by if ticket.opened_by else User.email == ticket.requester_email
    return db.session.scalar(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization_id, is_requester, User.disabled_at.is_(None))
    )
