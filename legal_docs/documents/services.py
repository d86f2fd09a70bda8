"""Reading versions, and adding one. `legal_docs.publishing` publishes: it draws up the text and starts the notices."""

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus

import msgspec
from sqlalchemy import select, text

from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.scope import needs_system_scope
from legal_docs.documents.drafts import Review
from legal_docs.documents.kinds import Kind, parse_number
from legal_docs.documents.models import DEFAULT_LOCALE, LegalVersion
from legal_docs.documents.provider import Provider


class NumberNotHigher(AppError):
    status, code, title = HTTPStatus.CONFLICT, "number_not_higher", "This version number does not follow the newest one"
    advice = "A major version increases the first number and ends in .0. A minor version increases the second number."


class ReviewMissing(AppError):
    status, code, title = HTTPStatus.CONFLICT, "review_missing", "No lawyer's review of this text is on record"
    advice = "Name the lawyer, the day (not in the future) and what the review found."


class EffectiveInThePast(AppError):
    status, code, title = HTTPStatus.CONFLICT, "effective_in_the_past", "A version cannot take effect in the past"
    advice = "Choose now or a later time."


def find(kind: Kind, number: str, *, locale: str = DEFAULT_LOCALE) -> LegalVersion:
    """Raises NotFound."""
    version = db.session.scalar(
        select(LegalVersion).where(
            LegalVersion.kind == kind.value, LegalVersion.number == number, LegalVersion.locale == locale
        )
    )
    if version is None:
        raise NotFound("Version not found. See the document for all versions.")
    return version


def history(kind: Kind, *, locale: str = DEFAULT_LOCALE) -> list[LegalVersion]:
    """Every version, newest first."""
    return histories((kind,), locale=locale)[kind]


def histories(kinds: Collection[Kind], *, locale: str = DEFAULT_LOCALE) -> dict[Kind, list[LegalVersion]]:
    """Of each of these documents every version, newest first; read at once."""
    found: dict[Kind, list[LegalVersion]] = {kind: [] for kind in kinds}
    versions = (
        select(LegalVersion)
        .where(LegalVersion.kind.in_([kind.value for kind in kinds]), LegalVersion.locale == locale)
        .order_by(LegalVersion.published_at.desc(), LegalVersion.id.desc())
    )
    for version in db.session.scalars(versions):
        found[Kind(version.kind)].append(version)
    return found


def newest(kind: Kind, *, locale: str = DEFAULT_LOCALE) -> LegalVersion | None:
    """The one that can be accepted, whether or not it is in effect yet."""
    return next(iter(history(kind, locale=locale)), None)


def current(kind: Kind, *, now: datetime, locale: str = DEFAULT_LOCALE) -> LegalVersion | None:
    """The newest that is in effect at `now`."""
    return next((version for version in history(kind, locale=locale) if version.effective_at <= now), None)


def worth_telling(kind: Kind) -> list[LegalVersion]:
    """The newest version and the newest major one: what somebody who missed a notice should still be told of."""
    versions = history(kind)
    majors = [version for version in versions if version.is_major]
    return list(dict.fromkeys([*versions[:1], *majors[:1]]))


def wait_for_publishing() -> None:
    """Until the transaction ends, nothing is published: what is the newest version stays the newest."""
    db.session.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext('legal_version'))"))


def publish_alone() -> None:
    """Until the transaction ends, nobody else publishes, and nobody accepts."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('legal_version'))"))


@needs_system_scope
def add(
    kind: Kind,
    *,
    number: str,
    is_major: bool,
    summary: str,
    markdown: str,
    provider: Provider,
    review: Review,
    effective_at: datetime,
    by: Actor,
    now: datetime,
) -> LegalVersion:
    """The caller has checked that it may be published."""
    version = LegalVersion(
        id=new_uuid(),
        kind=kind.value,
        number=number,
        locale=DEFAULT_LOCALE,
        is_major=is_major,
        summary=summary,
        markdown=markdown,
        sha256=sha256(markdown.encode()).hexdigest(),
        provider=msgspec.to_builtins(provider),
        published_at=now,
        effective_at=effective_at,
        published_by_kind=by.kind.value,
        published_by_id=by.id,
        reviewed_by=review.reviewer,
        reviewed_on=review.on,
        review_note=review.note,
    )
    db.session.add(version)
    db.session.flush()
    return version


def refuse_unready(
    kind: Kind, *, number: str, is_major: bool, review: Review, effective_at: datetime, now: datetime
) -> None:
    """Raises NumberNotValid, NumberNotHigher, ReviewMissing or EffectiveInThePast."""
    _refuse_number(number, before=newest(kind), is_major=is_major)
    if not review.reviewer.strip() or not review.note.strip() or review.on > (now + timedelta(days=1)).date():
        raise ReviewMissing
    if effective_at < now:
        raise EffectiveInThePast


def _refuse_number(number: str, *, before: LegalVersion | None, is_major: bool) -> None:
    major, minor = parse_number(number)
    if before is None:
        if not is_major:
            raise NumberNotHigher("The first version of a document is a major one.")
        return
    last_major_part, last_minor_part = parse_number(before.number)
    fits = major > last_major_part and minor == 0 if is_major else major == last_major_part and minor > last_minor_part
    if not fits:
        raise NumberNotHigher(f"The newest version is {before.number}. {NumberNotHigher.advice}")
