"""What changed in the documents and in the register of sub-processors, for feed readers."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from core.atom import FeedEntry
from core.db import db
from core.formats import utc
from legal_docs import links
from legal_docs.documents.drafts import Entry
from legal_docs.documents.models import LegalVersion
from legal_docs.register import changes
from legal_docs.register.models import SubProcessor, SubProcessorChange

MOST = 100


def entries(*, base_url: str) -> list[FeedEntry]:
    """The newest first, at most a hundred."""
    return _newest_first([*_versions(base_url), *_changes(base_url)])[:MOST]


def register_entries(*, base_url: str) -> list[FeedEntry]:
    """Of the register alone, all of them, the newest first."""
    return _newest_first(_changes(base_url))


def _newest_first(entries: Iterable[FeedEntry]) -> list[FeedEntry]:
    return sorted(entries, key=lambda entry: (entry.at, entry.id), reverse=True)


def _versions(base_url: str) -> Iterator[FeedEntry]:
    for version in db.session.scalars(select(LegalVersion)):
        yield FeedEntry(
            id=f"urn:uuid:{version.id}",
            title=f"{version.title} {version.number} published",
            url=f"{base_url}{links.document(version.kind, version.number)}",
            text=f"{version.summary} In effect from {utc(version.effective_at, 'day')}. SHA-256 {version.sha256}.",
            at=version.published_at,
        )


def _changes(base_url: str) -> Iterator[FeedEntry]:
    names = {row.id: row.name for row in db.session.execute(select(SubProcessor.id, SubProcessor.name))}
    for change in changes.every_change():
        what = _what(change, names)
        moments = {
            "announced": change.announced_at,
            "in effect": change.applied_at,
            "withdrawn": change.withdrawn_at,
        }
        for state, at in moments.items():
            if at is not None:
                yield _entry(change, what, state, at, base_url=base_url)


def _entry(change: SubProcessorChange, what: str, state: str, at: datetime, *, base_url: str) -> FeedEntry:
    return FeedEntry(
        id=f"urn:uuid:{change.id}:{state.replace(' ', '-')}",
        title=f"Sub-processors: {what} ({state})",
        url=f"{base_url}{links.CHANGES}",
        text=f"{change.reason} Not before {utc(change.takes_effect_at, 'day')}.{_company(change)}",
        at=at,
    )


def _what(change: SubProcessorChange, names: dict[UUID, str]) -> str:
    before = names.get(change.sub_processor_id, "") if change.sub_processor_id else ""
    if change.entry is None:
        return f"{before} removed"
    after = str(change.entry["name"])
    return f"{before} replaced by {after}" if before else f"{after} added"


def _company(change: SubProcessorChange) -> str:
    if change.entry is None:
        return ""
    entry = msgspec.convert(change.entry, Entry)
    return f" {entry.entity}, {entry.address} ({entry.country}). {entry.purpose} Location: {entry.location}."
