"""The end of an account: what is the customer's is deleted, subjects become unreadable, and the owners are told."""

import os
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select

from api.decisions import retention
from api.keys import services as keys
from api.policies import services as policies
from api.usage import availability
from backups import erasures
from billing.jobs import end_plan_of_closed_account
from core import audit, mail_records
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.db import db
from core.jobs import defer
from core.rows import locking
from core.scope import needs_system_scope
from portal.customer.decisions import saved_views
from portal.customer.onboarding import checklist
from portal.customer.organization.services import notify_owners
from portal.customer.team import services as team
from portal.feedback import erasure as feedback
from portal.notifications import channels
from portal.support.erasure import forget_organization

log = structlog.get_logger()

ACCOUNT = "organization"


@needs_system_scope
def finish(organization_id: UUID, *, now: datetime) -> None:
    """Closes an account whose time has come; one that was kept meanwhile is left alone."""
    organization = db.session.scalar(
        locking(
            select(Organization).where(
                Organization.id == organization_id,
                Organization.status == OrganizationStatus.CLOSING.value,
                Organization.closes_at <= now,
            )
        )
    )
    if organization is None:
        return
    defer(end_plan_of_closed_account, organization_id=str(organization_id))
    deleted = _erase(organization, now=now)
    erasures.note_erasure(ACCOUNT, {"organization_id": str(organization_id)}, now=now)
    notify_owners(organization, "account_closed", now=now, decisions=deleted)
    audit.write(organization_id, "organization.closed", by=SYSTEM, now=now, after={"decisions": deleted})
    log.info("organization.closed", organization_id=str(organization_id), decisions=deleted)


@erasures.erases_again(ACCOUNT)
def _close_again(facts: dict[str, Any], now: datetime) -> None:
    """Nobody is told a second time. An organization that is younger than the backup is gone already."""
    # as in `close`: nothing is written for the organization while it is emptied
    organization = db.session.get(Organization, UUID(facts["organization_id"]), with_for_update=True)
    if organization is not None:
        _erase(organization, now=now)


def _erase(organization: Organization, *, now: datetime) -> int:
    """How many decisions there were."""
    deleted = retention.delete_everything(organization.id, now=now)
    keys.revoke_all(organization.id, reason="the organization was closed", by=SYSTEM, now=now)
    keys.delete_all(organization.id)
    channels.remove_all(organization.id)
    policies.forget(organization.id, now=now)
    team.forget_invitations(organization.id)
    checklist.forget(organization.id)
    saved_views.forget(organization.id)
    forget_organization(organization.id)
    feedback.forget_organization(organization.id)
    availability.forget(organization.id)
    mail_records.forget_written_for(organization.id)
    organization.subject_secret = os.urandom(32)
    organization.status = OrganizationStatus.CLOSED.value
    return deleted
