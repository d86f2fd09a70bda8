"""What a signer had before them: when a document was shown, opened and downloaded, as far as a server can tell.

Each is kept once, at its first time, and becomes part of the evidence of the acceptance that follows.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert

from core.db import db
from core.ids import new_uuid
from legal_docs.acceptances.models import LegalView
from legal_docs.documents.kinds import ACCEPTED_KINDS
from legal_docs.documents.models import LegalVersion


class ViewKind(StrEnum):
    DISPLAYED = "displayed"
    """The page on which it is accepted was sent, with the whole text in it."""
    OPENED = "opened"
    """The document's own page was sent."""
    DOWNLOADED = "downloaded"
    """Its PDF or Markdown was sent."""


def note(
    organization_id: UUID,
    version: LegalVersion,
    kind: ViewKind,
    *,
    now: datetime,
    user_id: UUID | None = None,
    delegation_id: UUID | None = None,
) -> None:
    """By a member or by the holder of a link. Of a document that nobody accepts, nothing is kept."""
    if version.kind not in ACCEPTED_KINDS:
        return
    row = insert(LegalView).values(
        id=new_uuid(),
        organization_id=organization_id,
        version_id=version.id,
        user_id=user_id,
        delegation_id=delegation_id,
        event=kind.value,
        at=now,
    )
    db.session.execute(row.on_conflict_do_nothing())


def events_before(
    version: LegalVersion, *, organization_id: UUID, user_id: UUID | None, delegation_id: UUID | None
) -> list[dict[str, Any]]:
    """What this signer saw of a version, in the order of time, as `{"event": "opened", "at": "2026-…Z"}`."""
    signer: ColumnElement[bool] = LegalView.user_id == user_id if user_id else LegalView.delegation_id == delegation_id
    found = db.session.scalars(
        select(LegalView)
        .where(LegalView.organization_id == organization_id, LegalView.version_id == version.id, signer)
        .order_by(LegalView.at, LegalView.id)
    )
    return [event(kind.event, kind.at) for kind in found]


def event(name: str, at: datetime) -> dict[str, Any]:
    return {"event": name, "at": at.astimezone(UTC).isoformat()}
