"""The stored key: everything about it but its secret."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class ApiKey(Base):
    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint("environment IN ('live', 'test')", name="environment"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 255", name="name"),
        CheckConstraint("rate_limit IS NULL OR rate_limit > 0", name="rate_limit"),
        Index(
            "uq_api_key_current_name",
            "organization_id",
            "environment",
            "name",
            unique=True,
            postgresql_where=text("revoked_at IS NULL AND successor_id IS NULL"),
        ),
        Index("ix_api_key_organization_id", "organization_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    lineage_id: Mapped[UUID]
    """The first key of a chain of rotations; the whole chain shares one rate limit."""
    name: Mapped[str]
    environment: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    start: Mapped[str]
    last_four: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    rate_limit: Mapped[int | None]
    """Requests in 60 s; none: what the organization's plan allows."""
    allowed_networks: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime]
    created_by_kind: Mapped[str]
    created_by_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None]
    successor_id: Mapped[UUID | None]
    last_used_at: Mapped[datetime | None]
    last_used_address: Mapped[str | None]

    def is_live_at(self, now: datetime) -> bool:
        """Whether it opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
