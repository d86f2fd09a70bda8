"""Keeping what probes measured, and the key they are made with. Needs the system's scope."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from api.keys import services as keys
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.policies import services as policies
from core import accounts, audit, encryption
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.db import db
from core.scope import needs_system_scope
from portal.status import maintenances, probe_days
from portal.status.detection import (
    FAILED_AFTER_S,
    FAILURES_FOR_OUTAGE,
    LOOKED_AT,
    UPTIME_DAYS,
    Day,
    Sample,
    by_minute,
    days_until,
    detected,
    failures_in_a_row,
)
from portal.status.models import AvailabilityDay, AvailabilityKey, AvailabilityProbe
from portal.status.prober import KEY_REFUSED
from portal.status.states import Component, ComponentState, ProbeSource

SLUG = "status-probes"
"""Of our own organization. Nobody else can have it: whoever signs up gets a slug with a random end."""
_PURPOSE = "status probes"
_SCOPES = (Scope.CHECKS_WRITE, Scope.DECISIONS_READ, Scope.POLICIES_READ)
_WAITING = text("""
    SELECT greatest(
        (SELECT extract(epoch FROM :now - min(created_at)) FROM mail_message WHERE sent_at IS NULL),
        (SELECT extract(epoch FROM :now - min(coalesce(jobs.scheduled_at, events.at)))
         FROM jobs.procrastinate_jobs AS jobs
         JOIN jobs.procrastinate_events AS events ON events.job_id = jobs.id AND events.type = 'deferred'
         WHERE jobs.status = 'todo' AND coalesce(jobs.scheduled_at, events.at) <= :now)
    )
""")


@needs_system_scope
def secret_for_probes(*, secret_key: str, now: datetime) -> str:
    """A test key of an organization of our own, made at the first probe: test checks are billed to nobody."""
    kept = db.session.scalar(
        select(AvailabilityKey).order_by(AvailabilityKey.created_at.desc()).limit(1).with_for_update()
    )
    if kept is not None:
        secret = encryption.decrypt(_PURPOSE, kept.sealed_secret, secret_keys=(secret_key,))
        if secret is not None:
            return secret
        keys.revoke(_organization(now).id, kept.key_id, reason="the app's secret was changed", by=SYSTEM, now=now)
        db.session.delete(kept)
        db.session.flush()
    issued = keys.issue(
        _organization(now).id,
        name=f"Probes since {now:%Y-%m-%d %H:%M:%S}",
        environment=KeyEnvironment.TEST,
        scopes=_SCOPES,
        by=SYSTEM,
        now=now,
    )
    sealed = encryption.encrypt(_PURPOSE, issued.secret, secret_key=secret_key)
    db.session.add(AvailabilityKey(key_id=issued.key.id, sealed_secret=sealed, created_at=now))
    return issued.secret


@needs_system_scope
def renew_key_if_refused(samples: Sequence[Sample], *, now: datetime) -> None:
    """The next probe makes another key. Once: if that is refused too, the trouble is not the key."""
    refused = [one for one in samples if one.failure == KEY_REFUSED]
    if not refused or failures_in_a_row(latest(refused[0].component)) > 1:
        return
    for kept in db.session.scalars(select(AvailabilityKey)):
        keys.revoke(_organization(now).id, kept.key_id, reason="refused to a probe", by=SYSTEM, now=now)
        db.session.delete(kept)


@needs_system_scope
def sample_of_messages(*, now: datetime) -> Sample:
    """How long the oldest mail or job has waited that should have left by now."""
    waited_s = float(db.session.scalar(_WAITING, {"now": now}) or 0)
    is_ok = waited_s <= FAILED_AFTER_S
    failure = None if is_ok else "waiting"
    return Sample(component=Component.MESSAGES, probed_at=now, is_ok=is_ok, seconds=max(0, waited_s), failure=failure)


@needs_system_scope
def note(samples: Sequence[Sample], *, now: datetime, source: ProbeSource = ProbeSource.WORKER) -> int:
    """Keeps them, counts their day anew, and tells the audit log once of a component that goes on failing.

    How many were new.
    """
    return sum(_note(sample, source, now=now) for sample in samples)


def _note(sample: Sample, source: ProbeSource, *, now: datetime) -> bool:
    is_excused = not sample.is_ok and sample.component in maintenances.excused_components(now=sample.probed_at)
    failed_before = _failures_in_a_row(sample.component)
    probe_days.lock(sample.component, sample.probed_at)
    added = db.session.execute(
        insert(AvailabilityProbe)
        .values(
            component=sample.component.value,
            probed_at=sample.probed_at,
            source=source.value,
            is_ok=sample.is_ok,
            seconds=sample.seconds,
            failure=sample.failure,
            is_excused=is_excused,
        )
        .on_conflict_do_nothing()
        .returning(AvailabilityProbe.component)
    ).first()
    if added is None:
        return False
    probe_days.count_again(sample.component, sample.probed_at)
    if not is_excused:
        _record_failing(sample, failed_before, now=now)
    return True


def states(*, now: datetime) -> dict[Component, ComponentState | None]:
    """What the probes say of each component."""
    return {component: detected(latest(component), now=now) for component in Component}


@needs_system_scope
def latest(component: Component, *, size: int = LOOKED_AT, but_excused: bool = False) -> list[Sample]:
    """By the minute, the newest first; `but_excused` leaves out what failed in announced maintenance, for whoever
    raises alarms."""
    query = (
        select(AvailabilityProbe)
        .where(AvailabilityProbe.component == component.value)
        .order_by(AvailabilityProbe.probed_at.desc())
        .limit(size * len(ProbeSource))
    )
    if but_excused:
        query = query.where(AvailabilityProbe.is_excused.is_(False))
    rows = db.session.scalars(query)
    found = (
        Sample(component=component, probed_at=row.probed_at, is_ok=row.is_ok, seconds=row.seconds, failure=row.failure)
        for row in rows
    )
    return by_minute(found)[:size]


@needs_system_scope
def days_of(component: Component, *, now: datetime) -> list[Day]:
    """The last 90 days, the oldest first."""
    today = now.date()
    span = select(func.min(AvailabilityProbe.probed_at), func.max(AvailabilityProbe.probed_at))
    since, last = db.session.execute(span.where(AvailabilityProbe.component == component.value)).one()
    rows = db.session.scalars(
        select(AvailabilityDay).where(
            AvailabilityDay.component == component.value, AvailabilityDay.day > today - timedelta(days=UPTIME_DAYS)
        )
    )
    found = [Day(row.day, row.probes, row.failures, row.excused) for row in rows]
    return days_until(now, found, since=since, latest=last)


@needs_system_scope
def purge(*, now: datetime) -> None:
    db.session.execute(delete(AvailabilityProbe).where(AvailabilityProbe.probed_at < now - timedelta(days=UPTIME_DAYS)))


@needs_system_scope
def last_success() -> datetime | None:
    """Of the check path."""
    return db.session.scalar(
        select(func.max(AvailabilityProbe.probed_at)).where(
            AvailabilityProbe.component == Component.CHECK_API.value, AvailabilityProbe.is_ok
        )
    )


def _failures_in_a_row(component: Component) -> int:
    return failures_in_a_row(latest(component, size=FAILURES_FOR_OUTAGE + 1, but_excused=True))


def _record_failing(sample: Sample, failed_before: int, *, now: datetime) -> None:
    """At the failure that makes it an outage, and at none after it."""
    row = _failures_in_a_row(sample.component)
    if not sample.is_ok and failed_before < FAILURES_FOR_OUTAGE <= row:
        after = {"component": sample.component.value, "failures": row, "failure": sample.failure}
        audit.write(None, "probe.failing", by=SYSTEM, now=now, subject_id=sample.component.value, after=after)


def _organization(now: datetime) -> Organization:
    try:
        return accounts.find_by_slug(SLUG)
    except accounts.UnknownOrganization:
        organization = accounts.create(
            slug=SLUG, name="Status probes (our own)", by=SYSTEM, now=now, status=OrganizationStatus.SANDBOX
        )
        organization.retention_days = 30
        policies.seed(now=now)
        return organization
