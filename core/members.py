"""People and the organizations they are members of."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, among, db
from core.scope import needs_system_scope


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    BILLING = "billing"
    VIEWER = "viewer"


MEANING = {
    Role.OWNER: "Full access, including managing owners and closing the organization.",
    Role.ADMIN: (
        "Full access, except managing owners, changing who can publish policies, publishing without review in an "
        "emergency, and closing the organization."
    ),
    Role.DEVELOPER: "Manage API keys and policies; view the rest.",
    Role.BILLING: "Manage the plan and invoices; view the rest.",
    Role.VIEWER: "View everything.",
}


class User(Base):
    """A person. The address is kept in lower case; who has confirmed none may do nothing but confirm it."""

    __tablename__ = "app_user"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    is_operator: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    email_confirmed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class Membership(Base):
    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'admin', 'developer', 'billing', 'viewer')", name="role"),
        Index("ix_membership_user_id", "user_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    role: Mapped[str]
    created_at: Mapped[datetime]


def emails_of(organization_id: UUID, roles: Collection[Role]) -> list[str]:
    """Of members with one of these roles who can sign in."""
    return emails_of_each([organization_id], roles).get(organization_id, [])


def emails_of_each(organization_ids: Collection[UUID], roles: Collection[Role]) -> dict[UUID, list[str]]:
    """The same of many, without those that have none. One query."""
    query = (
        select(Membership.organization_id, User.email)
        .join(User, Membership.user_id == User.id)
        .where(
            among(Membership.organization_id, organization_ids),
            Membership.role.in_([role.value for role in roles]),
            User.disabled_at.is_(None),
            User.email_confirmed_at.is_not(None),
        )
        .order_by(User.email)
    )
    emails: dict[UUID, list[str]] = defaultdict(list)
    for organization_id, email in db.session.execute(query):
        emails[organization_id].append(email)
    return dict(emails)


@needs_system_scope
def organizations_of(user_id: UUID) -> Sequence[UUID]:
    """Whose member somebody is."""
    return db.session.scalars(select(Membership.organization_id).where(Membership.user_id == user_id)).all()


@needs_system_scope
def roles_of(user_id: UUID) -> dict[UUID, Role]:
    """Somebody's role in each of their organizations."""
    rows = db.session.execute(select(Membership.organization_id, Membership.role).where(Membership.user_id == user_id))
    return {row.organization_id: Role(row.role) for row in rows}


@needs_system_scope
def emails_of_operators() -> list[str]:
    return list(
        db.session.scalars(
            select(User.email).where(User.is_operator, User.disabled_at.is_(None), User.email_confirmed_at.is_not(None))
        )
    )


def shortened(email: str) -> str:
    """Enough to know it again. The audit log outlives the account, whose address is forgotten on leaving."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"
