"""A notice of one version, or of one sub-processor change, to one organization."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class LegalNotice(Base):
    __tablename__ = "legal_notice"
    __table_args__ = (
        CheckConstraint("num_nonnulls(version_id, change_id) = 1", name="subject"),
        CheckConstraint("enforced_at IS NULL OR second_sent_at IS NOT NULL", name="two_notices"),
        UniqueConstraint("organization_id", "version_id"),
        UniqueConstraint("organization_id", "change_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    version_id: Mapped[UUID | None] = mapped_column(ForeignKey("legal_version.id"))
    change_id: Mapped[UUID | None] = mapped_column(ForeignKey("sub_processor_change.id"))
    created_at: Mapped[datetime]
    first_mail_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    first_sent_at: Mapped[datetime | None]
    """When the first of its mails left; clocks start here."""
    second_mail_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    second_sent_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    """For a version: until when it must be accepted. For a change: from when silence is consent. None: not sent yet."""
    enforced_at: Mapped[datetime | None]
    """When the organization was given its date after which live keys are blocked; never before both notices."""
