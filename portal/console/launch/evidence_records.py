"""Keeping evidence that may count, and finding the newest that still does. Needs the system's scope."""

from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import SYSTEM
from core.db import db
from core.errors import AppError
from core.ids import new_uuid
from core.release import locked, release
from core.scope import needs_system_scope
from core.settings import Settings
from portal.console.launch.evidence import Evidence, EvidenceKind, Expected, faults_of
from portal.console.launch.models import LaunchEvidence


class EvidenceRefused(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "evidence_refused", "This evidence was not accepted"
    advice = "Run all of it against this service and this release, and submit it again."


def expected_of(settings: Settings) -> Expected:
    return Expected(host=urlsplit(settings.base_url).netloc, release=release(), lock=locked())


@needs_system_scope
def save(evidence: Evidence, *, settings: Settings, now: datetime) -> bool:
    """Whether it is new. Raises EvidenceRefused, or msgspec.ValidationError."""
    faults = list(faults_of(evidence, expected=expected_of(settings), now=now))
    if faults:
        raise EvidenceRefused(" ".join(faults))
    values = {**msgspec.structs.asdict(evidence), "kind": evidence.kind.value, "id": new_uuid(), "received_at": now}
    statement = insert(LaunchEvidence).values(values).on_conflict_do_nothing().returning(LaunchEvidence.id)
    is_new = db.session.scalar(statement) is not None
    if is_new:
        about = {"kind": evidence.kind.value, "host": evidence.host, "release": evidence.release}
        audit.write(None, "launch.evidence", by=SYSTEM, now=now, subject_id=evidence.kind.value, after=about)
    return is_new


@needs_system_scope
def newest(kind: EvidenceKind, *, settings: Settings, now: datetime) -> Evidence | None:
    """The last that was handed in, if it still counts: for this host and release, and fresh."""
    query = select(LaunchEvidence).where(LaunchEvidence.kind == kind.value)
    row = db.session.scalar(query.order_by(LaunchEvidence.finished_at.desc()).limit(1))
    if row is None:
        return None
    kept = {field: getattr(row, field) for field in Evidence.__struct_fields__}
    evidence = Evidence(**{**kept, "kind": EvidenceKind(row.kind)})
    return None if any(faults_of(evidence, expected=expected_of(settings), now=now)) else evidence
