"""What the clock counts for every organization at once: as many queries for many as for a few."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event

from api.decisions.jobs import purge_decisions
from api.usage import counts
from api.usage.jobs import count_last_minutes, seal_hours, watch_quotas
from billing import entitlements, metering, usage
from billing.metering import Metered
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import Queue, jobs
from core.jobs.worker import PLACES
from tests.api.test_decisions import insert_decisions
from tests.billing.test_entitlements import in_job
from tests.cast import organization_with_key


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def free_organizations(app: Flask, count: int, *, prefix: str) -> None:
    for number in range(count):
        member = organization_with_key(app, slug=f"{prefix}-{number}")
        with app.app_context(), acting_as_system(), transaction():
            entitlements.refresh(member.organization_id, now=utc_now())
            hour = counts.full_hour(utc_now()) - timedelta(hours=2)
            usage.seal(member.organization_id, {hour: 3}, now=utc_now())


@pytest.mark.parametrize("job", [watch_quotas, seal_hours])
def test_many_organizations_cost_as_many_queries_as_a_few(app: Flask, job: Any) -> None:
    free_organizations(app, 2, prefix="few")
    in_job(app, job)
    with statements(app) as for_few:
        in_job(app, job)
    free_organizations(app, 12, prefix="many")
    with statements(app) as for_many:
        in_job(app, job)

    assert len(for_few) > 0
    assert len(for_many) == len(for_few)


@pytest.fixture
def metered_payers(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Whose period ends in some minutes."""
    found: list[UUID] = []
    payers = lambda _now: [Metered(one, "cus_1", utc_now(), None) for one in found]  # noqa: E731  in the place of a query
    monkeypatch.setattr(metering, "ending_soon", payers)
    return found


@pytest.mark.parametrize("job", [watch_quotas, purge_decisions, count_last_minutes])
def test_many_organizations_with_news_that_is_told_cost_as_many_queries_as_a_few(
    app: Flask, job: Any, metered_payers: list[UUID]
) -> None:
    def add(count: int, prefix: str) -> None:
        for one in organizations_near_their_limit(app, count, prefix=prefix):
            metered_payers.append(one)
            with app.app_context(), acting_as_system(), transaction():
                insert_decisions(1, one, utc_now() - timedelta(days=40))
                insert_decisions(1, one, utc_now() - timedelta(minutes=1))
        in_job(app, watch_quotas)  # tells them, once

    add(2, "few")
    with statements(app) as for_few:
        in_job(app, job)
    add(12, "many")
    with statements(app) as for_many:
        in_job(app, job)

    assert len(for_many) == len(for_few)


def organizations_near_their_limit(app: Flask, count: int, *, prefix: str) -> list[UUID]:
    """With decisions kept for a month, some of them less."""
    made = []
    for number in range(count):
        member = organization_with_key(app, slug=f"{prefix}-{number}")
        made.append(member.organization_id)
        with app.app_context(), acting_as_system(), transaction():
            organization = db.session.get_one(Organization, member.organization_id)
            organization.created_at, organization.retention_days = utc_now() - timedelta(days=9), 30 + number % 2
            organization.pilot_ends_at = None
            entitlements.refresh(member.organization_id, now=utc_now() - timedelta(days=9))
            usage.seal(member.organization_id, {counts.full_hour(utc_now()) - timedelta(hours=2): 9_000}, now=utc_now())
            usage.note_progress(counts.full_hour(utc_now()))
    return made


def test_every_job_has_a_queue_with_places_in_the_worker() -> None:
    unserved = {task.name for task in jobs.tasks.values() if task.queue not in PLACES}

    assert {name for name in unserved if "builtin" not in name} == set()


@pytest.mark.parametrize(
    ("words", "queue"),
    [
        ("deliver_mail", Queue.MAIL),
        ("probe_ourselves", Queue.PROBES),
        ("watch_promises", Queue.CLOCKS),
        ("send_due", Queue.DELIVERIES),
        ("process_event", Queue.STRIPE),
        ("back_up", Queue.LONG),
        ("seal_hours", Queue.LONG),
    ],
)
def test_what_must_not_wait_has_places_that_long_jobs_cannot_take(words: str, queue: Queue) -> None:
    [task] = {task for task in jobs.tasks.values() if task.name.rpartition(".")[2] == words}

    assert task.queue == queue
