"""The end of an account: the log and the keys are deleted, subjects become unreadable, and the owners are told."""

import os
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select

from api.decisions import retention
from api.keys import services as keys
from billing.jobs import end_plan_of_closed_account
from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.db import db
from core.jobs import defer
from portal.organization.services import tell_owners
from portal.support.forgetting import forget_organization

log = structlog.get_logger()


def finish(organization_id: UUID, *, now: datetime) -> None:
    """Closes an account whose time has come; one that was kept meanwhile is left alone. Needs the system's scope."""
    organization = db.session.scalar(
        select(Organization)
        .where(
            Organization.id == organization_id,
            Organization.status == OrganizationStatus.CLOSING.value,
            Organization.closes_at <= now,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if organization is None:
        return
    defer(end_plan_of_closed_account, organization_id=str(organization_id))
    deleted = retention.delete_everything(organization_id)
    keys.revoke_all(organization_id, reason="the account was closed", by=SYSTEM, now=now)
    keys.delete_all(organization_id)
    forget_organization(organization_id)
    organization.subject_secret = os.urandom(32)
    organization.status = OrganizationStatus.CLOSED.value
    tell_owners(organization, "account_closed", now=now, decisions=deleted)
    audit.write(organization_id, "organization.closed", by=SYSTEM, now=now, after={"decisions": deleted})
    log.info("organization.closed", organization_id=str(organization_id), decisions=deleted)
