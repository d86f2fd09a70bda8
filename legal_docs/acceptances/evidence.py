"""The evidence of an acceptance as one document with one hash, so that a changed or missing row is noticed."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from legal_docs.acceptances.models import LegalAcceptance

_NOT_HASHED = frozenset({"evidence_sha256"})


def evidence(acceptance: LegalAcceptance) -> dict[str, Any]:
    """Every field of the record, as JSON shows it; times in UTC."""
    names = sorted(column.key for column in LegalAcceptance.__table__.columns)
    return {name: _shown(getattr(acceptance, name)) for name in names if name not in _NOT_HASHED}


def hash_of(acceptance: LegalAcceptance) -> str:
    """SHA-256 of the evidence as JSON with sorted names, no spaces, in UTF-8."""
    return sha256(msgspec.json.encode(evidence(acceptance), order="sorted")).hexdigest()


def is_intact(acceptances: list[LegalAcceptance]) -> bool:
    """Whether an organization's acceptances, in their order from the first, are all there and unchanged."""
    previous: str | None = None
    for position, acceptance in enumerate(acceptances, start=1):
        is_next = acceptance.position == position and acceptance.previous_sha256 == previous
        if not is_next or acceptance.evidence_sha256 != hash_of(acceptance):
            return False
        previous = acceptance.evidence_sha256
    return True


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
