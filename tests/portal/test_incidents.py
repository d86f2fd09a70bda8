"""Incidents and maintenance in the console: moves, clocks, the playbook, the review, and whom they affected."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from api.runtime import runtime
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.ids import new_uuid
from portal.status import affected, handling, maintenances, probes, watch
from portal.status.handling import IncidentMoved, StillWatching
from portal.status.maintenances import MaintenanceMoved
from portal.status.models import Incident
from portal.status.states import Component, ComponentState, Impact, IncidentStatus, MaintenanceStatus
from portal.status.wordings import GAP
from tests.cast import Caller, Member
from tests.people import Browser, Person
from tests.portal.status_scene import INCIDENT, incident, open_incident, probe, trail
from tests.portal.test_team import at_once

REVIEW = dict.fromkeys(
    ("what_happened", "impact", "root_cause", "prevention", "actions", "lessons", "explanation"), "Words about it."
)
MINUTE = timedelta(minutes=1)


def move(app: Flask, incident_id: Any, to: IncidentStatus, *, now: datetime, **changes: Any) -> Incident:
    with app.app_context(), acting_as_system(), transaction():
        values = {
            "version": incident(app, incident_id).version,
            "status": to,
            "impact": Impact.CRITICAL,
            "components": {Component.CHECK_API: ComponentState.MAJOR_OUTAGE},
            "body": "We know more.",
            "by": SYSTEM,
            **changes,
        }
        return handling.say(incident_id, now=now, **values)


def test_an_incident_from_opening_to_its_review(app: Flask, operator: Person, nobody: Browser) -> None:
    opened = operator.post("/console/incidents", **INCIDENT)
    path = opened.headers["Location"]
    incident_id = path.rpartition("/")[2]
    now = utc_now()
    for to in (IncidentStatus.IDENTIFIED, IncidentStatus.MONITORING):
        move(app, incident_id, to, now=now)
    move(app, incident_id, IncidentStatus.RESOLVED, now=now + 30 * MINUTE)
    reviewed = operator.post(f"{path}/review", **REVIEW)

    assert (opened.status_code, reviewed.status_code) == (303, 303)
    page = nobody.get(f"/status/incidents/{incident_id}").text
    assert "Post-mortem" in page
    assert "Root cause" in page
    assert trail(app, "incident") == [
        *("incident.opened", "incident.updated", "incident.updated", "incident.resolved", "incident.reviewed")
    ]
    assert operator.post(f"{path}/review", **{**REVIEW, "lessons": "A better lesson."}).status_code == 303
    assert "A better lesson." in nobody.get(f"/status/incidents/{incident_id}").text
    assert trail(app, "incident").count("incident.reviewed") == 1


def test_the_all_clear_waits_for_the_watch(app: Flask) -> None:
    now = utc_now()
    incident_id = open_incident(app, now=now)
    move(app, incident_id, IncidentStatus.MONITORING, now=now)

    with pytest.raises(StillWatching):
        move(app, incident_id, IncidentStatus.RESOLVED, now=now + 29 * MINUTE)
    with pytest.raises(IncidentMoved):
        move(app, open_incident(app), IncidentStatus.RESOLVED, now=now)

    move(app, incident_id, IncidentStatus.RESOLVED, now=now + 29 * MINUTE, impact=Impact.NONE)
    assert incident(app, incident_id).status == IncidentStatus.RESOLVED


@pytest.mark.parametrize(
    ("impact", "indicator", "headline"),
    [
        (Impact.NONE, "none", "Operational, with no current data"),
        (Impact.MINOR, "minor", "Incident in progress"),
        (Impact.MAJOR, "major", "Incident in progress"),
        (Impact.CRITICAL, "critical", "Incident in progress"),
    ],
)
def test_the_page_is_never_milder_than_an_open_incident(
    app: Flask, nobody: Browser, impact: Impact, indicator: str, headline: str
) -> None:
    probe(app, "...")
    open_incident(app, impact=impact, components={})

    shown = nobody.get("/status/api.json").json["status"]

    assert shown["indicator"] == indicator
    assert shown["description"].startswith(headline)


def test_while_a_fix_is_watched_the_page_says_so_and_not_that_all_is_well(app: Flask, nobody: Browser) -> None:
    probe(app, "...")
    now = utc_now()
    move(app, open_incident(app, now=now), IncidentStatus.MONITORING, now=now, components={})

    shown = nobody.get("/status/api.json").json["status"]

    assert shown == {"indicator": "minor", "description": "A fix is in place and we are monitoring it"}


def test_the_watch_starts_anew_when_the_trouble_comes_back(app: Flask) -> None:
    now = utc_now()
    incident_id = open_incident(app, now=now)
    move(app, incident_id, IncidentStatus.MONITORING, now=now)
    move(app, incident_id, IncidentStatus.MONITORING, now=now + 10 * MINUTE)
    assert incident(app, incident_id).monitoring_from == now

    move(app, incident_id, IncidentStatus.INVESTIGATING, now=now + 20 * MINUTE)
    move(app, incident_id, IncidentStatus.MONITORING, now=now + 25 * MINUTE)

    assert incident(app, incident_id).monitoring_from == now + 25 * MINUTE


def test_of_two_updates_at_once_one_is_sent(live_app: Flask) -> None:
    incident_id = open_incident(live_app)

    def update(body: str) -> None:
        with live_app.app_context(), acting_as_system(), transaction():
            handling.say(
                incident_id,
                version=1,
                status=IncidentStatus.IDENTIFIED,
                impact=Impact.MAJOR,
                components={},
                body=body,
                by=SYSTEM,
                now=utc_now(),
            )

    outcomes = at_once(lambda: update("One."), lambda: update("Two."))

    assert sorted(type(one).__name__ for one in outcomes) == ["IncidentMoved", "NoneType"]


def test_pressing_twice_opens_once(app: Flask, operator: Person) -> None:
    number = str(new_uuid())

    answers = [operator.post("/console/incidents", **INCIDENT, number=number) for _ in range(2)]

    assert {answer.headers["Location"] for answer in answers} == {f"/console/incidents/{number}"}
    assert trail(app, "incident") == ["incident.opened"]


def test_pressing_twice_sends_once(app: Flask, operator: Person) -> None:
    incident_id = open_incident(app)
    fields = {"version": 1, "status": "identified", "impact": "critical", "body": "We found it."}

    answers = [operator.post(f"/console/incidents/{incident_id}/updates", **fields) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 409]
    assert "identified" in answers[1].text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "Enter a title"),
        ("began_at", "soon", "Enter a date and time"),
        ("impact", "huge", "Choose one of the options"),
        ("body", f"Impact: {GAP}", "Fill in every placeholder"),
        ("check_api", "broken", "Choose one of the options"),
    ],
)
def test_what_is_wrong_with_a_new_incident_is_told_at_its_field(
    operator: Person, field: str, value: str, words: str
) -> None:
    answer = operator.post("/console/incidents", **{**INCIDENT, field: value})

    assert answer.status_code == 422
    assert words in answer.text


def test_a_hidden_incident_is_published_once_with_all_that_was_said(
    app: Flask, operator: Person, nobody: Browser
) -> None:
    incident_id = open_incident(app, is_public=False)
    path = f"/console/incidents/{incident_id}"
    assert "Only operators see this incident" in operator.get(path).text

    assert operator.post(f"{path}/publish", version=1).status_code == 303
    assert operator.post(f"{path}/publish", version=1).status_code == 303

    assert nobody.get(f"/status/incidents/{incident_id}").status_code == 200
    assert trail(app, "incident") == ["incident.opened", "incident.published"]


def test_there_is_no_other_id(operator: Person) -> None:
    nothing = "0199f2aa-0000-7000-8000-000000000000"
    for path in ("", "/breach"):
        assert operator.get(f"/console/incidents/{nothing}{path}").status_code == 404
    for path in ("updates", "publish", "steps/confirm.health", "review", "breach", "breach/send", "breach/facts"):
        assert operator.post(f"/console/incidents/{nothing}/{path}").status_code == 404
    assert operator.post(f"/console/maintenances/{nothing}/begin").status_code == 404


class TestPlaybook:
    def test_who_did_a_step_first_stays(self, app: Flask, operator: Person) -> None:
        path = f"/console/incidents/{open_incident(app)}"

        for note in ("Green again.", "Me too."):
            assert operator.post(f"{path}/steps/confirm.health", done="yes", note=note).status_code == 303

        page = operator.get(path).text
        assert "Green again." in page
        assert "Me too." not in page
        assert trail(app, "incident") == ["incident.opened", "incident.step_done"]

    def test_a_step_can_be_taken_back(self, app: Flask, operator: Person) -> None:
        path = f"/console/incidents/{open_incident(app)}"
        operator.post(f"{path}/steps/confirm.health", done="yes", note="Green.")
        operator.post(f"{path}/steps/confirm.health", done="no")
        operator.post(f"{path}/steps/confirm.health", done="no")

        assert "Green." not in operator.get(path).text
        assert trail(app, "incident")[1:] == ["incident.step_done", "incident.step_undone"]

    def test_an_item_that_the_playbook_has_not_is_not_found(self, app: Flask, operator: Person) -> None:
        assert operator.post(f"/console/incidents/{open_incident(app)}/steps/invented", done="yes").status_code == 404

    def test_templates_are_filled_in_and_leave_gaps(self, app: Flask, operator: Person) -> None:
        path = f"/console/incidents/{open_incident(app)}"
        probe(app, "..xxxxx", component=Component.PORTAL)

        suggested = operator.get("/console/incidents").text
        draft = operator.get("/console/incidents/new?component=portal&template=start").text

        assert "Portal: major outage" in suggested
        assert "5 probes in a row" in draft
        assert "not reachable" in draft
        assert "Expected resolution" in operator.get(f"{path}?template=update").text
        assert "more slowly than usual" in operator.get("/console/incidents/new?template=latency").text

    def test_what_an_open_incident_speaks_of_is_not_suggested(self, app: Flask, operator: Person) -> None:
        probe(app, "..xxxxx")
        assert "Review draft" in operator.get("/console/incidents").text

        open_incident(app)

        assert "Review draft" not in operator.get("/console/incidents").text


class TestWarnings:
    def warn(self, app: Flask, now: datetime) -> int:
        with app.app_context(), acting_as_system(), transaction():
            return watch.warn(now=now)

    def test_a_notice_that_is_late_is_told_once(self, app: Flask) -> None:
        now = utc_now()
        open_incident(app, now=now, is_public=False)

        told = [self.warn(app, now + minutes * MINUTE) for minutes in (15, 16, 17)]

        assert told == [0, 1, 0]
        assert trail(app, "incident") == ["incident.opened", "incident.notice_overdue"]

    def test_each_update_that_is_late_is_told_once(self, app: Flask) -> None:
        now = utc_now()
        incident_id = open_incident(app, now=now)
        told = [self.warn(app, now + minutes * MINUTE) for minutes in (14, 16, 20)]
        move(app, incident_id, IncidentStatus.IDENTIFIED, now=now + 21 * MINUTE)

        told += [self.warn(app, now + minutes * MINUTE) for minutes in (35, 37)]

        assert told == [0, 1, 0, 0, 1]

    def test_a_review_that_is_late_is_told_once(self, app: Flask) -> None:
        now = utc_now()
        incident_id = open_incident(app, now=now)
        move(app, incident_id, IncidentStatus.MONITORING, now=now)
        move(app, incident_id, IncidentStatus.RESOLVED, now=now + 30 * MINUTE)

        told = [self.warn(app, now + timedelta(hours=hours)) for hours in (24, 25, 48)]

        assert told == [0, 1, 0]
        assert trail(app, "incident")[-1] == "incident.review_overdue"

    def test_an_incident_without_impact_owes_nothing(self, app: Flask) -> None:
        now = utc_now()
        open_incident(app, now=now, impact=Impact.NONE, is_public=False)

        assert self.warn(app, now + timedelta(days=3)) == 0


class TestAffected:
    def of(self, app: Flask, incident_id: Any, member: Member) -> affected.Affected:
        found = incident(app, incident_id)
        with app.app_context(), acting_as_system():
            return affected.of_incident(found, member.organization_id, now=utc_now() + MINUTE)

    def backdate(self, app: Flask, by: timedelta) -> None:
        """Copies the decisions of today to an earlier time."""
        with app.app_context():
            db.session.execute(text("SELECT set_config('role', 'none', true)"))
            day = (utc_now() - by).date()
            db.session.execute(text("SELECT ensure_decision_partition(:day)"), {"day": day})
            db.session.execute(
                text("""
                    INSERT INTO decision SELECT gen_random_uuid(), decided_at - CAST(:by AS interval), organization_id,
                        api_key_id, environment, model, operation, metadata, subject, risk_score, allowed, reason,
                        reasons, policy_version, latency_us, request_id FROM decision, generate_series(1, 25)
                """),
                {"by": by},
            )
            db.session.commit()

    def test_a_member_sees_their_own_numbers_and_nobody_elses(
        self, app: Flask, ada: Member, as_ada: Caller, owner: Person, stranger: Person, nobody: Browser
    ) -> None:
        incident_id = open_incident(app, began_at=utc_now() - MINUTE)
        as_ada.check()

        found = self.of(app, incident_id, ada)

        assert found.during is not None
        assert (found.during.checks, found.during.minutes, found.findings) == (1, 1, [])
        page = f"/status/incidents/{incident_id}"
        assert "Your checks were answered as usual" in owner.get(page).text
        assert "has no checks in this period" in stranger.get(page).text
        assert "Were you affected" not in nobody.get(page).text
        assert "Were you affected" in owner.get("/status").text

    def test_requests_that_failed_are_told_to_whom_they_belong(
        self, app: Flask, ada: Member, cleo: Member, owner: Person, stranger: Person
    ) -> None:
        began_at = utc_now() - MINUTE
        incident_id = open_incident(app, began_at=began_at)
        for status in (200, 503, 503, 429):
            runtime(app).requests.note(
                ada.organization_id, key_id=ada.key_id, environment="live", status=status, seconds=0.1, at=began_at
            )
        runtime(app).requests.flush()

        assert self.of(app, incident_id, ada).findings[0].startswith("2 of your requests failed")
        page = f"/status/incidents/{incident_id}"
        assert "<strong>2 failed</strong>" in owner.get(page).text
        assert "failed</strong>" not in stranger.get(page).text
        assert self.of(app, incident_id, cleo).requests.failed == 0

    def test_fewer_checks_than_a_week_earlier_are_found(self, app: Flask, ada: Member, as_ada: Caller) -> None:
        incident_id = open_incident(app, began_at=utc_now() - MINUTE)
        as_ada.check()
        self.backdate(app, timedelta(days=7))

        found = self.of(app, incident_id, ada)

        assert found.before is not None
        assert found.before.checks == 25
        assert found.findings == [
            "Fewer of your checks were answered than in the same hours a week earlier: 1 instead of 25."
        ]

    def test_what_is_deleted_is_not_guessed(self, app: Flask, ada: Member, owner: Person) -> None:
        incident_id = open_incident(app, began_at=utc_now() - timedelta(days=100))

        assert self.of(app, incident_id, ada).during is None
        assert "have been deleted" in owner.get(f"/status/incidents/{incident_id}").text


class TestMaintenance:
    def schedule(self, app: Flask, *, now: datetime, ahead: timedelta = timedelta(hours=72)) -> Any:
        with app.app_context(), acting_as_system(), transaction():
            return maintenances.schedule(
                new_uuid(),
                title="A new disk",
                body="We change a disk.",
                components=[Component.CHECK_API],
                starts_at=now + ahead,
                ends_at=now + ahead + timedelta(hours=1),
                by=SYSTEM,
                now=now,
            ).id

    def tick(self, app: Flask, now: datetime) -> None:
        with app.app_context(), acting_as_system(), transaction():
            for one in maintenances.due(now=now):
                maintenances.advance(one, now=now)

    def test_the_clock_begins_and_ends_it(self, app: Flask, nobody: Browser) -> None:
        now = utc_now() - timedelta(hours=72)
        planned = self.schedule(app, now=now)
        assert "Scheduled" in nobody.get(f"/status/maintenances/{planned}").text

        self.tick(app, now + timedelta(hours=72))
        self.tick(app, now + timedelta(hours=72, minutes=1))
        assert nobody.get("/status/api.json").json["components"][0]["status"] == "under_maintenance"
        self.tick(app, now + timedelta(hours=73))

        assert trail(app, "maintenance") == ["maintenance.scheduled", "maintenance.started", "maintenance.completed"]
        assert nobody.get("/status/api.json").json["scheduled_maintenances"] == []

    def test_one_that_the_worker_slept_through_is_begun_and_ended(self, app: Flask) -> None:
        now = utc_now()
        self.schedule(app, now=now)

        self.tick(app, now + timedelta(days=9))

        assert trail(app, "maintenance")[1:] == ["maintenance.started", "maintenance.completed"]

    @pytest.mark.parametrize(("ahead", "uptime"), [(timedelta(hours=48), 100.0), (timedelta(hours=47), 50.0)])
    def test_only_maintenance_that_was_announced_in_time_is_no_outage(
        self, app: Flask, nobody: Browser, ahead: timedelta, uptime: float
    ) -> None:
        begins = utc_now() - 3 * MINUTE
        self.schedule(app, now=begins - ahead, ahead=ahead)
        self.tick(app, begins)

        probe(app, ".x.x", until=begins + 3 * MINUTE)

        found = nobody.get("/status/api.json").json["components"][0]
        assert found["uptime_90_days_percent"] == uptime

    def test_minutes_of_maintenance_that_nobody_measured_are_unknown_and_not_excused(
        self, app: Flask, nobody: Browser
    ) -> None:
        begins = utc_now() - 6 * MINUTE
        self.schedule(app, now=begins - timedelta(hours=72), ahead=timedelta(hours=72))
        self.tick(app, begins)
        probe(app, ".", until=begins)

        probe(app, ".", until=begins + 4 * MINUTE)

        found = nobody.get("/status/api.json").json["components"][0]
        assert (found["minutes_unknown"], found["uptime_90_days_percent"]) == (4, 33.333)

    def test_probes_that_fail_in_maintenance_raise_no_outage(self, app: Flask, nobody: Browser) -> None:
        begins = utc_now() - 10 * MINUTE
        self.schedule(app, now=begins - timedelta(hours=72))
        self.tick(app, begins)

        probe(app, "xxxx")

        assert nobody.get("/status/api.json").json["components"][0]["status"] == "under_maintenance"
        assert trail(app, "probe") == []
        with app.app_context(), acting_as_system():
            assert probes.latest(Component.CHECK_API)[0].is_ok is False

    def test_an_operator_can_be_done_earlier_and_presses_once(self, app: Flask, operator: Person) -> None:
        planned = self.schedule(app, now=utc_now())
        path = f"/console/maintenances/{planned}"

        assert operator.post(f"{path}/begin", version=1, body="We begin.").status_code == 303
        assert operator.post(f"{path}/begin", version=1, body="We begin.").status_code == 409
        assert operator.post(f"{path}/verify", version=2, body="").status_code == 422
        assert operator.post(f"{path}/verify", version=2, body="We look.").status_code == 303
        assert operator.post(f"{path}/complete", version=3, body="Done.").status_code == 303
        assert operator.post(f"{path}/cancel", version=4, body="Too late.").status_code == 409

    def test_a_form_announces_it_once_and_says_what_is_wrong(self, app: Flask, operator: Person) -> None:
        soon = utc_now() + timedelta(days=4)
        form = {
            "number": str(new_uuid()),
            "title": "A new disk",
            "components": "check_api",
            "starts_at": soon.strftime("%Y-%m-%dT%H:%M"),
            "ends_at": (soon + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
            "body": "We change a disk.",
        }

        twice = [operator.post("/console/maintenances", **form).status_code for _ in range(2)]
        assert twice == [303, 303]
        assert trail(app, "maintenance") == ["maintenance.scheduled"]
        for field, value, words in (
            ("ends_at", form["starts_at"], "must be after the start"),
            ("starts_at", "2020-01-01T10:00", "in the future"),
            ("components", "engine", "Choose only from the options"),
        ):
            answer = operator.post("/console/maintenances", **{**form, field: value})
            assert (answer.status_code, words in answer.text) == (422, True)

    def test_no_move_but_those_of_the_table(self, app: Flask) -> None:
        planned = self.schedule(app, now=utc_now())

        for to in (MaintenanceStatus.VERIFYING, MaintenanceStatus.COMPLETED, MaintenanceStatus.SCHEDULED):
            with app.app_context(), acting_as_system(), pytest.raises(MaintenanceMoved):
                maintenances.move(planned, to, version=1, body="No.", by=SYSTEM, now=utc_now())


@pytest.mark.parametrize("table", ["incident", "status_probe", "status_subscriber", "breach", "breach_organization"])
def test_an_organizations_role_reads_none_of_it(app: Flask, ada: Member, table: str) -> None:
    denied = pytest.raises(ProgrammingError, match="denied")
    with app.app_context(), acting_for(ada.organization_id), denied, db.session.begin_nested():
        db.session.execute(text(f"SELECT count(*) FROM {table}"))


def test_an_operator_sees_how_many_customers_it_may_have_reached(
    app: Flask, ada: Member, as_ada: Caller, as_cleo: Caller, operator: Person
) -> None:
    incident_id = open_incident(app, began_at=utc_now() - MINUTE)
    with app.app_context(), acting_as_system(), transaction():
        secret = probes.secret_for_probes(secret_key="a" * 32, now=utc_now())
    for caller in (as_ada, as_cleo, Caller(app.test_client(), secret)):
        assert caller.check().status_code == 200

    page = operator.get(f"/console/incidents/{incident_id}").text

    assert "Customers who received responses since the incident started: 2, compared with 0" in page
