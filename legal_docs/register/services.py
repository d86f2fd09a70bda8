"""Reading the register, and filling it before the first Data Processing Agreement is published."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

import msgspec
from sqlalchemy import select

from core import audit
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.scope import needs_system_scope
from legal_docs.documents import services as documents
from legal_docs.documents.drafts import Entry
from legal_docs.documents.kinds import Kind
from legal_docs.documents.service_types import ServiceType
from legal_docs.register.models import SubProcessor
from legal_docs.register.rules import refuse_incomplete


class RegisterInForce(AppError):
    status, code, title = HTTPStatus.CONFLICT, "register_in_force", "Customers were promised notice of every change"
    advice = "Announce a change instead; it takes effect when its notice has passed."


def register() -> list[SubProcessor]:
    """The companies in use, by name."""
    return list(
        db.session.scalars(
            select(SubProcessor).where(SubProcessor.removed_at.is_(None)).order_by(SubProcessor.name, SubProcessor.id)
        )
    )


def entries() -> list[Entry]:
    """What the texts state of the companies in use."""
    return [found.entry for found in register()]


def find(sub_processor_id: UUID) -> SubProcessor:
    """Raises NotFound, also for one that was removed."""
    found = db.session.get(SubProcessor, sub_processor_id)
    if found is None or found.removed_at is not None:
        raise NotFound("Sub-processor not found, or no longer in use.")
    return found


@needs_system_scope
def list_first(entry: Entry, *, by: Actor, now: datetime) -> SubProcessor:
    """Enters a company before anybody was promised notice.

    Raises RegisterInForce once a Data Processing Agreement was published, and EntryIncomplete.
    """
    if documents.newest(Kind.DPA) is not None:
        raise RegisterInForce
    return enter(entry, by=by, now=now)


def enter(entry: Entry, *, by: Actor, now: datetime) -> SubProcessor:
    """Raises EntryIncomplete."""
    refuse_incomplete(entry)
    found = SubProcessor(id=new_uuid(), listed_at=now, **msgspec.structs.asdict(entry))
    db.session.add(found)
    db.session.flush()
    audit.write(None, "sub_processor.listed", by=by, now=now, subject_id=str(found.id), after={"name": found.name})
    return found


@needs_system_scope
def classify(sub_processor_id: UUID, service: ServiceType, *, by: Actor, now: datetime) -> SubProcessor:
    """Says what a listed company does for us. No text states it, so nobody needs notice. Raises NotFound."""
    found = find(sub_processor_id)
    found.service_type = service.value
    db.session.flush()
    audit.write(
        None, "sub_processor.classified", by=by, now=now, subject_id=str(found.id), after={"service": service.value}
    )
    return found
