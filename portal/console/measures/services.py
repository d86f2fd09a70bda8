"""Counting what the targets are held against. Needs the system's scope."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, select

from api.usage import availability, limit_accuracy
from api.usage.availability import RequestTotals
from core.accounts import Organization
from core.db import db
from core.scope import needs_system_scope
from portal.console.measures import targets
from portal.console.measures.targets import Measure
from portal.feedback import figures
from portal.public import showcase
from portal.status import probes
from portal.status.detection import Day, uptime_of
from portal.status.models import AvailabilityProbe
from portal.status.states import Component, ProbeSource
from portal.support import sla_deadlines, surveys
from portal.support.models import Ticket
from portal.support.severities import Category, Severity
from portal.support.sla import Kind

_OURS = (probes.SLUG, showcase.SLUG)
_OVER = timedelta(days=targets.OVER_DAYS)
_LIMIT_LOOKED_BACK = timedelta(days=1)


def measures(*, now: datetime) -> list[Measure]:
    """The seven, over the last 30 days; the limit over the last day."""
    since = now - _OVER
    requests = availability.totals(None, since=since, until=now, but=_OURS)
    days = [day for day in probes.days_of(Component.CHECK_API, now=now) if day.day >= since.date()]
    return [
        targets.uptime(uptime_of(days), unknown=sum(day.unknown for day in days), answered=requests.availability),
        _latency(requests, since),
        _errors(requests, days),
        _limiter(now),
        _first_answers(since, now=now),
        _bugs(since, now=now),
        _satisfaction(since),
    ]


@needs_system_scope
def counts() -> dict[str, int]:
    """Organizations by their state, ours aside."""
    query = select(Organization.status, func.count()).where(Organization.slug.not_in(_OURS))
    return {row[0]: row[1] for row in db.session.execute(query.group_by(Organization.status))}


def _latency(requests: RequestTotals, since: datetime) -> Measure:
    """Of customers' requests; as long as there are none, of the probes."""
    p95_ms = requests.p95_ms
    if p95_ms is None:
        return targets.latency(_p95_s(since), is_probed=True)
    return targets.latency(p95_ms / 1000, is_probed=False)


def _errors(requests: RequestTotals, days: Sequence[Day]) -> Measure:
    if requests.valid:
        return targets.errors(requests.valid, requests.failed, is_probed=False)
    return targets.errors(sum(day.probes for day in days), sum(day.failures for day in days), is_probed=True)


def _p95_s(since: datetime) -> float | None:
    query = select(func.percentile_cont(0.95).within_group(AvailabilityProbe.seconds)).where(
        AvailabilityProbe.component == Component.CHECK_API.value,
        AvailabilityProbe.source == ProbeSource.WORKER.value,
        AvailabilityProbe.is_ok,
        AvailabilityProbe.probed_at >= since,
    )
    found = db.session.scalar(query)
    return float(found) if found is not None else None


def _limiter(now: datetime) -> Measure:
    found = limit_accuracy.accuracy(since=now - _LIMIT_LOOKED_BACK, now=now)
    return targets.limiter(looked_at=found.looked_at, beyond=found.beyond, unfounded=found.unfounded)


def _first_answers(since: datetime, *, now: datetime) -> Measure:
    """An answer that is not there yet counts once it is later than promised to anybody."""
    hours, open_late = [], 0
    for ticket in db.session.scalars(select(Ticket).where(Ticket.created_at >= since)):
        clock = next(one for one in sla_deadlines.clocks_of(ticket.id, now=now) if one.kind is Kind.FIRST_RESPONSE)
        if clock.met_at is not None:
            hours.append((clock.met_at - clock.started_at) / timedelta(hours=1))
        elif not clock.is_ended and now - clock.started_at > timedelta(hours=targets.ANSWERED_WITHIN_H):
            open_late += 1
    in_time = sum(one <= targets.ANSWERED_WITHIN_H for one in hours)
    return targets.first_answers(len(hours) + open_late, in_time, median(hours) if hours else None)


def _satisfaction(since: datetime) -> Measure:
    """Every score from 1 to 10 counts the same: of the week, and of a request a week after it was resolved."""
    found = [figures.satisfaction(since=since), surveys.mean_score(since=since)]
    answers = sum(count for _, count in found)
    total = sum(mean * count for mean, count in found if mean is not None)
    return targets.satisfaction(total / answers if answers else None, answers)


def _bugs(since: datetime, *, now: datetime) -> Measure:
    """Bugs that are resolved, or open for longer than they may be."""
    query = select(Ticket).where(
        Ticket.created_at >= since,
        Ticket.category == Category.BUG.value,
        Ticket.severity != Severity.CRITICAL.value,
        Ticket.merged_into.is_(None),
    )
    most = timedelta(hours=targets.BUG_RESOLVED_WITHIN_H)
    took = [
        (ticket.resolved_at, (ticket.resolved_at or now) - ticket.created_at) for ticket in db.session.scalars(query)
    ]
    counted = [time for resolved_at, time in took if resolved_at is not None or time > most]
    return targets.bugs(len(counted), sum(time <= most for time in counted))
