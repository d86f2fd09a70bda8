"""A version of a document. The database refuses to change or delete one."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from legal_docs.documents.kinds import TITLES, Kind

DEFAULT_LOCALE = "en"


class LegalVersion(Base):
    __tablename__ = "legal_version"
    __table_args__ = (
        CheckConstraint("kind IN ('terms', 'dpa', 'privacy', 'sub_processors')", name="kind"),
        CheckConstraint("number ~ '^[1-9][0-9]*[.](0|[1-9][0-9]*)$'", name="number"),
        CheckConstraint("effective_at >= published_at", name="effective_at"),
        CheckConstraint("sha256 = encode(sha256(convert_to(markdown, 'UTF8')), 'hex')", name="sha256"),
        UniqueConstraint("kind", "number", "locale"),
        Index("ix_legal_version_kind", "kind", "published_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    number: Mapped[str]
    locale: Mapped[str] = mapped_column(default=DEFAULT_LOCALE)
    is_major: Mapped[bool]
    """It changes what was agreed, so it needs a new acceptance. A minor version needs notice only."""
    summary: Mapped[str]
    """What is new, in plain words; it goes into the notice."""
    markdown: Mapped[str] = mapped_column(deferred=True)
    sha256: Mapped[str]
    """Of the text's UTF-8 bytes, in hexadecimal digits."""
    provider: Mapped[dict[str, Any]]
    """Who we were when this was published; the party of every acceptance of it."""
    published_at: Mapped[datetime]
    effective_at: Mapped[datetime]
    published_by_kind: Mapped[str]
    published_by_id: Mapped[UUID | None]
    reviewed_by: Mapped[str]
    reviewed_on: Mapped[date]
    review_note: Mapped[str]

    @property
    def title(self) -> str:
        return TITLES[Kind(self.kind)]

    @property
    def content(self) -> bytes:
        """The exact bytes that the hash is of."""
        return self.markdown.encode()

    @property
    def file_name(self) -> str:
        """How a download is called, without its ending."""
        return f"{self.kind.replace('_', '-')}-{self.number}"
