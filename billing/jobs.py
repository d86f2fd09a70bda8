"""What the clock does about money: access that changes by itself, and reminders before a pilot ends."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from procrastinate import JobContext
from sqlalchemy import select

from billing import (
    contacts,
    emails,
    entitlements,
    metering,
    operator_alerts,
    reconciliation,
    subscriptions,
    unwanted_charges,
    webhook_events,
)
from billing.access import AccessState
from billing.connection import gateway
from billing.errors import PaymentsAway
from billing.plans import PLANS, PlanCode
from billing.waiting import TRIES, UntilStripeAnswers
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, defer, in_its_own_session, isolate_errors, jobs
from core.observability import report_error

log = structlog.get_logger()

REMIND_DAYS = (30, 7, 1)
AT_LEAST = timedelta(days=1)
"""So much earlier than that: a clock that stood still for a day is then still in time."""


@jobs.periodic(cron="* * * * *")
@jobs.task(queueing_lock="refresh_entitlements")
@in_its_own_session
def refresh_entitlements(timestamp: int) -> None:  # noqa: ARG001  the queue says when it should have run
    """One organization's trouble does not hold up the others."""
    with acting_as_system(), transaction():
        due = entitlements.due(utc_now())
    for organization_id in due:
        with isolate_errors("entitlement.not_refreshed", organization_id), acting_as_system(), transaction():
            entitlements.refresh(organization_id, now=utc_now())


@jobs.task(aliases=["billing.jobs.work_off_event"], retry=UntilStripeAnswers(), pass_context=True, queue=Queue.STRIPE)
@in_its_own_session
def process_event(context: JobContext, event_id: str) -> None:
    """While Stripe does not answer, it is tried until it does. What keeps failing is shown to the operators."""
    try:
        with acting_as_system():
            webhook_events.process(event_id, gateway(), now=utc_now())
    except PaymentsAway:
        with acting_as_system(), transaction():
            webhook_events.note_waiting(event_id)
        raise
    except Exception as error:
        with acting_as_system(), transaction():
            webhook_events.note_failure(event_id, f"{type(error).__name__}: {error}"[:500])
        if context.job.attempts + 1 < TRIES:
            raise
        log.exception("stripe_event.failed", event_id=event_id)
        report_error(error)


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(aliases=["billing.jobs.work_off_what_was_left"], queueing_lock="process_stuck_events")
@in_its_own_session
def process_stuck_events(timestamp: int) -> None:  # noqa: ARG001  the queue says when it should have run
    """Events whose worker was killed in the middle: nobody else tries them again."""
    with acting_as_system(), transaction():
        for event_id in webhook_events.stuck(utc_now()):
            defer(process_event, event_id=event_id)


_UNTIL_STRIPE_ANSWERS = UntilStripeAnswers()


@jobs.task(retry=_UNTIL_STRIPE_ANSWERS, queue=Queue.STRIPE)
@in_its_own_session
def end_plan_of_closing_account(organization_id: str) -> None:
    """Nobody pays for an account that is closing; what was paid for is not given back."""
    _change_plan(organization_id, subscriptions.end_for_closing)


@jobs.task(retry=_UNTIL_STRIPE_ANSWERS, queue=Queue.STRIPE)
@in_its_own_session
def go_on_with_plan_of_kept_account(organization_id: str) -> None:
    _change_plan(organization_id, subscriptions.resume)


@jobs.task(retry=_UNTIL_STRIPE_ANSWERS, queue=Queue.STRIPE)
@in_its_own_session
def end_plan_of_closed_account(organization_id: str) -> None:
    """What is left of it, at once: nobody could end it any more."""
    _change_plan(organization_id, subscriptions.end_at_once)


@jobs.task(retry=_UNTIL_STRIPE_ANSWERS, queue=Queue.STRIPE)
@in_its_own_session
def refresh_customer_email(organization_id: str, former_digest: str) -> None:
    """Whoever read the invoices left. Only the hash of their address is passed on: jobs are stored for days."""
    with acting_as_system(), transaction():
        found = contacts.customer_and_email(UUID(organization_id))
    if found is not None:
        with acting_as_system(), transaction():
            contacts.replace_at_stripe(*found, gateway(), former_digest=former_digest)


@unwanted_charges.must_end.connect
def _end_what_is_left(_sender: object, organization_id: UUID) -> None:
    organization = db.session.get_one(Organization, organization_id)
    is_closed = organization.status == OrganizationStatus.CLOSED
    job = end_plan_of_closed_account if is_closed else end_plan_of_closing_account
    defer(job, organization_id=str(organization_id))


def _change_plan(organization_id: str, change: Callable[..., None]) -> None:
    with acting_as_system(), transaction(), suppress(subscriptions.NoSubscription):
        change(UUID(organization_id), gateway(), by=SYSTEM, now=utc_now())


@jobs.periodic(cron="9 * * * *")
@jobs.task(queueing_lock="send_usage", queue=Queue.LONG)
@in_its_own_session
def send_usage(timestamp: int) -> None:  # noqa: ARG001  the queue says when it should have run
    """Each part by itself: what was sent is on record at once, and what could not be sent is tried in an hour."""
    with acting_as_system(), transaction():
        payers = {payer.organization_id: payer for payer in metering.every_metered()}
        waiting = metering.unsent(payers.values(), now=utc_now())
    for organization_id, parts in waiting.items():
        with isolate_errors("usage.not_sent", organization_id), acting_as_system():
            for part in parts:
                metering.send(part, payers[organization_id], gateway())


@jobs.periodic(cron="20 */6 * * *")
@jobs.task(queueing_lock="reconcile", queue=Queue.LONG)
@in_its_own_session
def reconcile(timestamp: int) -> None:  # noqa: ARG001  the queue says when it should have run
    """Every six hours. One organization that cannot be compared does not hold up the others."""
    now = utc_now()
    with acting_as_system(), transaction():
        run_id, organizations = reconciliation.begin(now), reconciliation.to_compare()
        payers = metering.every_metered()
    for organization_id in organizations:
        with isolate_errors("reconciliation.failed", organization_id), acting_as_system():
            reconciliation.compare(run_id, organization_id, gateway(), now=utc_now())
        with isolate_errors("disputes.not_looked_at", organization_id), acting_as_system(), transaction():
            operator_alerts.look_at(organization_id, now=utc_now())
        with isolate_errors("taxes.not_in_line", organization_id), acting_as_system(), transaction():
            reconciliation.bring_taxes_in_line(organization_id, gateway(), now=utc_now())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for payer in payers:
        with isolate_errors("usage.not_compared", payer.organization_id), acting_as_system(), transaction():
            reconciliation.compare_usage(run_id, payer, gateway(), since=midnight - timedelta(days=1), until=midnight)
    with acting_as_system(), transaction():
        reconciliation.finish(run_id, wanted=len(organizations), now=utc_now())
    with acting_as_system(), transaction():
        reconciliation.find_strangers(run_id, gateway())


@jobs.periodic(cron="0 * * * *")
@jobs.task(queueing_lock="remind_of_pilots")
@in_its_own_session
def remind_of_pilots(timestamp: int) -> None:
    """At least 30, 7 and 1 days before the end, unless a plan was chosen. A moved end is announced again."""
    now = datetime.fromtimestamp(timestamp, UTC)
    with acting_as_system(), transaction():
        for organization in db.session.scalars(
            select(Organization).where(
                Organization.status == OrganizationStatus.LIVE.value,
                Organization.pilot_ends_at > now,
                Organization.pilot_ends_at <= now + timedelta(days=max(REMIND_DAYS)) + AT_LEAST,
            )
        ).all():
            if entitlements.access_for(organization.id, now=now).state is AccessState.PILOT:
                _remind(organization, now=now)


def _remind(organization: Organization, *, now: datetime) -> None:
    ends_at = organization.pilot_ends_at
    assert ends_at is not None  # noqa: S101  only those with a pilot are asked for
    days = min(days for days in REMIND_DAYS if ends_at - now <= timedelta(days=days) + AT_LEAST)
    emails.send_once(
        "pilot_ending",
        organization,
        about=f"{ends_at:%Y-%m-%d}, {days}",
        now=now,
        ends_at=ends_at,
        free=PLANS[PlanCode.FREE],
    )
