"""Finding requests and writing down what happens to them. A change holds the request's row until it is committed."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from core import audit
from core.audit import Actor
from core.db import db
from core.errors import AppError, NotFound
from core.ids import new_uuid
from core.rows import locking, read_anew
from portal.support import sla_deadlines
from portal.support.models import MessageKind, Ticket, TicketFile, TicketMessage
from portal.support.severities import Severity
from portal.support.sla import Happened
from portal.support.states import LABELS, MOVES, RequestStatus
from portal.support.uploads import Upload


class TicketMoved(AppError):
    status, code, title = HTTPStatus.CONFLICT, "ticket_moved", "Someone else changed this request"
    advice = "Reload the page to see the current version. Your changes were not saved."


class TicketClosed(AppError):
    status, code, title = HTTPStatus.CONFLICT, "ticket_closed", "This request is closed"
    advice = "Create a new request and include the number of this one."


class Author(msgspec.Struct, frozen=True):
    """Who writes. Without an `id` it is somebody whom we know by mail alone, or the service itself."""

    name: str
    email: str
    id: UUID | None = None


def find(ticket_id: UUID) -> Ticket:
    """Raises NotFound, also for another organization's where the scope is one organization's."""
    ticket = db.session.scalar(read_anew(select(Ticket).where(Ticket.id == ticket_id)))
    if ticket is None:
        raise NotFound("This request does not exist.")
    return ticket


def hold(ticket_id: UUID, *, version: int | None = None) -> Ticket:
    """As it stands now, and nobody else changes it. Raises NotFound, or TicketMoved if it is not as it was read."""
    ticket = db.session.scalar(locking(select(Ticket).where(Ticket.id == ticket_id)))
    if ticket is None:
        raise NotFound("This request does not exist.")
    if version is not None and ticket.version != version:
        raise TicketMoved
    return ticket


def list_for(organization_id: UUID, *, most: int = 200) -> list[Ticket]:
    """The newest first."""
    query = select(Ticket).where(Ticket.organization_id == organization_id).order_by(Ticket.id.desc()).limit(most)
    return list(db.session.scalars(query))


def messages(ticket_id: UUID) -> list[TicketMessage]:
    """What was said, oldest first; internal notes only in the system's scope."""
    query = select(TicketMessage).where(TicketMessage.ticket_id == ticket_id)
    return list(db.session.scalars(query.order_by(TicketMessage.created_at, TicketMessage.id)))


def files(ticket_id: UUID) -> dict[UUID, list[TicketFile]]:
    """By the message they came with; only of messages that may be read."""
    query = select(TicketFile).where(
        TicketFile.ticket_id == ticket_id, TicketFile.message_id.in_(select(TicketMessage.id))
    )
    found: dict[UUID, list[TicketFile]] = {}
    for file in db.session.scalars(query.order_by(TicketFile.id)):
        found.setdefault(file.message_id, []).append(file)
    return found


def find_file(ticket_id: UUID, file_id: UUID) -> TicketFile:
    """Raises NotFound."""
    file = next((one for some in files(ticket_id).values() for one in some if one.id == file_id), None)
    if file is None:
        raise NotFound("This file does not exist.")
    return file


def was_said(message_id: UUID) -> bool:
    """Whether a message was kept already: a form that is sent twice says it once."""
    return db.session.get(TicketMessage, message_id) is not None


def say(
    ticket: Ticket,
    kind: MessageKind,
    body: str,
    *,
    author: Author,
    now: datetime,
    message_id: UUID | None = None,
    uploads: tuple[Upload, ...] = (),
    is_by_mail: bool = False,
) -> TicketMessage:
    message = TicketMessage(
        id=message_id or new_uuid(),
        ticket_id=ticket.id,
        organization_id=ticket.organization_id,
        kind=kind.value,
        author_id=author.id,
        author_name=author.name,
        body=body,
        is_by_mail=is_by_mail,
        created_at=now,
    )
    db.session.add(message)
    db.session.flush()
    for upload in uploads:
        db.session.add(
            TicketFile(
                id=new_uuid(),
                ticket_id=ticket.id,
                message_id=message.id,
                organization_id=ticket.organization_id,
                name=upload.name,
                content_type=upload.content_type,
                size_bytes=len(upload.content),
                content=upload.content,
                created_at=now,
            )
        )
    return message


def move(ticket: Ticket, to: RequestStatus, *, by: Actor, now: datetime, **told: Any) -> None:
    """Needs a held request. Raises TicketMoved."""
    before = RequestStatus(ticket.status)
    if to not in MOVES[before]:
        raise TicketMoved(f"The status is now: {LABELS[before].lower()}. Reload the page. Nothing was changed.")
    ticket.status = to.value
    ticket.resolved_at = (
        now if to is RequestStatus.RESOLVED else ticket.resolved_at if to is RequestStatus.CLOSED else None
    )
    note(ticket, f"ticket.{to.value}", by=by, now=now, before={"status": before.value}, after=told or None)


def note(
    ticket: Ticket,
    action: str,
    *,
    by: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """On the audit log, and the request's version moves on."""
    ticket.version += 1
    ticket.changed_at = now
    audit.write(
        ticket.organization_id,
        action,
        by=by,
        now=now,
        subject_id=str(ticket.id),
        before=before,
        after={"number": ticket.number, "severity": ticket.severity, **(after or {})},
    )


def record_event(ticket: Ticket, *kinds: Happened, now: datetime, severity: Severity | None = None) -> None:
    """Writes down what the clocks follow, and when they are to be looked at again."""
    for kind in kinds:
        sla_deadlines.write(ticket, kind, now=now, severity=severity)
    sla_deadlines.reschedule(ticket, now=now)
