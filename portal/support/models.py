"""Requests and all that belongs to them. Internal notes are for operators; the database keeps them from others."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SEVERITIES = "('low', 'medium', 'high', 'critical')"


class MessageKind(StrEnum):
    CUSTOMER = "customer"
    ANSWER = "answer"
    AUTOMATIC = "automatic"
    INTERNAL_NOTE = "internal_note"


class NoticeKind(StrEnum):
    WARNED = "warned"
    MISSED = "missed"


class MailOutcome(StrEnum):
    """What became of a mail that came in."""

    RECEIVED = "received"
    """Kept, and not read yet."""
    OPENED = "opened"
    ADDED = "added"
    NOTED = "noted"
    """Kept for operators' eyes: nobody could tell that the customer wrote it."""
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    """An operator decides."""
    DISMISSED = "dismissed"
    IGNORED = "ignored"


class Ticket(Base):
    """A request. `due_at` is the nearest promise, `look_at` when the watch has to look again; both follow its events.

    Without an organization it came by mail from somebody whom no organization knows.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("category IN ('bug', 'feature_request', 'question', 'billing', 'feedback')", name="category"),
        CheckConstraint(f"severity IN {_SEVERITIES}", name="severity"),
        CheckConstraint("environment IN ('live', 'test')", name="environment"),
        CheckConstraint(
            "status IN ('new', 'open', 'waiting_on_customer', 'resolved', 'closed', 'merged')", name="status"
        ),
        CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        Index("ix_ticket_organization_id", "organization_id", "id"),
        Index("ix_ticket_due_at", "due_at", postgresql_where=text("status IN ('new', 'open', 'waiting_on_customer')")),
        Index("ix_ticket_look_at", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True, start=1001), unique=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    requester_name: Mapped[str]
    requester_email: Mapped[str]
    subject: Mapped[str]
    category: Mapped[str]
    severity: Mapped[str]
    environment: Mapped[str | None]
    happened_at: Mapped[datetime | None]
    api_key_id: Mapped[str | None]
    decision_id: Mapped[str | None]
    request_id: Mapped[str | None]
    status: Mapped[str]
    version: Mapped[int]
    level: Mapped[int]
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))
    reply_token: Mapped[str]
    """Stands in the address that answers by mail go to; who does not know it cannot write into the request."""
    wish: Mapped[str | None]
    """What is wished for, in our words: requests with the same one are votes for it."""
    due_at: Mapped[datetime | None]
    look_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class TicketMessage(Base):
    __tablename__ = "ticket_message"
    __table_args__ = (
        CheckConstraint("kind IN ('customer', 'answer', 'automatic', 'internal_note')", name="kind"),
        Index("ix_ticket_message_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    author_name: Mapped[str]
    """As it was then: customers see no other account of ours."""
    body: Mapped[str]
    is_by_mail: Mapped[bool]
    created_at: Mapped[datetime]


class TicketEvent(Base):
    """What the clocks are worked out from. Append-only for the software, so no miss can be taken back."""

    __tablename__ = "ticket_event"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('opened', 'customer_wrote', 'we_answered', 'answered_automatically', 'severity_changed',"
            " 'waiting_began', 'waiting_ended', 'resolved', 'solved_by_customer', 'reopened', 'merged')",
            name="kind",
        ),
        CheckConstraint(f"severity IN {_SEVERITIES}", name="severity"),
        Index("ix_ticket_event_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[str]
    occurred_at: Mapped[datetime]
    severity: Mapped[str | None]


class TicketNotice(Base):
    """That a promise is nearly due, or was missed: once each, and never erased."""

    __tablename__ = "ticket_notice"
    __table_args__ = (
        CheckConstraint("clock IN ('first_response', 'next_response', 'resolution')", name="clock"),
        CheckConstraint("kind IN ('warned', 'missed')", name="kind"),
        CheckConstraint(f"severity IN {_SEVERITIES}", name="severity"),
    )

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    clock: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    severity: Mapped[str]
    noted_at: Mapped[datetime]


class TicketFile(Base):
    __tablename__ = "ticket_file"
    __table_args__ = (Index("ix_ticket_file_ticket_id", "ticket_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    message_id: Mapped[UUID] = mapped_column(ForeignKey("ticket_message.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    content_type: Mapped[str]
    size_bytes: Mapped[int]
    content: Mapped[bytes] = mapped_column(deferred=True)
    created_at: Mapped[datetime]


class TicketSurvey(Base):
    """The question after a resolution. The link's secret is kept as a hash, and holds for one answer."""

    __tablename__ = "ticket_survey"
    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 10", name="score"),)

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    sent_at: Mapped[datetime]
    score: Mapped[int | None]
    words: Mapped[str | None]
    answered_at: Mapped[datetime | None]


class InboundMail(Base):
    """Every mail that came in, as it came, and what became of it."""

    __tablename__ = "inbound_mail"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('received', 'opened', 'added', 'noted', 'duplicate', 'quarantined', 'dismissed', 'ignored')",
            name="outcome",
        ),
        Index(
            "ix_inbound_mail_waiting", "received_at", postgresql_where=text("outcome IN ('received', 'quarantined')")
        ),
        Index("ix_inbound_mail_fingerprint", "fingerprint"),
        Index("ix_inbound_mail_ticket_id", "ticket_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[str | None]
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))
    ticket_message_id: Mapped[UUID | None]
    """The message that was made of it; one that is deleted leaves this behind."""
    sender_id: Mapped[UUID | None]
    sender: Mapped[str | None]
    subject: Mapped[str | None]
    words: Mapped[str | None]
    raw: Mapped[bytes | None]
    raw_hash: Mapped[bytes | None] = mapped_column(unique=True)
    fingerprint: Mapped[bytes | None]
    """The same for copies that took different ways."""
    received_at: Mapped[datetime]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    """Why it is in the quarantine."""


class OnCallWeek(Base):
    """Who is called in the week that begins on this Monday, 00:00 UTC."""

    __tablename__ = "on_call_week"

    monday: Mapped[date] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
