"""Where an organization stands: what it accepted, what is due and until when."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from core.accounts import hold
from core.db import among, db
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import ACCEPTED_KINDS, Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.notices import services as notices
from legal_docs.notices.models import LegalNotice


class AcceptanceStatus(StrEnum):
    NOT_PUBLISHED = "not_published"
    NOT_ACCEPTED = "not_accepted"
    SATISFIED = "satisfied"
    DUE = "due"
    OVERDUE = "overdue"


class KindStatus(msgspec.Struct, frozen=True):
    kind: Kind
    status: AcceptanceStatus
    accepted: LegalAcceptance | None
    """The last version that was accepted."""
    to_accept: LegalVersion | None
    """The newest version, if it has to be accepted."""
    due_at: datetime | None
    """Until when; None as long as the notices that start the clock have not been delivered."""
    is_enforced: bool = False
    """Whether live keys are blocked after `due_at`."""


def acceptance_status(organization_id: UUID, *, now: datetime) -> tuple[KindStatus, ...]:
    """Of each document that is accepted, in the order they are shown. As many statements for all as for one."""
    versions, accepted = documents.histories(ACCEPTED_KINDS), _last_acceptances(organization_id)
    return tuple(
        _status_of(organization_id, kind, versions[kind], accepted.get(kind), now=now) for kind in ACCEPTED_KINDS
    )


def has_accepted_everything(organization_id: UUID, *, now: datetime) -> bool:
    """Whether nothing keeps the organization from live keys: all accepted once, and nothing overdue."""
    fine = {AcceptanceStatus.SATISFIED, AcceptanceStatus.DUE}
    return all(part.status in fine for part in acceptance_status(organization_id, now=now))


def behind(organization_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Those of them that have not accepted everything. As many statements for many as for one."""
    return set().union(*(_behind(kind, organization_ids, now=now) for kind in ACCEPTED_KINDS))


def _behind(kind: Kind, organization_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    newest_major = next((version for version in documents.history(kind) if version.is_major), None)
    if newest_major is None:
        return set(organization_ids)
    accepted = (
        select(LegalAcceptance.organization_id, func.max(LegalAcceptance.published_at))
        .where(LegalAcceptance.kind == kind.value, among(LegalAcceptance.organization_id, organization_ids))
        .group_by(LegalAcceptance.organization_id)
    )
    last = {row[0]: row[1] for row in db.session.execute(accepted)}
    is_overdue = LegalNotice.enforced_at.is_not(None), LegalNotice.due_at <= now
    overdue = set(
        db.session.scalars(
            select(LegalNotice.organization_id).where(LegalNotice.version_id == newest_major.id, *is_overdue)
        )
    )
    return {
        one for one in organization_ids if one not in last or (last[one] < newest_major.published_at and one in overdue)
    }


def set_due_date(organization_id: UUID, *, now: datetime) -> datetime | None:
    """Writes the organization's date after which live keys are blocked: the earliest that is enforced, or none."""
    parts = acceptance_status(organization_id, now=now)
    due_at = min((part.due_at for part in parts if part.is_enforced and part.due_at is not None), default=None)
    organization = hold(organization_id)
    if organization.legal_due_at != due_at:
        organization.legal_due_at = due_at
        db.session.flush()
    return due_at


def missing_majors(accepted: LegalAcceptance, versions: Sequence[LegalVersion]) -> list[LegalVersion]:
    """Major versions published after the one that was accepted, newest first."""
    return [version for version in versions if version.is_major and version.published_at > accepted.published_at]


def _last_acceptances(organization_id: UUID) -> dict[Kind, LegalAcceptance]:
    last_of_each = (
        select(LegalAcceptance)
        .ext(distinct_on(LegalAcceptance.kind))
        .where(LegalAcceptance.organization_id == organization_id)
        .order_by(LegalAcceptance.kind, LegalAcceptance.position.desc())
    )
    return {Kind(one.kind): one for one in db.session.scalars(last_of_each)}


def _status_of(
    organization_id: UUID,
    kind: Kind,
    versions: Sequence[LegalVersion],
    accepted: LegalAcceptance | None,
    *,
    now: datetime,
) -> KindStatus:
    if not versions:
        return KindStatus(kind, AcceptanceStatus.NOT_PUBLISHED, accepted, None, None)
    if accepted is None:
        return KindStatus(kind, AcceptanceStatus.NOT_ACCEPTED, None, versions[0], None)
    missing = missing_majors(accepted, versions)
    if not missing:
        return KindStatus(kind, AcceptanceStatus.SATISFIED, accepted, None, None)
    # Only the newest version can be accepted, so the time of the newest major one is what counts.
    notice = notices.find(organization_id, version_id=missing[0].id)
    due_at = notice.due_at if notice else None
    is_enforced = notice is not None and notice.enforced_at is not None
    is_overdue = is_enforced and due_at is not None and due_at <= now
    status = AcceptanceStatus.OVERDUE if is_overdue else AcceptanceStatus.DUE
    return KindStatus(kind, status, accepted, versions[0], due_at, is_enforced)
