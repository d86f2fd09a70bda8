"""All that is on record about an organization and its documents, for the file with its data."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.db import db
from legal_docs.acceptances.models import LegalAcceptance, LegalDelegation, LegalView
from legal_docs.audits.models import Audit
from legal_docs.notices.models import LegalNotice
from legal_docs.register.models import SubProcessorResponse

_KINDS: dict[str, Any] = {
    "acceptances": LegalAcceptance,
    "signing-links": LegalDelegation,
    "documents-seen": LegalView,
    "legal-notices": LegalNotice,
    "audits": Audit,
    "sub-processor-answers": SubProcessorResponse,
}


def records_of(organization_id: UUID) -> dict[str, Iterable[Any]]:
    """Rows in the order they were written, by what they are."""
    return {
        name: db.session.scalars(select(model).where(model.organization_id == organization_id).order_by(model.id)).all()
        for name, model in _KINDS.items()
    }
