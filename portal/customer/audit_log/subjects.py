"""What an entry is about, by the name that people know: of a key, a draft, a document, a support request."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.keys.models import ApiKey
from api.policies.drafts.models import PolicyDraft
from api.policies.drafts.services import PREFIX as DRAFT
from core.audit import AuditEvent
from core.db import among, db
from core.ids import parse_public_id
from legal_docs.documents.kinds import TITLES

_KEY = "key"


def names_of(organization_id: UUID, events: Iterable[AuditEvent]) -> dict[UUID, str]:
    """By the event's id; without those that have no name."""
    events = list(events)
    names = _names_by_subject(organization_id, [event.subject_id for event in events if event.subject_id])
    found = {
        event.id: _name_in(event.after) or _name_in(event.before) or names.get(event.subject_id or "", "")
        for event in events
    }
    return {event_id: name for event_id, name in found.items() if name}


def _name_in(facts: Mapping[str, Any] | None) -> str:
    facts = facts or {}
    if "document" in facts and "version" in facts:
        return f"{TITLES.get(facts['document'], facts['document'])} {facts['version']}"
    named = facts.get("name") or facts.get("number")
    return str(named) if isinstance(named, str | int) else ""


def _names_by_subject(organization_id: UUID, subjects: Iterable[str]) -> dict[str, str]:
    """Of keys and drafts that still exist."""
    names: dict[str, str] = {}
    for prefix, model in ((_KEY, ApiKey), (DRAFT, PolicyDraft)):
        shown = {found: one for one in subjects if (found := parse_public_id(prefix, one))}
        query = select(model.id, model.name).where(model.organization_id == organization_id, among(model.id, [*shown]))
        names |= {shown[row.id]: row.name for row in db.session.execute(query)} if shown else {}
    return names
