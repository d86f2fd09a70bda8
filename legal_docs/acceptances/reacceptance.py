"""A new version and the organizations that accepted an older one: two notices, then a date, and never without both.

Every step may be repeated: it does what is missing and nothing twice. All of it needs the system's scope.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select

from core import audit
from core.accounts import Organization
from core.audit import SYSTEM
from core.db import among, db
from core.scope import needs_system_scope
from legal_docs import links
from legal_docs.acceptances import status
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import ACCEPTED_KINDS, Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.figures import CHANGE_NOTICE_DAYS, SECOND_NOTICE_DAYS
from legal_docs.notices import deadlines
from legal_docs.notices import services as notices
from legal_docs.notices.models import LegalNotice


@needs_system_scope
def give_first_notices(version: LegalVersion, *, now: datetime) -> int:
    """Tells organizations that an earlier version binds and that were not told yet: `notices.AT_ONCE` at most.

    How many.
    """
    told = set(db.session.scalars(select(LegalNotice.organization_id).where(LegalNotice.version_id == version.id)))
    untold = [one for one in _bound_by_earlier(version) if one not in told]
    context = _words(version, due_at=None)
    given = notices.give_each(untold, "legal_new_version", context=context, now=now, version_id=version.id)
    for notice in given:
        _note("legal.notice_given", notice.organization_id, version, now=now, effective_at=version.effective_at)
    for organization_id in _with_due_date(untold):
        status.set_due_date(organization_id, now=now)  # a date set by the version before this one is void
    return len(given)


def follow_up(*, now: datetime) -> int:
    """Notes which notices left, counts from there, reminds, and sets the date of organizations that had both.

    How many were reminded or got a date: `notices.AT_ONCE` at most.
    """
    unfinished = _unfinished()
    sent = notices.sent_at_of_each([notice for notice, _ in unfinished])
    accepted = {version: _bound_by(version) for version in _enforceable(unfinished)}
    for notice, version in unfinished:
        _note_first(notice, version, sent)
    waiting = [one for one in unfinished if one[1] in accepted and one[0].organization_id not in accepted[one[1]]]
    reminded = 0
    for notice, version in waiting:
        if reminded < notices.AT_ONCE:
            reminded += _remind(notice, version, now=now)
    return max(reminded, _enforce_each([notice for notice, _ in waiting if notice.second_mail_ids], now=now))


def _enforce_each(reminded: Sequence[LegalNotice], *, now: datetime) -> int:
    sent = notices.sent_at_of_each(reminded)
    enforced = 0
    for notice in reminded:
        if enforced < notices.AT_ONCE:
            enforced += _enforce(notice, sent, now=now)
    db.session.flush()
    return enforced


def _enforceable(unfinished: list[tuple[LegalNotice, LegalVersion]]) -> list[LegalVersion]:
    """Versions among them that have to be accepted, and that none after them has made void."""
    versions = dict.fromkeys(version for _, version in unfinished)
    return [one for one in versions if one.is_major and one.kind in ACCEPTED_KINDS and not _is_superseded(one)]


def _with_due_date(organization_ids: Collection[UUID]) -> list[UUID]:
    query = select(Organization.id).where(among(Organization.id, organization_ids))
    return list(db.session.scalars(query.where(Organization.legal_due_at.is_not(None)).order_by(Organization.id)))


def _bound_by_earlier(version: LegalVersion) -> Iterator[UUID]:
    """Those that accepted an earlier version of the same. What nobody accepts binds everybody who was here before."""
    if version.kind in ACCEPTED_KINDS:
        query = select(LegalAcceptance.organization_id).distinct()
        query = query.where(LegalAcceptance.accepted_at < version.published_at, LegalAcceptance.kind == version.kind)
    else:
        query = select(Organization.id).where(Organization.created_at < version.published_at, _follows_another(version))
    open_ones = set(notices.open_organizations()) - _bound_by(version)
    yield from (found for found in db.session.scalars(query).all() if found in open_ones)


def _follows_another(version: LegalVersion) -> ColumnElement[bool]:
    earlier = select(LegalVersion.id).where(
        LegalVersion.kind == version.kind, LegalVersion.published_at < version.published_at
    )
    return earlier.exists()


def _bound_by(version: LegalVersion) -> set[UUID]:
    """Those that accepted this version, or one after it, already."""
    query = select(LegalAcceptance.organization_id).where(
        LegalAcceptance.kind == version.kind, LegalAcceptance.published_at >= version.published_at
    )
    return set(db.session.scalars(query))


def _unfinished() -> list[tuple[LegalNotice, LegalVersion]]:
    needs_acceptance = LegalVersion.is_major & LegalVersion.kind.in_(ACCEPTED_KINDS)
    rows = db.session.execute(
        select(LegalNotice, LegalVersion)
        .join(LegalVersion, LegalVersion.id == LegalNotice.version_id)
        .where(LegalNotice.due_at.is_(None) | (needs_acceptance & LegalNotice.enforced_at.is_(None)))
        .order_by(LegalNotice.id)
    )
    return [(notice, version) for notice, version in rows]


def _note_first(notice: LegalNotice, version: LegalVersion, sent: Mapping[UUID, datetime]) -> None:
    if notice.first_sent_at is None:
        notice.first_sent_at = notices.first_sent_at(notice.first_mail_ids, sent)
    if notice.first_sent_at is not None and notice.due_at is None:
        notice.due_at = deadlines.version_due_at(effective_at=version.effective_at, first_sent_at=notice.first_sent_at)


def _is_superseded(version: LegalVersion) -> bool:
    later = (found for found in documents.history(Kind(version.kind)) if found.published_at > version.published_at)
    return any(found.is_major for found in later)


def _remind(notice: LegalNotice, version: LegalVersion, *, now: datetime) -> bool:
    """Whether it did."""
    if notice.due_at is None or notice.second_mail_ids or now < deadlines.second_notice_at(notice.due_at):
        return False
    promised = deadlines.due_after_second(notice.due_at, second_sent_at=now)
    context = _words(version, due_at=promised)
    notice.second_mail_ids = notices.write_to_all(notice.organization_id, "legal_reminder", context=context, now=now)
    _note("legal.reminded", notice.organization_id, version, now=now, due_at=promised)
    return True


def _note(action: str, organization_id: UUID, version: LegalVersion, *, now: datetime, **moments: datetime) -> None:
    """On the organization's own trail."""
    dates = {name: moment.isoformat() for name, moment in moments.items()}
    after = {"document": version.kind, "version": version.number, **dates}
    audit.write(organization_id, action, by=SYSTEM, now=now, subject_id=str(version.id), after=after)


def _enforce(notice: LegalNotice, sent: Mapping[UUID, datetime], *, now: datetime) -> bool:
    """Only now, with both notices proven, does the organization get a date after which live keys are blocked.

    Whether it did.
    """
    notice.second_sent_at = notices.first_sent_at(notice.second_mail_ids, sent)
    if notice.second_sent_at is None or notice.due_at is None:
        return False
    notice.due_at = deadlines.due_after_second(notice.due_at, second_sent_at=notice.second_sent_at)
    notice.enforced_at = now
    db.session.flush()
    status.set_due_date(notice.organization_id, now=now)
    return True


def _words(version: LegalVersion, *, due_at: datetime | None) -> dict[str, object]:
    return {
        "title": version.title,
        "number": version.number,
        "is_major": version.is_major,
        "needs_acceptance": version.is_major and version.kind in ACCEPTED_KINDS,
        "summary": version.summary,
        "effective_at": version.effective_at,
        "due_at": due_at,
        "document_path": links.document(version.kind, version.number),
        "accept_path": links.ACCEPT,
        "notice_days": CHANGE_NOTICE_DAYS,
        "reminder_days": SECOND_NOTICE_DAYS,
    }
