"""One row for each document somebody accepted, what they saw before, and links for those who have the authority."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class LegalAcceptance(Base):
    """Rows are only added."""

    __tablename__ = "legal_acceptance"
    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, delegation_id) = 1", name="signer"),
        CheckConstraint("signer_name <> '' AND signer_title <> '' AND authority <> ''", name="authority"),
        UniqueConstraint("organization_id", "position"),
        UniqueConstraint("organization_id", "version_id", "user_id"),
        UniqueConstraint("organization_id", "version_id", "delegation_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    position: Mapped[int]
    """Its place among the organization's acceptances, from 1."""
    previous_sha256: Mapped[str | None]
    """The evidence's hash of the acceptance before this one: rows cannot be taken out or put in unseen."""
    evidence_sha256: Mapped[str]

    version_id: Mapped[UUID] = mapped_column(ForeignKey("legal_version.id"))
    kind: Mapped[str]
    number: Mapped[str]
    locale: Mapped[str]
    document_sha256: Mapped[str]
    published_at: Mapped[datetime]
    effective_at: Mapped[datetime]
    cover_page: Mapped[str]
    cover_page_sha256: Mapped[str]

    provider_name: Mapped[str]
    provider_signatory: Mapped[str]
    legal_name: Mapped[str]
    registration_number: Mapped[str]
    address: Mapped[str]
    country: Mapped[str]

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    delegation_id: Mapped[UUID | None] = mapped_column(ForeignKey("legal_delegation.id"))
    """The link by which somebody without an account accepted."""
    signer_name: Mapped[str]
    signer_title: Mapped[str]
    signer_email: Mapped[str]
    email_confirmed_at: Mapped[datetime | None]
    authority: Mapped[str]
    """The sentence about authority that was agreed to."""
    checkbox_texts: Mapped[list[Any]]
    button_text: Mapped[str]
    events: Mapped[list[Any]]
    """What the signer was shown, opened and downloaded before agreeing, with times, as far as a server can tell."""
    screen: Mapped[str]
    """Which build of the page it was."""

    network_address: Mapped[str]
    user_agent: Mapped[str]
    request_id: Mapped[str]
    session_id: Mapped[str]
    auth_method: Mapped[str]
    receipt_mail_id: Mapped[UUID | None]
    accepted_at: Mapped[datetime]


class LegalDelegation(Base):
    """A link, sent by mail, with which one named address may accept for the organization, once."""

    __tablename__ = "legal_delegation"
    __table_args__ = (Index("ix_legal_delegation_organization_id", "organization_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    email: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    expires_at: Mapped[datetime]
    consumed_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]
    """A newer link to the same address made this one void."""


class LegalView(Base):
    """A document before a signer's eyes, the first time. Rows are only added."""

    __tablename__ = "legal_sighting"
    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, delegation_id) = 1", name="signer"),
        UniqueConstraint(
            "organization_id",
            "version_id",
            "user_id",
            "delegation_id",
            "event",
            name="uq_legal_sighting_once",
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    version_id: Mapped[UUID] = mapped_column(ForeignKey("legal_version.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    delegation_id: Mapped[UUID | None] = mapped_column(ForeignKey("legal_delegation.id"))
    event: Mapped[str]
    at: Mapped[datetime]
