"""What needs somebody's attention, worked out from the facts; nothing to dismiss, it goes when it is done."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from api.content.refusal import ContentRefused
from api.keys.token import KeyEnvironment
from api.policies import switch_migration
from api.usage.refusals import refusals_of
from billing import entitlements
from billing.access import AccessState
from core.accounts import BlockReason, Organization
from core.db import db
from core.formats import utc
from core.members import Membership, Role
from core.profiles import find_profile
from legal_docs import figures
from legal_docs.acceptances.status import AcceptanceStatus, acceptance_status
from legal_docs.register.responses import changes_for
from portal.customer.applications import services as applications
from portal.customer.applications.states import ApplicationStatus
from portal.customer.keys.needing_attention import Need, keys_in_need
from portal.customer.keys.overview import line_of
from portal.notices import PageNotice

PILOT_WARNING = timedelta(days=30)
CONTENT_SHOWN_FOR = timedelta(days=1)
MIGRATION_SHOWN_FOR = timedelta(days=30)
MOST_KEYS_NAMED = 3
_ABOUT_KEYS = {
    Need.MAKER_LEFT: "API keys whose creator has left the organization: {count:,}. Rotate them.",
    Need.OLD: "API keys older than 90 days: {count:,}. Rotate them.",
    Need.IDLE: "API keys not used for 30 days: {count:,}. Revoke those you no longer need.",
}


def attention_of(organization: Organization, *, now: datetime) -> list[PageNotice]:
    """The most pressing first, beside what every page tells already."""
    return [
        *_of_content(organization.id, now=now),
        *_of_policies(organization.id, now=now),
        *_of_keys(organization.id, now=now),
        *_of_organization(organization, now=now),
    ]


def account_notices(organization_id: UUID, *, now: datetime) -> list[PageNotice]:
    """What every page tells: what is open of the plan, documents to accept and questions to answer."""
    notices = _of_money(organization_id, now=now)
    for part in acceptance_status(organization_id, now=now):
        if part.to_accept is None or part.status is AcceptanceStatus.NOT_ACCEPTED:
            continue
        until = f" by {utc(part.due_at, 'day')}" if part.due_at else ""
        words = f"Accept the new version of the {part.to_accept.title}{until}."
        if part.status is AcceptanceStatus.OVERDUE:
            words = (
                f"Live API keys are disabled: the new version of the {part.to_accept.title} was not accepted in time."
            )
        notices.append(PageNotice(words, "/legal/accept", "Review and accept"))
    application = applications.latest(organization_id)
    if application is not None and application.status == ApplicationStatus.INFORMATION_REQUESTED:
        notices.append(PageNotice("We have a question about your approval request.", "/application", "Answer"))
    waiting = [
        part
        for part in changes_for(organization_id, now=now)
        if not part.responses and not part.is_active and not part.change.withdrawn_at
    ]
    if waiting:
        notices.append(PageNotice("We announced a sub-processor change.", "/legal/sub-processors", "Review the change"))
    return notices


def _of_money(organization_id: UUID, *, now: datetime) -> list[PageNotice]:
    organization = db.session.get_one(Organization, organization_id)
    if (
        organization.blocked_because == BlockReason.QUOTA
        and organization.blocked_until
        and now < organization.blocked_until
    ):
        words = (
            f"This month's checks are used up. Live keys are disabled until {utc(organization.blocked_until, 'day')}."
        )
        return [PageNotice(words, "/plan", "View plans")]
    access = entitlements.access_for(organization_id, now=now)
    is_legal = organization.legal_due_at is not None and organization.legal_due_at <= now
    if access.state is AccessState.GRACE or (access.state is AccessState.RESTRICTED and not is_legal):
        return [PageNotice(access.reason, "/plan", "View plan")]
    return []


def _of_content(organization_id: UUID, *, now: datetime) -> list[PageNotice]:
    """Software that sends content has a fault that its makers want to know of, though nothing of it is stored."""
    found = refusals_of(organization_id, since=now - CONTENT_SHOWN_FOR, environment=KeyEnvironment.LIVE)
    count = sum(one.requests for one in found if one.code == ContentRefused.code)
    if not count:
        return []
    sent = "1 live request was" if count == 1 else f"{count:,} live requests were"
    words = f"{sent} rejected in the last 24 hours for containing content. None of it was stored."
    return [PageNotice(words, "/decisions/refused?period=day&environment=live", "View rejected requests")]


def _of_policies(organization_id: UUID, *, now: datetime) -> list[PageNotice]:
    migration = switch_migration.latest_migration(organization_id)
    if migration is None or now - migration.migrated_at > MIGRATION_SHOWN_FOR:
        return []
    impact = (
        f"Of the {migration.looked_at:,} decisions in the seven days before, {migration.newly_allowed:,} that were "
        "blocked would be allowed."
        if migration.looked_at
        else "There were no decisions in the seven days before to compare."
    )
    words = f"Since version {migration.version} of your policies, a hard block that is off adds no points. {impact}"
    return [PageNotice(words, "/policies/versions", "Review versions")]


def _of_keys(organization_id: UUID, *, now: datetime) -> list[PageNotice]:
    """Of a few keys each is named; of many, how many there are."""
    found = keys_in_need(organization_id, first=MOST_KEYS_NAMED + 1, now=now)
    if len(found.first) <= MOST_KEYS_NAMED:
        return [
            PageNotice(f"Key {line.key.name}: {hint}", f"/keys/{line.key.id}", "View key")
            for line in (line_of(key, now=now) for key in found.first)
            for hint in line.hints
        ]
    return [
        PageNotice(_ABOUT_KEYS[need].format(count=count), "/keys", "View keys")
        for need, count in found.counts.items()
        if count
    ]


def _of_organization(organization: Organization, *, now: datetime) -> list[PageNotice]:
    notices = []
    profile = find_profile(organization.id)
    if profile is not None and profile.is_high_risk and organization.retention_days < figures.HIGH_RISK_RETENTION_DAYS:
        words = "You use a high-risk system. Its logs must be kept for at least six months."
        notices.append(PageNotice(words, "/organization/retention", "Set log retention"))
    access = entitlements.access_for(organization.id, now=now)
    if access.state is AccessState.PILOT and access.changes_at and access.changes_at - now <= PILOT_WARNING:
        notices.append(PageNotice(access.reason, "/plan", "View plans"))
    owners = db.session.scalar(
        select(func.count()).where(Membership.organization_id == organization.id, Membership.role == Role.OWNER.value)
    )
    if owners == 1:
        words = "Your organization has only one owner. Add a second owner so that you can't be locked out."
        notices.append(PageNotice(words, "/team", "Go to team"))
    return notices
