"""The whole record for us and for an authority, and the part that concerns one customer."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from core.accounts import Organization, OrganizationStatus
from core.db import among, db
from core.profiles import OrganizationProfile, find_profiles
from core.scope import needs_system_scope
from core.settings import Settings
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.documents.drafts import fill
from legal_docs.documents.kinds import Kind
from legal_docs.documents.pdf import Imprint, to_pdf
from legal_docs.documents.provider import trial_provider
from legal_docs.measures import services as measures
from legal_docs.register.services import entries

TITLE = "Record of processing activities"
_UNDER_CONTRACT = (OrganizationStatus.LIVE, OrganizationStatus.SUSPENDED, OrganizationStatus.CLOSING)


class Controller(msgspec.Struct, frozen=True):
    name: str
    address: str
    country: str
    contact: str
    since: datetime | None
    """When the first Data Processing Agreement was accepted."""
    retention_days: int
    is_high_risk: bool


@needs_system_scope
def whole_record(settings: Settings, *, now: datetime) -> str:
    """Markdown. Raises SettingsMissing."""
    query = select(Organization).where(Organization.status.in_([one.value for one in _UNDER_CONTRACT]))
    organizations = db.session.scalars(query.order_by(Organization.name, Organization.id)).all()
    return _record(organizations, settings, is_whole=True, now=now)


def part_of(organization_id: UUID, settings: Settings, *, now: datetime) -> str:
    """Markdown, in the organization's scope. Raises SettingsMissing."""
    return _record([db.session.get_one(Organization, organization_id)], settings, is_whole=False, now=now)


def as_pdf(markdown: str, settings: Settings, *, now: datetime) -> bytes:
    imprint = Imprint(
        title=TITLE,
        version=f"{now:%Y-%m-%d}",
        sha256=sha256(markdown.encode()).hexdigest(),
        author=trial_provider(settings).name,
    )
    return to_pdf((markdown,), imprint)


def _record(organizations: Sequence[Organization], settings: Settings, *, is_whole: bool, now: datetime) -> str:
    return fill(
        "processing_record",
        made_at=now,
        provider=trial_provider(settings),
        is_whole=is_whole,
        controllers=_controllers(organizations),
        register=entries(),
        measures=measures.for_annex(),
    )


def _controllers(organizations: Sequence[Organization]) -> list[Controller]:
    ids = [one.id for one in organizations]
    profiles = {profile.organization_id: profile for profile in find_profiles(ids)}
    since = _accepted_since(ids)
    return [_controller(one, profiles.get(one.id), since.get(one.id)) for one in organizations]


def _controller(organization: Organization, profile: OrganizationProfile | None, since: datetime | None) -> Controller:
    """One without details is named as its members call it."""
    return Controller(
        name=profile.legal_name if profile else organization.name,
        address=profile.address if profile else "not stated",
        country=profile.country if profile else "not stated",
        contact=f"{profile.contact_name}, {profile.contact_email}" if profile else "not stated",
        since=since,
        retention_days=organization.retention_days,
        is_high_risk=bool(profile and profile.is_high_risk),
    )


def _accepted_since(organization_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    query = (
        select(LegalAcceptance.organization_id, func.min(LegalAcceptance.accepted_at))
        .where(among(LegalAcceptance.organization_id, organization_ids), LegalAcceptance.kind == Kind.DPA.value)
        .group_by(LegalAcceptance.organization_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}
