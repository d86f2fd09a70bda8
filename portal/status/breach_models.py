"""Breaches, whom they affect, and what each of them was told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Breach(Base):
    """What Article 33(3) asks for, as it is known now. Every breach stays: together they are the register of 33(5)."""

    __tablename__ = "breach"
    __table_args__ = (
        CheckConstraint("from_at < until_at", name="window"),
        CheckConstraint("phase >= 0", name="phase"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), unique=True)
    is_drill: Mapped[bool]
    discovered_at: Mapped[datetime]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    """The time whose data is concerned; an organization's numbers are counted in it."""
    nature: Mapped[str]
    people: Mapped[str]
    records: Mapped[str]
    contact: Mapped[str]
    consequences: Mapped[str]
    measures: Mapped[str]
    version: Mapped[int]
    phase: Mapped[int]
    """How many times the affected were told; 0: not yet."""
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))
    closed_at: Mapped[datetime | None]


class BreachOrganization(Base):
    __tablename__ = "breach_organization"

    breach_id: Mapped[UUID] = mapped_column(ForeignKey("breach.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    added_at: Mapped[datetime]


class BreachNotice(Base):
    """What one organization was told in one phase, word for word, and to whom it went. Never changed."""

    __tablename__ = "breach_notice"
    __table_args__ = (
        UniqueConstraint("breach_id", "organization_id", "phase"),
        Index("ix_breach_notice_organization_id", "organization_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    breach_id: Mapped[UUID] = mapped_column(ForeignKey("breach.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    phase: Mapped[int]
    is_drill: Mapped[bool]
    content: Mapped[dict[str, Any]]
    recipients: Mapped[list[Any]]
    sent_at: Mapped[datetime]
