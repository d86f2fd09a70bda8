"""Before the software goes live: what the service sees for itself, and what somebody of the organization confirms."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from api.decisions import services as decisions
from api.keys import lookup
from api.keys.token import KeyEnvironment
from core import audit
from core.audit import Actor
from core.db import Base, db
from core.errors import NotFound
from core.members import User


class ChecklistTick(Base):
    __tablename__ = "checklist_tick"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    ticked_by: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    ticked_at: Mapped[datetime]


Sees = Callable[[UUID], bool]


class Item(msgspec.Struct, frozen=True):
    """One thing to be sure of. `sees` is how the service knows; without it somebody has to say so."""

    code: str
    words: str
    sees: Sees | None = None


def _has_test_key(organization_id: UUID) -> bool:
    return lookup.has_key(organization_id, KeyEnvironment.TEST)


def _has_seen(*, allowed: bool) -> Sees:
    return lambda organization_id: decisions.has_outcome(organization_id, allowed=allowed)


def _has_restricted_key(organization_id: UUID) -> bool:
    return lookup.has_check_only_key(organization_id)


GROUPS: dict[str, tuple[Item, ...]] = {
    "Testing": (
        Item("test_key", "A test key exists.", _has_test_key),
        Item("allowed_seen", "A decision was allowed.", _has_seen(allowed=True)),
        Item("blocked_seen", "A decision was blocked.", _has_seen(allowed=False)),
        Item("own_models", "We have tested the models and operations our software uses."),
    ),
    "Security": (
        Item(
            "metadata_only",
            "Our software sends metadata only, and can handle a request that is rejected because it contains content.",
        ),
        Item(
            "secret_store", "The API key is in an environment variable or a secret store, not in code or a repository."
        ),
        Item("check_only_key", "At least one active API key has only the checks:write scope.", _has_restricted_key),
        Item("transport", "Every request uses HTTPS and sends the Authorization header."),
    ),
    "Monitoring": (
        Item("limit_handled", "Our software handles 429 responses: it waits for Retry-After, then slows down."),
        Item(
            "outage_handled",
            "We have decided what our software does if a check fails or times out: block, or another fail mode.",
        ),
        Item("alerts", "We are alerted when checks fail or are slow to respond."),
        Item("log_seen", "Everyone who needs the decision log has access to it."),
    ),
    "Operations": (
        Item("rotation_plan", "It is documented who rotates the API key every 90 days, and how."),
        Item("support_known", "The team knows how to contact support, and to include a decision ID or request ID."),
        Item("leak_plan", "The team knows what to do if an API key leaks: revoke it immediately on the API keys page."),
        Item("deploy_date", "A go-live date is set, and someone is on watch that day."),
    ),
}
_CONFIRMED = {item.code for items in GROUPS.values() for item in items if item.sees is None}


class Line(msgspec.Struct, frozen=True):
    item: Item
    is_done: bool
    by: str | None
    at: datetime | None


def lines_of(organization_id: UUID) -> dict[str, list[Line]]:
    """Every item as it stands, by group."""
    rows = db.session.execute(
        select(ChecklistTick.item, ChecklistTick.ticked_at, User.name)
        .outerjoin(User, User.id == ChecklistTick.ticked_by)
        .where(ChecklistTick.organization_id == organization_id)
    )
    ticks = {row.item: (row.name or "a former member", row.ticked_at) for row in rows}
    return {group: [_line(item, ticks, organization_id) for item in items] for group, items in GROUPS.items()}


def tick(organization_id: UUID, code: str, *, is_done: bool, by: Actor, now: datetime) -> None:
    """Somebody says that an item is done, or that it is not. Raises NotFound for what the service sees for itself."""
    if code not in _CONFIRMED:
        raise NotFound("Checklist item not found.")
    if is_done:
        statement = insert(ChecklistTick).values(
            organization_id=organization_id, item=code, ticked_by=by.id, ticked_at=now
        )
        changed = db.session.execute(statement.on_conflict_do_nothing().returning(ChecklistTick.item)).first()
    else:
        changed = db.session.execute(
            delete(ChecklistTick)
            .where(ChecklistTick.organization_id == organization_id, ChecklistTick.item == code)
            .returning(ChecklistTick.item)
        ).first()
    if changed is not None:
        action = "checklist.ticked" if is_done else "checklist.unticked"
        audit.write(organization_id, action, by=by, now=now, subject_id=code)


def forget(organization_id: UUID) -> None:
    """Deletes what was ticked: the account is closed."""
    db.session.execute(delete(ChecklistTick).where(ChecklistTick.organization_id == organization_id))


def _line(item: Item, ticks: dict[str, tuple[str, datetime]], organization_id: UUID) -> Line:
    if item.sees is not None:
        return Line(item, item.sees(organization_id), None, None)
    by, at = ticks.get(item.code, (None, None))
    return Line(item, at is not None, by, at)
