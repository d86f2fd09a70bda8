"""Organizations: the tenants. Everything a customer has hangs from one."""

import os
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from core import audit, names
from core.audit import Actor
from core.calendar import months_later
from core.db import Base, db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.retention import DEFAULT_RETENTION_DAYS
from core.rows import locking
from core.scope import needs_system_scope
from core.service_levels import PILOT_MONTHS


class OrganizationStatus(StrEnum):
    """sandbox → live by approval; either may be suspended and restored, or closing until `closes_at`, then closed."""

    SANDBOX = "sandbox"
    LIVE = "live"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    CLOSED = "closed"


class BlockReason(StrEnum):
    """Why an organization's live keys are blocked for reasons of money."""

    PAYMENT = "payment"
    QUOTA = "quota"


class Organization(Base):
    __tablename__ = "organization"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'", name="slug"),
        CheckConstraint("status IN ('sandbox', 'live', 'suspended', 'closing', 'closed')", name="status"),
        CheckConstraint("retention_days BETWEEN 30 AND 3650", name="retention_days"),
        CheckConstraint("check_limit IS NULL OR check_limit > 0", name="check_limit"),
        CheckConstraint("rests_because IN ('payment', 'quota')", name="rests_because"),
        CheckConstraint("(rests_from IS NULL) = (rests_because IS NULL)", name="rests"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    status: Mapped[str]
    status_before: Mapped[str | None]
    """What a suspension took it out of, and what its end brings back."""
    closing_from: Mapped[str | None]
    """What closing took it out of; keeping the account does not lift a suspension."""
    status_reason: Mapped[str | None]
    closes_at: Mapped[datetime | None]
    """End of the time in which a closing organization's data can still be fetched."""
    pilot_ends_at: Mapped[datetime | None]
    blocked_from: Mapped[datetime | None] = mapped_column("rests_from")
    """From then on live keys are blocked for a reason of money, until `blocked_until`, or until it is settled."""
    blocked_until: Mapped[datetime | None] = mapped_column("rests_until")
    blocked_because: Mapped[str | None] = mapped_column("rests_because")
    legal_due_at: Mapped[datetime | None]
    """From then on live keys are blocked, as a new version of the Terms or the DPA was not accepted. None: never."""
    retention_days: Mapped[int] = mapped_column(default=DEFAULT_RETENTION_DAYS)
    check_limit: Mapped[int | None]
    """Checks a key may make in 60 s by the organization's plan; none: the product's default."""
    needs_policy_review: Mapped[bool] = mapped_column(default=False)
    """Whether a second person has to approve policies before they are published."""
    keys_may_publish: Mapped[bool] = mapped_column(default=False)
    """Whether an API key with the scope for it may publish a draft of policies."""
    subject_secret: Mapped[bytes]
    """Keys the hash of subjects. Destroying it makes every subject of the organization unreadable for good."""
    created_at: Mapped[datetime]


class SlugTaken(AppError):
    status, code, title = HTTPStatus.CONFLICT, "slug_taken", "Another organization has this slug"
    advice = "Choose another slug."


class UnknownOrganization(AppError):
    status, code, title = HTTPStatus.NOT_FOUND, "unknown_organization", "Organization not found"
    advice = "Check the slug."


@needs_system_scope
def find_by_slug(slug: str) -> Organization:
    """Raises UnknownOrganization."""
    organization = db.session.scalar(select(Organization).where(Organization.slug == slug))
    if organization is None:
        raise UnknownOrganization(f"There is no organization with the slug {slug!r}. Check it, or create one first.")
    return organization


def hold(organization_id: UUID) -> Organization:
    """As it stands now, and until the transaction ends nobody else changes it. Raises NotFound."""
    organization = db.session.scalar(
        locking(select(Organization).where(Organization.id == organization_id), key_share=True)
    )
    if organization is None:
        raise NotFound("Organization not found.")
    return organization


@needs_system_scope
def create(
    *,
    slug: str,
    name: str,
    by: Actor,
    now: datetime,
    status: OrganizationStatus = OrganizationStatus.LIVE,
) -> Organization:
    """A live one starts with a pilot, as one that was approved.

    Raises SlugTaken, or InvalidRequest for the name.
    """
    name = names.clean(name)
    if db.session.scalar(select(Organization.id).where(Organization.slug == slug)) is not None:
        raise SlugTaken
    organization = Organization(
        id=new_uuid(),
        slug=slug,
        name=name,
        status=status.value,
        pilot_ends_at=months_later(now, PILOT_MONTHS) if status is OrganizationStatus.LIVE else None,
        subject_secret=os.urandom(32),
        created_at=now,
    )
    db.session.add(organization)
    db.session.flush()
    audit.write(organization.id, "organization.created", by=by, now=now, after={"slug": slug, "name": name})
    return organization
