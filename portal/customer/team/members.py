"""Members as pages show them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, or_, select

from core.db import among, db
from core.members import Membership, Role, User
from core.paging import Page, page_of


class Member(msgspec.Struct, frozen=True):
    user_id: UUID
    name: str
    email: str
    role: Role
    since: datetime


def every(organization_id: UUID) -> list[Member]:
    """All of them: for files. Pages ask for a page."""
    return [_member(row) for row in db.session.execute(_members(organization_id).order_by(Membership.created_at))]


def list_page(organization_id: UUID, *, text: str = "", after: UUID | None = None, size: int = 50) -> Page[Member]:
    """Members whose name or address has this text; in the order in which their accounts were made."""
    query = _members(organization_id)
    if text:
        query = query.where(
            or_(User.name.icontains(text, autoescape=True), User.email.icontains(text, autoescape=True))
        )
    if after is not None:
        query = query.where(Membership.user_id > after)
    found = [_member(row) for row in db.session.execute(query.order_by(Membership.user_id).limit(size + 1))]
    return page_of(found, size, id_of=lambda member: member.user_id)


def count(organization_id: UUID) -> int:
    query = select(func.count()).where(Membership.organization_id == organization_id)
    return int(db.session.scalar(query) or 0)


def is_member(organization_id: UUID, email: str) -> bool:
    return db.session.scalar(_members(organization_id).where(User.email == email)) is not None


def names_of(organization_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those who are members."""
    query = _members(organization_id).where(among(Membership.user_id, user_ids))
    return {row.id: row.name for row in db.session.execute(query)}


def _members(organization_id: UUID) -> Select[UUID, str, str, str, datetime]:
    return (
        select(User.id, User.name, User.email, Membership.role, Membership.created_at)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization_id)
    )


def _member(row: Any) -> Member:
    return Member(row.id, row.name, row.email, Role(row.role), row.created_at)
