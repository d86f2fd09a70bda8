"""The page that operators look at first."""

import re

import pytest
from flask import Flask

from backups.models import BackupRun
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from portal.console import now
from portal.support import rota
from tests.people import Person
from tests.portal.status_scene import open_incident
from tests.portal.support.test_requests import ask, question
from tests.portal.test_queue import send_application


def note_backup(app: Flask, status: str, failure: str | None) -> None:
    at = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        for kind in ("nightly", "verification"):
            run = {"kind": kind, "backup": "a", "status": status, "failure": failure}
            db.session.add(BackupRun(id=new_uuid(), started_at=at, finished_at=at, **run))


def test_what_is_open_and_due_stands_on_it(app: Flask, documents: None, owner: Person, operator: Person) -> None:
    quiet = operator.get("/console").text
    incident_id = open_incident(app)
    ask(owner)
    send_application(app, "Ann")

    page = operator.get("/console").text

    assert "No open incidents." in quiet
    assert "No open tickets." in quiet
    assert "No approval requests are waiting." in quiet
    assert f'href="/console/incidents/{incident_id}"' in page
    assert question()["subject"] in page
    assert "Ann" in page.partition("All approval requests")[2]


def test_it_says_how_severe_a_ticket_is_and_what_is_due(app: Flask, owner: Person, operator: Person) -> None:
    ask(owner, severity="critical")

    row = operator.get("/console").text.partition(question()["subject"])

    assert "critical" in row[0].rpartition("<li>")[2]
    assert "First response due" in row[2].partition("</li>")[0]


def test_it_warns_while_nobody_is_on_call(app: Flask, owner: Person, operator: Person) -> None:
    ask(owner, severity="critical")
    ticket = re.search(r"/console/support/[0-9a-f-]{36}", operator.get("/console").text)
    assert ticket is not None
    before = [operator.get(path).text for path in ("/console", ticket[0])]
    monday = rota.monday_of(utc_now()).isoformat()
    operator.post("/console/support/on-call", monday=monday, who=str(operator.user_id))
    after = [operator.get(path).text for path in ("/console", ticket[0])]

    assert all("Nobody is on call this week." in page for page in before)
    assert not any("Nobody is on call" in page for page in after)


def test_it_says_whether_backups_work(app: Flask, operator: Person) -> None:
    before = operator.get("/console").text
    note_backup(app, "succeeded", None)
    well = operator.get("/console").text
    note_backup(app, "failed", "The disk is full.")
    failed = operator.get("/console").text

    assert "None verified yet." in before
    assert "Verified just now." in well
    assert "The disk is full." in failed
    assert "needs attention" in failed


@pytest.mark.parametrize("trouble", ["unsent", "undelivered", "events_in_trouble", "drifts"])
def test_any_trouble_alone_asks_for_attention(app: Flask, operator: Person, trouble: str) -> None:
    note_backup(app, "succeeded", None)
    with app.app_context(), acting_as_system():
        seen = now.read(operator_id=operator.user_id, now=utc_now())

    assert seen.is_running_well
    fine = {name: getattr(seen, name) for name in seen.__struct_fields__}
    assert not now.Now(**{**fine, trouble: 1}).is_running_well
    assert not now.Now(**{**fine, "failed_jobs": {"core.task": 2}}).is_running_well


def test_nobody_but_operators_opens_it(owner: Person) -> None:
    assert owner.get("/console").status_code in {302, 303, 403, 404}
