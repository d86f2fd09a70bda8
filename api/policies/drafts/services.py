"""Drafts: created from the version in force, changed, rebased, published or discarded.

A change names the revision that its author saw; one compare-and-set decides who was first.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, true, update

from api.policies import services as policies
from api.policies import versions
from api.policies.document import PolicyDocument
from api.policies.drafts.errors import (
    MOST_OPEN,
    DraftChanged,
    DraftClosed,
    DraftOutdated,
    DraftUnchanged,
    TooManyDrafts,
)
from api.policies.drafts.merging import Merged, Prefer, changed_places, merged
from api.policies.drafts.models import PolicyDraft
from api.policies.drafts.states import DraftStatus, may_move
from api.policies.environments import end_on_test_keys
from api.policies.validation import PathOf, need_on_missing, with_values
from core import audit
from core.audit import Actor
from core.db import db, rows_changed
from core.errors import NotFound
from core.ids import new_uuid, public_id

PREFIX = "draft"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    note: str
    status: DraftStatus
    revision: int
    base_version: int
    document: PolicyDocument
    created_at: datetime
    created_by_kind: str
    created_by_id: UUID | None
    changed_at: datetime
    editors: tuple[UUID, ...]
    published_version: int | None

    @property
    def shown_id(self) -> str:
        return public_id(PREFIX, self.id)

    @property
    def is_open(self) -> bool:
        return self.status is DraftStatus.OPEN

    def editors_with(self, by: Actor) -> list[UUID]:
        return list(dict.fromkeys([*self.editors, *([by.id] if by.id else [])]))


def create(organization_id: UUID, *, name: str, note: str, by: Actor, now: datetime) -> Draft:
    """A draft that changes nothing yet. Raises TooManyDrafts."""
    version, document = policies.hold(organization_id, None)
    if len(list_open(organization_id)) >= MOST_OPEN:
        raise TooManyDrafts
    row = PolicyDraft(
        id=new_uuid(),
        organization_id=organization_id,
        name=name,
        note=note,
        status=DraftStatus.OPEN.value,
        revision=1,
        base_version=version,
        document=msgspec.to_builtins(document),
        created_at=now,
        created_by_kind=by.kind.value,
        created_by_id=by.id,
        changed_at=now,
        editors=[by.id] if by.id is not None else [],
    )
    db.session.add(row)
    db.session.flush()
    _note(organization_id, "policy.draft_created", row.id, by=by, now=now, after={"name": name, "version": version})
    return _draft(row)


def create_from_version(organization_id: UUID, version: int, *, by: Actor, now: datetime) -> Draft:
    """One that brings an old version back. Raises NotFound or TooManyDrafts."""
    wanted = msgspec.to_builtins(policies.find_version(organization_id, version).document)
    draft = create(organization_id, name=f"Restore version {version}", note="", by=by, now=now)
    return change(organization_id, draft, wanted, expected_revision=draft.revision, by=by, now=now)


def list_open(organization_id: UUID) -> list[Draft]:
    return _list(organization_id, PolicyDraft.status == DraftStatus.OPEN.value)


def list_every(organization_id: UUID) -> list[Draft]:
    return _list(organization_id, true())


def list_closed(organization_id: UUID, *, most: int = 20) -> list[Draft]:
    return _list(organization_id, PolicyDraft.status != DraftStatus.OPEN.value)[:most]


def find(organization_id: UUID, draft_id: UUID | None) -> Draft:
    """Raises NotFound, also for one of another organization."""
    return _draft(_row(organization_id, draft_id))


def change(
    organization_id: UUID,
    draft: Draft,
    values: Mapping[str, Any],
    *,
    expected_revision: int,
    by: Actor,
    now: datetime,
    path_of: PathOf = str,
) -> Draft:
    """Sets several policies in the draft. Raises InvalidRequest naming them, DraftClosed or DraftChanged."""
    document = with_values(draft.document, values, path_of=path_of)
    need_on_missing(draft.document, values, path_of=path_of)
    if document == draft.document:
        return draft
    changed = policies.differences(draft.document, document)
    edit = {"document": msgspec.to_builtins(document), "editors": draft.editors_with(by)}
    _write(organization_id, draft, expected_revision, now=now, **edit)
    before, after = ({key: pair[place] for key, pair in changed.items()} for place in (0, 1))
    _note(organization_id, "policy.draft_changed", draft.id, by=by, now=now, before=before, after=after)
    return find(organization_id, draft.id)


def rename(
    organization_id: UUID, draft: Draft, *, name: str, note: str, expected_revision: int, by: Actor, now: datetime
) -> None:
    _write(organization_id, draft, expected_revision, now=now, name=name, note=note)
    before, after = {"name": draft.name, "note": draft.note}, {"name": name, "note": note}
    _note(organization_id, "policy.draft_changed", draft.id, by=by, now=now, before=before, after=after)


def rebase(
    organization_id: UUID, draft: Draft, *, prefer: Prefer | None, expected_revision: int, by: Actor, now: datetime
) -> Merged:
    """Brings the draft to the active version, unless there are conflicts and nobody said whose value to take.

    The document that comes of it has been checked. Raises InvalidRequest where the two do not work together.
    """
    version, published = policies.hold(organization_id, None)
    base = policies.find_version(organization_id, draft.base_version).document
    result = merged(base, draft.document, published, prefer or Prefer.DRAFT)
    if result.conflicts and prefer is None:
        return result
    with_values(published, msgspec.structs.asdict(result.document), path_of=str)
    edit = {"document": msgspec.to_builtins(result.document), "editors": draft.editors_with(by)}
    _write(organization_id, draft, expected_revision, now=now, base_version=version, **edit)
    before, after = {"version": draft.base_version}, {"version": version, "conflicts": list(result.conflicts)}
    _note(organization_id, "policy.draft_rebased", draft.id, by=by, now=now, before=before, after=after)
    return msgspec.structs.replace(result, conflicts=())


def discard(organization_id: UUID, draft: Draft, *, expected_revision: int, by: Actor, now: datetime) -> None:
    _move(organization_id, draft, DraftStatus.DISCARDED, expected_revision, now=now)
    end_on_test_keys(organization_id, draft.id, by=by, now=now)
    _note(organization_id, "policy.draft_discarded", draft.id, by=by, now=now, before={"name": draft.name})


def need_publishable(organization_id: UUID, draft: Draft) -> tuple[int, PolicyDocument]:
    """The version in force, held. Raises DraftClosed, DraftUnchanged or DraftOutdated with what was published since."""
    version, published = policies.hold(organization_id, None)
    if not draft.is_open:
        raise DraftClosed
    if version != draft.base_version:
        base = policies.find_version(organization_id, draft.base_version).document
        places = ", ".join(changed_places(base, published)) or "nothing that differs"
        raise DraftOutdated(f"Version {version} was published since, and changed: {places}. {DraftOutdated.advice}")
    if draft.document == published:
        raise DraftUnchanged
    return version, published


def publish(
    organization_id: UUID,
    draft: Draft,
    *,
    expected_revision: int,
    by: Actor,
    now: datetime,
    emergency_reason: str | None = None,
) -> int:
    """Makes it the next version; whether it may be is asked in `api.publishing`. In an emergency, tests may fail."""
    version, published = need_publishable(organization_id, draft)
    new = versions.next_number(organization_id)
    _move(organization_id, draft, DraftStatus.PUBLISHED, expected_revision, now=now, published_version=new)
    changes = ", ".join(changed_places(published, draft.document))
    facts = {"draft": draft.shown_id, "name": draft.name, "changes": changes}
    if emergency_reason is not None:
        facts["emergency_reason"] = emergency_reason
    return policies.adopt(
        organization_id,
        version,
        published,
        draft.document,
        "policy.published" if emergency_reason is None else "policy.published_in_emergency",
        by=by,
        now=now,
        facts=facts,
        despite_tests=emergency_reason is not None,
        is_draft=True,
    )


def _move(
    organization_id: UUID, draft: Draft, after: DraftStatus, expected_revision: int, *, now: datetime, **values: Any
) -> None:
    if not may_move(draft.status, after):
        raise DraftClosed
    _write(organization_id, draft, expected_revision, now=now, status=after.value, **values)


def _write(organization_id: UUID, draft: Draft, expected_revision: int, *, now: datetime, **values: Any) -> None:
    """Compare-and-set. Raises DraftClosed or DraftChanged."""
    if not draft.is_open:
        raise DraftClosed
    if draft.revision != expected_revision:
        raise DraftChanged
    statement = (
        update(PolicyDraft)
        .where(
            PolicyDraft.organization_id == organization_id,
            PolicyDraft.id == draft.id,
            PolicyDraft.status == draft.status.value,
            PolicyDraft.revision == expected_revision,
        )
        .values(revision=expected_revision + 1, changed_at=now, **values)
    )
    if rows_changed(statement) != 1:
        raise DraftChanged


def _list(organization_id: UUID, condition: Any) -> list[Draft]:
    query = select(PolicyDraft).where(PolicyDraft.organization_id == organization_id, condition)
    return list(map(_draft, db.session.scalars(query.order_by(PolicyDraft.changed_at.desc(), PolicyDraft.id))))


def _row(organization_id: UUID, draft_id: UUID | None) -> PolicyDraft:
    query = select(PolicyDraft).where(PolicyDraft.organization_id == organization_id, PolicyDraft.id == draft_id)
    # what a statement changed a moment ago is read anew
    row = db.session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound("Draft not found. Check the address.")
    return row


def _draft(row: PolicyDraft) -> Draft:
    return Draft(
        id=row.id,
        name=row.name,
        note=row.note,
        status=DraftStatus(row.status),
        revision=row.revision,
        base_version=row.base_version,
        document=policies.read_document(row.document),
        created_at=row.created_at,
        created_by_kind=row.created_by_kind,
        created_by_id=row.created_by_id,
        changed_at=row.changed_at,
        editors=tuple(row.editors),
        published_version=row.published_version,
    )


def _note(organization_id: UUID, action: str, draft_id: UUID, **facts: Any) -> None:
    audit.write(organization_id, action, subject_id=public_id(PREFIX, draft_id), **facts)
