"""What operators look at first: what is open, what is due soonest, and what does not run."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from api.machines import services as machines
from api.machines.services import MachineStatus
from backups import services as backups
from backups.services import BackupStatus
from billing import reconciliation, webhook_events
from billing.models import ReconciliationRun
from core import mail_failures
from core.accounts import Organization
from core.jobs import failed_by_task
from core.members import User
from core.scope import needs_system_scope
from legal_docs.audits import services as audits
from legal_docs.audits.models import Audit
from legal_docs.register import responses
from portal.customer.applications import review
from portal.customer.applications.models import Application
from portal.notifications import deliveries
from portal.status import incidents
from portal.status.models import Incident
from portal.support import queue, rota, sla_deadlines
from portal.support.queue import Line, View
from portal.support.sla import Kind

_MOST = 5
_DELIVERIES_SINCE = timedelta(days=7)


class Now(msgspec.Struct, frozen=True):
    incidents: list[Incident]
    requests: list[Line]
    """Under way, those whose SLA ends soonest first."""
    due: dict[UUID, Kind | None]
    """What is due next of each of these requests."""
    counts: dict[View, int]
    on_call: User | None
    applications: list[tuple[Application, Organization]]
    audits: list[Audit]
    """Requested, and not answered yet."""
    legal_questions: int
    """Questions and objections about sub-processors that wait for a reply."""
    failed_jobs: dict[str, int]
    undelivered: int
    unsent: int
    events_in_trouble: int
    comparison: ReconciliationRun | None
    drifts: int
    """What the last comparison with Stripe found otherwise."""
    backups: BackupStatus
    machines: list[MachineStatus]

    @property
    def is_running_well(self) -> bool:
        troubles = (self.failed_jobs, self.undelivered, self.unsent, self.events_in_trouble, self.drifts)
        are_machines_well = all(machine.is_well for machine in self.machines)
        return are_machines_well and not any(troubles) and not self.backups.failure and not self.backups.is_overdue


@needs_system_scope
def read(*, operator_id: UUID, now: datetime) -> Now:
    comparison = next(iter(reconciliation.latest_runs(1)), None)
    requests = queue.read(View.UNDER_WAY, mine=operator_id)[:_MOST]
    return Now(
        incidents=incidents.every_open(is_public=False),
        requests=requests,
        due={line.ticket.id: sla_deadlines.due_first(line.ticket, now=now) for line in requests},
        counts=queue.counts(mine=operator_id),
        on_call=rota.on_call_at(now),
        applications=review.queue(),
        audits=audits.unanswered(),
        legal_questions=len(responses.unanswered()),
        failed_jobs=failed_by_task(),
        undelivered=deliveries.count_given_up(since=now - _DELIVERIES_SINCE),
        unsent=len(mail_failures.unsent()),
        events_in_trouble=len(webhook_events.in_trouble(now)),
        comparison=comparison,
        drifts=reconciliation.drifts_of(comparison.id) if comparison else 0,
        backups=backups.status(now),
        machines=machines.every_machine(now=now),
    )
