"""The end of an account: keys are revoked, what could tell who a subject was is destroyed, and the owners are told."""

import os
from datetime import datetime
from uuid import UUID

from api.keys import services as keys
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.db import db
from portal.organization.services import tell_owners


def finish(organization_id: UUID, *, decisions_deleted: int, now: datetime) -> None:
    """Needs the system's scope. The decisions were deleted before, in the same transaction."""
    organization = db.session.get_one(Organization, organization_id, with_for_update=True)
    keys.revoke_all(organization_id, reason="the account was closed", by=SYSTEM, now=now)
    organization.subject_secret = os.urandom(32)
    organization.status = OrganizationStatus.CLOSED.value
    tell_owners(organization, "account_closed", now=now, decisions=decisions_deleted)
