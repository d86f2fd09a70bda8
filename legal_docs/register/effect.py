"""When a change takes effect: for everybody at once, since one installation serves all, and over nobody's objection."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select

from core.accounts import Organization, OrganizationStatus
from core.db import db
from core.scope import needs_system_scope
from legal_docs.notices.models import LegalNotice
from legal_docs.register import changes, responses
from legal_docs.register.models import SubProcessorChange

_UNDER_CONTRACT = Organization.status.in_(
    [OrganizationStatus.LIVE.value, OrganizationStatus.SUSPENDED.value, OrganizationStatus.CLOSING.value]
)


@needs_system_scope
def follow_up(*, now: datetime) -> None:
    """Starts the clocks of notices that left, and applies what is due and waits for nobody."""
    changes.start_clocks()
    for change in changes.announced():
        if change.takes_effect_at <= now and not waits_for(change, now=now):
            changes.apply(change, now=now)


@needs_system_scope
def waits_for(change: SubProcessorChange, *, now: datetime) -> list[UUID]:
    """Customers under contract with an open objection or question, or whose notice has not run out.

    Whoever came after the announcement found it on the page, and its date holds for them.
    """
    return sorted({*held_by(change), *_without_notice(change, now=now)})


@needs_system_scope
def held_by(change: SubProcessorChange) -> Sequence[UUID]:
    """Customers under contract with an open objection or an unanswered question."""
    return _organizations(Organization.id.in_(responses.held_for(change)))


def _without_notice(change: SubProcessorChange, *, now: datetime) -> Sequence[UUID]:
    """Told less than the promised days ago, or not at all; who has accepted is not waited for."""
    had_time = select(LegalNotice.organization_id).where(LegalNotice.change_id == change.id, LegalNotice.due_at <= now)
    return _organizations(
        Organization.created_at <= change.announced_at,
        Organization.id.not_in(had_time),
        Organization.id.not_in(responses.accepted_by(change)),
    )


def _organizations(*conditions: ColumnElement[bool]) -> Sequence[UUID]:
    return db.session.scalars(select(Organization.id).where(_UNDER_CONTRACT, *conditions)).all()
