"""Filters of the log that a member saved under a name, for themselves in one organization."""

from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, db
from core.errors import AppError, NotFound
from core.ids import new_uuid

MOST_VIEWS = 20
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('saved views ' || :user_id))")


class SavedView(Base):
    __tablename__ = "saved_view"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["membership.organization_id", "membership.user_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("organization_id", "user_id", "name"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    name: Mapped[str]
    query: Mapped[str]
    """As it stands in the log's address."""


class TooManyViews(AppError):
    status, code, title = HTTPStatus.CONFLICT, "too_many_views", "You have reached the limit of saved views"
    advice = f"Delete a view first. You can save {MOST_VIEWS} per organization."


def views_of(organization_id: UUID, user_id: UUID) -> list[SavedView]:
    query = select(SavedView).where(SavedView.organization_id == organization_id, SavedView.user_id == user_id)
    return list(db.session.scalars(query.order_by(func.lower(SavedView.name), SavedView.id)))


def save(organization_id: UUID, user_id: UUID, *, name: str, filters: dict[str, str]) -> None:
    """Over the member's view of the same name, if there is one. Raises TooManyViews."""
    db.session.execute(_ONE_AT_A_TIME, {"user_id": str(user_id)})
    names = [view.name for view in views_of(organization_id, user_id)]
    if name not in names and len(names) >= MOST_VIEWS:
        raise TooManyViews
    query = urlencode(filters)
    statement = insert(SavedView).values(
        id=new_uuid(), organization_id=organization_id, user_id=user_id, name=name, query=query
    )
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["organization_id", "user_id", "name"], set_={"query": query})
    )


def remove(organization_id: UUID, user_id: UUID, view_id: UUID) -> None:
    """Raises NotFound for a view that is none of this member's."""
    is_theirs = SavedView.organization_id == organization_id, SavedView.user_id == user_id, SavedView.id == view_id
    if db.session.scalar(delete(SavedView).where(*is_theirs).returning(SavedView.id)) is None:
        raise NotFound("Saved view not found. It may have been deleted.")


def forget(organization_id: UUID) -> None:
    """Of an account that is closed."""
    db.session.execute(delete(SavedView).where(SavedView.organization_id == organization_id))
