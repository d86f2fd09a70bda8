"""What operators do: publish a version, announce a change of the register. Everybody concerned is told at once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core import audit
from core.audit import Actor
from core.db import db
from core.errors import InvalidRequest
from core.jobs import defer
from core.scope import needs_system_scope
from core.settings import Settings
from legal_docs import jobs
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.documents import services as documents
from legal_docs.documents.drafts import Entry, Review, draft
from legal_docs.documents.emails import ADVICE, is_printable
from legal_docs.documents.kinds import Kind
from legal_docs.documents.models import LegalVersion
from legal_docs.documents.provider import Provider
from legal_docs.figures import CHANGE_NOTICE_DAYS
from legal_docs.measures import services as measures
from legal_docs.notices.deadlines import refuse_short
from legal_docs.register import changes
from legal_docs.register.changes import ChangeKind
from legal_docs.register.completeness import refuse_gaps, services_in_use
from legal_docs.register.models import SubProcessorChange
from legal_docs.register.services import entries

_WITH_REGISTER = frozenset({Kind.DPA, Kind.SUB_PROCESSORS})


@needs_system_scope
def publish(
    kind: Kind,
    *,
    number: str,
    is_major: bool,
    summary: str,
    effective_at: datetime,
    review: Review,
    provider: Provider,
    settings: Settings,
    by: Actor,
    now: datetime,
) -> LegalVersion:
    """Draws up the text and publishes it for good; a job then gives notice.

    `provider` is `provider_from(settings)`, which raises SettingsMissing. Raises NumberNotValid, NumberNotHigher,
    ReviewMissing, EffectiveInThePast, RegisterIncomplete, MeasuresNotMet, or NoticeTooShort if
    somebody accepted a version before this one, or everybody is to hear of it before it holds, as of a new privacy
    policy.
    """
    documents.publish_alone()
    documents.refuse_unready(kind, number=number, is_major=is_major, review=review, effective_at=effective_at, now=now)
    if _was_accepted(kind) or (kind is Kind.PRIVACY and is_major and documents.newest(kind) is not None):
        refuse_short(effective_at, days=CHANGE_NOTICE_DAYS, now=now)
    register = entries()
    if kind in _WITH_REGISTER:
        refuse_gaps(register, services_in_use(settings))
    if kind is Kind.DPA:
        measures.refuse_unmet(settings, now=now)
    markdown = draft(
        kind,
        number=number,
        provider=provider,
        register=register,
        review=review,
        published_at=now,
        effective_at=effective_at,
        measures=measures.for_annex(),
    )
    refuse_unprintable(markdown)
    version = documents.add(
        kind,
        number=number,
        is_major=is_major,
        summary=summary,
        markdown=markdown,
        provider=provider,
        review=review,
        effective_at=effective_at,
        by=by,
        now=now,
    )
    facts = {"document": kind.value, "version": number, "sha256": version.sha256, "is_major": is_major}
    audit.write(None, "legal.published", by=by, now=now, subject_id=str(version.id), after=facts)
    defer(jobs.give_version_notices, version_id=str(version.id))
    return version


def refuse_unprintable(text: str) -> None:
    """Our own facts and the register's companies stand in the documents too. Raises InvalidRequest."""
    lines = [line for line in text.splitlines() if not is_printable(line)]
    if lines:
        raise InvalidRequest(f"“{lines[0][:200].strip()}” cannot be printed. {ADVICE}")


@needs_system_scope
def announce(
    kind: ChangeKind,
    *,
    reason: str,
    takes_effect_at: datetime,
    by: Actor,
    now: datetime,
    entry: Entry | None = None,
    replaces: UUID | None = None,
) -> SubProcessorChange:
    """As `changes.announce`, and a job tells every organization."""
    change = changes.announce(
        kind, reason=reason, takes_effect_at=takes_effect_at, by=by, now=now, entry=entry, replaces=replaces
    )
    defer(jobs.give_change_notices, change_id=str(change.id))
    return change


def _was_accepted(kind: Kind) -> bool:
    query = select(LegalAcceptance.id).where(LegalAcceptance.kind == kind.value).limit(1)
    return db.session.scalar(query) is not None
