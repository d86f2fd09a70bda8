"""The four-week plan and the watch after a go-live: dates, owners, ticks, and reminders that come once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.db import acting_as_system, db, transaction
from portal.console.launch.items import Lead
from portal.console.launch.schedules import services
from portal.console.launch.schedules.items import PLAN, WATCH
from portal.console.launch.schedules.models import LaunchStart
from tests.cast import Member
from tests.people import Person, mails_to, person

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
T = datetime(2026, 12, 23, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def make_live(app: Flask, member: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, member.organization_id).status = OrganizationStatus.LIVE.value


def started(app: Flask, organization_id: Any, starts_at: datetime, *, now: datetime) -> LaunchStart:
    with app.app_context(), acting_as_system(), transaction():
        services.set_start(organization_id, starts_at, by=SYSTEM, now=now)
    with app.app_context(), acting_as_system():
        return services.find_start(organization_id)


def remind(app: Flask, now: datetime) -> int:
    with app.app_context(), acting_as_system(), transaction():
        return services.remind(now=now)


def test_the_plan_covers_four_weeks_from_monday_to_friday_with_an_owner_each_day() -> None:
    days = {(task.due_at(MONDAY) - MONDAY).days for task in PLAN}

    assert days == {7 * week + day for week in range(4) for day in range(5)}
    assert {task.owner for task in PLAN} == set(Lead)
    assert [task.due_at(MONDAY) for task in PLAN] == sorted(task.due_at(MONDAY) for task in PLAN)


def test_the_watch_is_two_hours_before_each_two_hours_daily_weekly_and_monthly() -> None:
    after = {group: [task.after for task in WATCH if task.group == group] for group in {task.group for task in WATCH}}

    assert after["Before"] == [-7 * DAY, -2 * HOUR]
    assert [hours for hours in after["The day"] if hours.seconds % 7200 == 0] == [n * 2 * HOUR for n in range(13)]
    assert after["Daily"] == [day * DAY for day in range(2, 8)]
    assert after["Weekly"] == [14 * DAY, 21 * DAY, 28 * DAY]
    assert after["Monthly"] == [day * DAY for day in (60, 90, 120, 150, 180)]
    assert len({task.code for task in (*PLAN, *WATCH)}) == len(PLAN) + len(WATCH)


def test_a_start_gives_every_task_its_date_and_its_owner(app: Flask, operator: Person) -> None:
    assert operator.post("/console/launch/plan", starts_on="2026-11-30").status_code == 303
    for lead in Lead:
        operator.post(f"/console/launch/leads/{lead}", who=str(operator.user_id))

    page = operator.get("/console/launch/plan").text

    assert "30 Nov 2026, 17:00 UTC" in page
    assert "25 Dec 2026, 17:00 UTC" in page
    assert "engineering (Olga)" in page
    assert all(task.code in page for task in PLAN)


@pytest.mark.parametrize("day", ["2026-12-01", "", "soon"], ids=["a tuesday", "none", "no date"])
def test_the_plan_starts_on_a_monday(operator: Person, day: str) -> None:
    assert operator.post("/console/launch/plan", starts_on=day).status_code == 422


def test_a_go_live_is_watched_with_what_the_service_measured(app: Flask, ada: Member, operator: Person) -> None:
    make_live(app, ada)

    answer = operator.post("/console/launch/watch", organization=str(ada.organization_id), starts_at="2026-12-23T08:00")

    assert answer.headers["Location"] == f"/console/launch/watch/{ada.organization_id}"
    page = operator.get(answer.headers["Location"]).text
    assert "23 Dec 2026, 06:00 UTC" in page
    assert "The last 24 hours" in page
    assert operator.post("/console/launch/watch", organization="", starts_at="").status_code == 422
    assert (
        operator.post("/console/launch/watch", organization=str(uuid4()), starts_at="2026-12-23T08:00").status_code
        == 404
    )
    assert operator.get(f"/console/launch/watch/{uuid4()}").status_code == 404


def test_a_task_is_ticked_off_by_name_with_what_was_seen_and_can_be_reopened(
    app: Flask, ada: Member, operator: Person
) -> None:
    start = started(app, ada.organization_id, T, now=T - 10 * DAY)
    path = f"/console/launch/tasks/{start.id}"

    assert operator.post(f"{path}/WATCH-02", words="Preflight is green.").status_code == 303
    assert operator.post(f"{path}/WATCH-02", words="Again, green.").status_code == 303
    page = operator.get(f"/console/launch/watch/{ada.organization_id}").text
    assert "Again, green. Marked as done by Olga" in page
    assert operator.post(f"{path}/WATCH-02", words="").status_code == 422
    assert operator.post(f"{path}/PLAN-01", words="Of another list.").status_code == 404
    assert operator.post(f"{path}/WATCH-02/undo").status_code == 303
    assert "Marked as done by" not in operator.get(f"/console/launch/watch/{ada.organization_id}").text


def test_a_new_date_moves_every_task_and_keeps_what_is_done(app: Flask, ada: Member, operator: Person) -> None:
    start = started(app, ada.organization_id, T, now=T - 10 * DAY)
    operator.post(f"/console/launch/tasks/{start.id}/WATCH-01", words="They confirmed.")

    moved = started(app, ada.organization_id, T + DAY, now=T - 9 * DAY)

    with app.app_context(), acting_as_system():
        lines = services.lines_of(moved)
    assert moved.id == start.id
    assert lines[0].done_by == "Olga"
    assert lines[1].due_at == T + DAY - 2 * HOUR


def test_the_owner_of_what_is_due_gets_one_email(app: Flask, ada: Member, operator: Person) -> None:
    otto = person(app, "Otto", is_operator=True)
    started(app, ada.organization_id, T, now=T - DAY)
    with app.app_context(), acting_as_system(), transaction():
        services.name_lead(Lead.OPERATIONS, otto.user_id, by=SYSTEM, now=T)

    counts = [remind(app, T + 2 * HOUR - timedelta(seconds=1)), remind(app, T + 2 * HOUR), remind(app, T + 2 * HOUR)]

    assert counts == [2, 1, 0]  # two hours before and the switch went to everybody, for their leads are not named
    assert [mail.subject for mail in mails_to(app, otto.email)][-1].startswith(
        "Due 23 Dec 2026, 10:00 UTC: Hour 2: errors"
    )
    assert len([one for one in mails_to(app, operator.email) if one.template == "launch_task_due"]) == 2


def test_nobody_is_reminded_of_what_is_done_or_was_over_when_the_date_was_set(
    app: Flask, ada: Member, operator: Person
) -> None:
    start = started(app, ada.organization_id, T, now=T + 3 * HOUR)
    code = next(task.code for task in WATCH if task.after == 4 * HOUR)
    operator.post(f"/console/launch/tasks/{start.id}/{code}", words="Nothing stands out.")

    assert remind(app, T + 4 * HOUR) == 0
    assert remind(app, T + 6 * HOUR) == 1


def test_the_plan_reminds_in_the_morning_of_each_day(app: Flask, operator: Person) -> None:
    started(app, None, MONDAY, now=MONDAY - DAY)

    assert [remind(app, MONDAY + 8 * HOUR), remind(app, MONDAY + 9 * HOUR), remind(app, MONDAY + 9 * HOUR)] == [0, 1, 0]


def test_late_is_what_is_past_its_time_and_not_done(app: Flask, ada: Member) -> None:
    start = started(app, ada.organization_id, T, now=T - 10 * DAY)

    with app.app_context(), acting_as_system():
        lines = services.lines_of(start)

    assert [lines[0].state(now=now)[0] for now in (T - 8 * DAY, T - 6 * DAY)] == ["ahead", "late"]
