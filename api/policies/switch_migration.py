"""Policies from before a switch that is off kept its cause from adding points: their next version says so itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from api.policies import services
from api.policies.document import PolicyDocument
from api.policies.models import PolicyVersion
from core.audit import SYSTEM, AuditEvent
from core.db import db
from core.scope import needs_system_scope

MIGRATED = "policy.migrated"


class SwitchMigration(msgspec.Struct, frozen=True):
    """What was done to an organization's policies: the new version, and what it changes of recent decisions."""

    version: int
    looked_at: int
    newly_allowed: int
    migrated_at: datetime


@needs_system_scope
def to_migrate() -> list[UUID]:
    """Organizations whose version in force does not say whether points count while a switch is off."""
    newest = (
        select(PolicyVersion.organization_id, func.max(PolicyVersion.version).label("version"))
        .where(PolicyVersion.is_test_only.is_(False))
        .group_by(PolicyVersion.organization_id)
        .subquery()
    )
    found = db.session.scalars(
        select(PolicyVersion.organization_id)
        .join(
            newest,
            (newest.c.organization_id == PolicyVersion.organization_id) & (newest.c.version == PolicyVersion.version),
        )
        .where(~PolicyVersion.document.has_key("count_points_when_off"))
    )
    return list(found)


def migrated(document: PolicyDocument) -> PolicyDocument:
    return msgspec.structs.replace(document, count_points_when_off=False)


def migrate(organization_id: UUID, impact: Mapping[str, Any], *, now: datetime) -> int:
    """Publishes the version in which off means off; `impact` goes onto the audit log with it."""
    version, document = services.hold(organization_id, None)
    after = migrated(document)
    return services.adopt(
        organization_id,
        version,
        document,
        after,
        MIGRATED,
        by=SYSTEM,
        now=now,
        facts=impact,
        despite_tests=True,
    )


def latest_migration(organization_id: UUID) -> SwitchMigration | None:
    """None if there was none, or if somebody has published other policies since."""
    event = db.session.scalar(
        select(AuditEvent)
        .where(AuditEvent.organization_id == organization_id, AuditEvent.action == MIGRATED)
        .order_by(AuditEvent.id.desc())
        .limit(1)
    )
    if event is None or event.after is None or services.current(organization_id)[0] != event.after["version"]:
        return None
    return SwitchMigration(
        version=event.after["version"],
        looked_at=event.after["looked_at"],
        newly_allowed=event.after["newly_allowed"],
        migrated_at=event.occurred_at,
    )
