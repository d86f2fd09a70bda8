"""The purge, the erasure of one person's rows, and the days they live in."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from api.decisions import retention
from core.accounts import Organization
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from tests.api.test_decisions import insert_decisions
from tests.cast import Caller, Member


def fill(organization_id: UUID, days_ago: int, *, now: datetime) -> None:
    insert_decisions(2, organization_id, now - timedelta(days=days_ago))


def count(organization_id: UUID) -> int:
    query = text("SELECT count(*) FROM decision WHERE organization_id = :id")
    return int(db.session.scalar(query, {"id": organization_id}) or 0)


def moments(organization_id: UUID) -> list[datetime]:
    query = text("SELECT decided_at FROM decision WHERE organization_id = :id ORDER BY decided_at")
    return list(db.session.scalars(query, {"id": organization_id}))


def keep_for(organization_id: UUID, days: int) -> None:
    db.session.execute(
        text("UPDATE organization SET retention_days = :days WHERE id = :id"), {"days": days, "id": organization_id}
    )


def test_each_organization_keeps_its_own_time(app: Flask, ada: Member, cleo: Member) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        keep_for(ada.organization_id, 30)
        keep_for(cleo.organization_id, 365)
        for member in (ada, cleo):
            for days_ago in (29, 31, 364, 366):
                fill(member.organization_id, days_ago, now=now)

    with app.app_context(), transaction():
        purged = retention.purge(now=now)

    with app.app_context(), acting_as_system():
        assert count(ada.organization_id) == 2
        assert count(cleo.organization_id) == 6
    assert purged.decisions == 8
    assert f"decision_{now - timedelta(days=366):%Y%m%d}" in purged.partitions
    assert f"decision_{now - timedelta(days=364):%Y%m%d}" not in purged.partitions


@pytest.mark.parametrize("others_keep_longer", [False, True], ids=["by partitions", "by rows"])
@pytest.mark.parametrize("retention_days", [30, 90, 365])
@pytest.mark.parametrize("hour", [0, 2, 23])
def test_a_day_is_kept_whole_until_its_retention_is_over(
    app: Flask, ada: Member, cleo: Member, retention_days: int, hour: int, others_keep_longer: bool
) -> None:
    now = utc_now().replace(hour=hour, minute=0, second=0, microsecond=0)
    first_kept = now.replace(hour=0) - timedelta(days=retention_days)
    with app.app_context(), acting_as_system(), transaction():
        keep_for(ada.organization_id, retention_days)
        keep_for(cleo.organization_id, retention_days + 30 if others_keep_longer else 30)
        for decided_at in (first_kept - timedelta(microseconds=1), first_kept, now):
            insert_decisions(1, ada.organization_id, decided_at)

    with app.app_context(), transaction():
        retention.purge(now=now)

    with app.app_context(), acting_as_system():
        assert moments(ada.organization_id) == [first_kept, now]


def test_the_purge_is_itself_on_record(app: Flask, ada: Member) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        fill(ada.organization_id, 91, now=now)

    with app.app_context(), transaction():
        retention.purge(now=now)

    with app.app_context(), acting_as_system():
        run = db.session.execute(text("SELECT * FROM purge_run")).one()
        event = db.session.execute(text("SELECT * FROM audit_event WHERE action = 'decisions.purged'")).one()
        assert not retention.is_overdue(now=now)
        assert retention.is_overdue(now=now + timedelta(hours=26))
    assert run.decisions_deleted == 2
    assert event.organization_id == ada.organization_id
    assert event.after == {"decisions": 2, "older_than_days": 90}


def test_a_second_purge_finds_nothing(app: Flask, ada: Member) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        fill(ada.organization_id, 120, now=now)
    with app.app_context(), transaction():
        retention.purge(now=now)

    with app.app_context(), transaction():
        assert retention.purge(now=now).decisions == 0


def test_one_person_s_decisions_can_be_erased(app: Flask, as_ada: Caller, as_cleo: Caller, ada: Member) -> None:
    as_ada.check(subject="person-1")
    kept = as_ada.check(subject="person-2").json["decision_id"]
    theirs = as_cleo.check(subject="person-1").json["decision_id"]

    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, ada.organization_id)
        assert retention.erase_subject(organization, "person-1", by=COMMAND_LINE, now=utc_now()) == 1

    assert [d["decision_id"] for d in as_ada.get("/v1/decisions").json["decisions"]] == [kept]
    assert as_cleo.get(f"/v1/decisions/{theirs}").status_code == 200
    with app.app_context(), acting_as_system():
        trail = db.session.execute(text("SELECT to_jsonb(e)::text FROM audit_event e")).scalars().all()
    assert any("decisions.erased" in event for event in trail)
    assert "person-1" not in str(trail)
