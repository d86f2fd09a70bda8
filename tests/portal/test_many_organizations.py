"""What the clock starts takes as many statements for many organizations as for few, where there is nothing to do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Connection, event, text

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from legal_docs.acceptances.status import behind, has_accepted_everything
from portal.console.launch import jobs as launch_jobs
from portal.customer.applications import jobs as application_jobs
from portal.customer.keys import jobs as key_jobs
from portal.notifications import blocked
from portal.notifications import jobs as notification_jobs
from tests.cast import Member
from tests.people import Person, mails_to
from tests.portal.notify import channel, deliveries_of, make_channel
from tests.portal.test_documents import DETAILS, accept_all, publish_next

JOBS: dict[str, Callable[[int], None]] = {
    "blocked decisions": notification_jobs.notify_of_blocked_decisions,
    "old keys": key_jobs.remind_of_old_keys,
    "ending keys": key_jobs.remind_of_ending_keys,
    "follow up": application_jobs.follow_up,
    "launch board": launch_jobs.look_every_hour,
}


def clone(table: str, where: str, source: str, **changes: str) -> None:
    """Rows like one that is there, one for each row of `source`."""
    columns = db.session.scalars(
        text("SELECT column_name FROM information_schema.columns WHERE table_name = :table"), {"table": table}
    ).all()
    values = ", ".join(changes.get(column, f"seed.{column}") for column in columns)
    seed = f"(SELECT * FROM {table} WHERE {where} LIMIT 1) AS seed"
    db.session.execute(text(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {seed}, {source}"))


def add_organizations(app: Flask, count: int, *, tag: str) -> None:
    """Like Ada's: each with a channel for blocked decisions, and with an old key though it is suspended."""
    new, of_new = "gen_random_uuid()", f"organization o WHERE o.slug LIKE '{tag}-%'"
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        numbers = f"generate_series(1, {count}) AS number"
        slug, status = f"'{tag}-' || number", "CASE WHEN number % 2 = 0 THEN 'live' ELSE 'suspended' END"
        clone("organization", "slug = 'ada-and-co'", numbers, id=new, slug=slug, status=status)
        clone("notification_channel", "true", of_new, id=new, organization_id="o.id")
        hashed = "decode(md5(o.id::text) || md5(o.slug), 'hex')"
        suspended = f"{of_new} AND o.status = 'suspended'"
        old = "now() - interval '200 days'"
        clone(
            "api_key",
            "true",
            suspended,
            id=new,
            organization_id="o.id",
            lineage_id=new,
            token_hash=hashed,
            created_at=old,
        )


def statements(app: Flask, work: Callable[[], Any]) -> int:
    count = 0

    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(Connection, "before_cursor_execute", note)
    try:
        with app.app_context():
            work()
    finally:
        event.remove(Connection, "before_cursor_execute", note)
    return count


@pytest.mark.parametrize("name", JOBS)
def test_a_job_asks_as_often_for_thirty_organizations_as_for_three(app: Flask, ada: Member, name: str) -> None:
    make_channel(app, ada.organization_id, "decision.blocked", now=utc_now() - timedelta(minutes=5))
    add_organizations(app, 3, tag="few")
    few = statements(app, lambda: JOBS[name](0))
    add_organizations(app, 30, tag="many")

    many = statements(app, lambda: JOBS[name](0))

    assert many <= few


def test_channels_are_told_of_what_was_blocked_and_the_others_have_been_looked_at(
    app: Flask, ada: Member, as_ada: Any
) -> None:
    since, now = utc_now() - timedelta(minutes=5), utc_now() + timedelta(seconds=60)
    told = make_channel(app, ada.organization_id, "decision.blocked", now=since).channel
    add_organizations(app, 3, tag="quiet")
    as_ada.check(metadata={"contains_personal_data": True})

    with app.app_context(), acting_as_system(), transaction():
        found = blocked.to_notify(now=now)
        quiet = set(
            db.session.scalars(text("SELECT blocked_until FROM notification_channel WHERE id <> :id"), {"id": told.id})
        )

    assert found == [(told.id, ada.organization_id)]
    assert quiet == {now - blocked.SETTLED_AFTER}
    assert channel(app, told.id).blocked_until == since


def test_the_job_tells_and_tells_nothing_twice(app: Flask, ada: Member, as_ada: Any) -> None:
    made = make_channel(app, ada.organization_id, "decision.blocked", now=utc_now() - timedelta(minutes=5)).channel
    as_ada.check(metadata={"contains_personal_data": True})
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(text("UPDATE decision SET decided_at = decided_at - interval '1 minute'"))

    for _ in range(2):
        with app.app_context():
            notification_jobs.notify_of_blocked_decisions(0)

    assert [one.event for one in deliveries_of(app, made.id)] == ["decision.blocked"]


def test_an_old_key_of_a_live_organization_is_reminded_of_once(app: Flask, ada: Member, owner: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(text("UPDATE api_key SET created_at = created_at - interval '100 days'"))
        db.session.execute(text("UPDATE organization SET status = 'live'"))

    for _ in range(2):
        with app.app_context():
            key_jobs.remind_of_old_keys(0)

    assert [mail.template for mail in mails_to(app, owner.email)] == ["key_old"]


@pytest.mark.usefixtures("documents")
def test_who_is_behind_is_the_same_asked_together_or_one_by_one(
    app: Flask, ada: Member, cleo: Member, owner: Person, stranger: Person
) -> None:
    for who in (owner, stranger):
        who.post("/organization/details", **DETAILS)
    accept_all(owner)

    def late() -> tuple[set[UUID], set[UUID]]:
        both, now = {ada.organization_id, cleo.organization_id}, utc_now()
        with app.app_context(), acting_as_system():
            return behind(both, now=now), {one for one in both if not has_accepted_everything(one, now=now)}

    before = late()
    accept_all(stranger)
    after = late()
    publish_next(app)
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(
            text(
                "INSERT INTO legal_notice (id, organization_id, version_id, created_at, first_mail_ids, first_sent_at,"
                " second_mail_ids, second_sent_at, due_at, enforced_at)"
                " SELECT gen_random_uuid(), :id, id, now(), '{}', now(), '{}', now(), now() - interval '1 day', now()"
                " FROM legal_version WHERE number = '2.0'"
            ),
            {"id": ada.organization_id},
        )
    overdue = late()

    assert before == ({cleo.organization_id}, {cleo.organization_id})
    assert after == (set(), set())
    assert overdue == ({ada.organization_id}, {ada.organization_id})
