"""The receipt of an acceptance: its facts for a page, and a countersigned PDF with everything in it."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from core.db import db
from core.scope import needs_system_scope
from legal_docs.acceptances.evidence import evidence, is_intact
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.documents.drafts import fill
from legal_docs.documents.models import LegalVersion
from legal_docs.documents.pdf import Imprint, to_pdf

_SHOWN_APART = frozenset({"cover_page", "checkbox_texts"})


class Receipt(msgspec.Struct, frozen=True):
    acceptance: LegalAcceptance
    version: LegalVersion
    evidence: dict[str, Any]
    is_intact: bool
    """Every acceptance of the organization is there and unchanged, up to this one."""


def receipt(acceptance: LegalAcceptance) -> Receipt:
    """Everything a page shows; `evidence` is what `evidence_sha256` is the hash of."""
    earlier = db.session.scalars(
        select(LegalAcceptance)
        .where(
            LegalAcceptance.organization_id == acceptance.organization_id,
            LegalAcceptance.position <= acceptance.position,
        )
        .order_by(LegalAcceptance.position)
    )
    return Receipt(
        acceptance=acceptance,
        version=db.session.get_one(LegalVersion, acceptance.version_id),
        evidence=evidence(acceptance),
        is_intact=is_intact(list(earlier)),
    )


def receipt_pdf(acceptance: LegalAcceptance) -> bytes:
    """The record, the cover page and the full text; the same bytes each time."""
    version = db.session.get_one(LegalVersion, acceptance.version_id)
    facts = evidence(acceptance)
    record = fill(
        "receipt",
        title=version.title,
        evidence=facts,
        acceptance=acceptance,
        version=version,
        fields=[(name, _shown(value)) for name, value in facts.items() if name not in _SHOWN_APART],
    )
    imprint = Imprint(
        title=f"{version.title}, countersigned",
        version=version.number,
        sha256=version.sha256,
        author=acceptance.provider_name,
    )
    return to_pdf((record, acceptance.cover_page, version.markdown), imprint)


@needs_system_scope
def receipt_pdf_of(acceptance_id: UUID) -> bytes:
    """For the mail that brings it."""
    return receipt_pdf(db.session.get_one(LegalAcceptance, acceptance_id))


def version_pdf(version: LegalVersion) -> bytes:
    """A published version; the same bytes each time."""
    imprint = Imprint(
        title=version.title, version=version.number, sha256=version.sha256, author=str(version.provider["name"])
    )
    return to_pdf((version.markdown,), imprint)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "none"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
