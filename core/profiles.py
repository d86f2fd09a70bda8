"""What an organization says of itself: the cover page of its contracts and the people to write to."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, among, db

NOBODY = ("Former member", "deleted@deleted.invalid")
"""Stands for the contact of an account that is closed, once that person is forgotten."""


class OrganizationProfile(Base):
    __tablename__ = "organization_profile"
    __table_args__ = (CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    legal_name: Mapped[str]
    registration_number: Mapped[str]
    address: Mapped[str]
    country: Mapped[str]
    """ISO 3166-1, two letters."""
    website: Mapped[str | None]
    contact_name: Mapped[str]
    contact_email: Mapped[str]
    second_contact_name: Mapped[str | None]
    second_contact_email: Mapped[str | None]
    use_case: Mapped[str]
    expected_checks: Mapped[str]
    is_high_risk: Mapped[bool]
    """It uses, or provides, a high-risk system in the sense of the EU AI Act."""
    updated_at: Mapped[datetime]

    @property
    def contacts(self) -> list[str]:
        """The addresses of whom to write to."""
        return [email for email in (self.contact_email, self.second_contact_email) if email]


def find_profiles(organization_ids: Collection[UUID]) -> list[OrganizationProfile]:
    query = select(OrganizationProfile).where(among(OrganizationProfile.organization_id, organization_ids))
    return list(db.session.scalars(query))


def find_profile(organization_id: UUID) -> OrganizationProfile | None:
    """None until the details were given for the first time."""
    return db.session.scalar(select(OrganizationProfile).where(OrganizationProfile.organization_id == organization_id))
