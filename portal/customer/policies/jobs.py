"""What the worker does about policies: brings those from before a switch that is off meant off to that meaning."""

from datetime import datetime, timedelta
from uuid import UUID

from api.decisions import backtest
from api.policies import services as policies
from api.policies import switch_migration
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, in_its_own_session, isolate_errors, jobs
from portal.customer.organization.services import notify_owners

IMPACT_OVER = timedelta(days=7)


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(queueing_lock="migrate_switches", queue=Queue.LONG)
@in_its_own_session
def migrate_switches(timestamp: int) -> None:  # noqa: ARG001  the queue tells when it was due
    """Each organization by itself, with its owners told of what it changes; later runs find nothing to do."""
    now = utc_now()
    with acting_as_system():
        found = switch_migration.to_migrate()
        db.session.rollback()
        for organization_id in found:
            with isolate_errors("policy.not_migrated", organization_id), transaction():
                _migrate(organization_id, now=now)


def _migrate(organization_id: UUID, *, now: datetime) -> None:
    _, document = policies.current(organization_id)
    effect = backtest.effect_of(organization_id, document, switch_migration.migrated(document), since=now - IMPACT_OVER)
    impact = {"looked_at": effect.looked_at, "newly_allowed": effect.newly_allowed}
    version = switch_migration.migrate(organization_id, impact, now=now)
    organization = db.session.get_one(Organization, organization_id)
    notify_owners(organization, "policies_migrated", now=now, version=version, before=version - 1, **impact)
