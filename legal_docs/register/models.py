"""The register, proposed changes of it, and what each organization answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from legal_docs.documents.drafts import Entry
from legal_docs.documents.service_types import ServiceType


class SubProcessor(Base):
    __tablename__ = "sub_processor"
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint(
            "service_type IN ('hosting', 'database', 'cache', 'backups', 'error_reports', 'payments', 'email', 'chat',"
            " 'monitoring', 'other')",
            name="service_type",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    entity: Mapped[str]
    address: Mapped[str]
    country: Mapped[str]
    contact: Mapped[str]
    purpose: Mapped[str]
    data_categories: Mapped[str]
    location: Mapped[str]
    first_mechanism: Mapped[str]
    second_mechanism: Mapped[str]
    certificates: Mapped[str]
    service_type: Mapped[str] = mapped_column(default=ServiceType.OTHER.value)
    listed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    @property
    def entry(self) -> Entry:
        """What the texts state of it."""
        return msgspec.convert({name: getattr(self, name) for name in Entry.__struct_fields__}, Entry)


class SubProcessorChange(Base):
    """Something announced: a company to add, to put in another's place, or to remove."""

    __tablename__ = "sub_processor_change"
    __table_args__ = (
        CheckConstraint("kind IN ('add', 'replace', 'remove')", name="kind"),
        CheckConstraint("(kind = 'add') = (sub_processor_id IS NULL)", name="sub_processor_id"),
        CheckConstraint("(kind = 'remove') = (entry IS NULL)", name="entry"),
        CheckConstraint("applied_at IS NULL OR withdrawn_at IS NULL", name="end"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    sub_processor_id: Mapped[UUID | None] = mapped_column(ForeignKey("sub_processor.id"))
    """Whom it replaces or removes."""
    entry: Mapped[dict[str, Any] | None]
    """What the register will say of the new company."""
    reason: Mapped[str]
    announced_at: Mapped[datetime]
    takes_effect_at: Mapped[datetime]
    """The earliest day; for an organization that was told late, it is later."""
    applied_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    announced_by_kind: Mapped[str]
    announced_by_id: Mapped[UUID | None]


class SubProcessorResponse(Base):
    """What an organization said of a change. Its words are never changed; our answer is added once."""

    __tablename__ = "sub_processor_response"
    __table_args__ = (
        CheckConstraint("kind IN ('accept', 'ask', 'object')", name="kind"),
        CheckConstraint("kind = 'accept' OR char_length(reason) > 0", name="reason"),
        CheckConstraint("(kind = 'accept') = (answer_due_at IS NULL)", name="answer_due_at"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answer"),
        Index("ix_sub_processor_response_organization_id", "organization_id", "change_id", "id"),
        Index("ix_sub_processor_response_change_id", "change_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    change_id: Mapped[UUID] = mapped_column(ForeignKey("sub_processor_change.id"))
    kind: Mapped[str]
    reason: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    created_at: Mapped[datetime]
    answer_due_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
