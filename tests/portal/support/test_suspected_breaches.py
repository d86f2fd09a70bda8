"""A suspected breach: the report, its 24 hours, and the way into the breach room, once."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from portal.console.suspected_breaches import services
from portal.customer.suspected_breaches.models import SuspectedBreach
from portal.customer.suspected_breaches.states import ASSESSED_WITHIN, state_of
from portal.status import breaches
from portal.support.severities import Severity
from tests.cast import Member
from tests.people import Person, mails_to
from tests.portal.support.scene import at, said, ticket_of, tickets

NOW = utc_now()


def stamp(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M"))


def report(who: Person, **changes: str) -> Any:
    form = {
        "once": str(uuid4()),
        "what": "A key of ours is used from an address that is not ours.",
        "noticed_at": stamp(NOW - timedelta(hours=1)),
        "began_at": stamp(NOW - timedelta(hours=5)),
        "api_key_id": "",
        "request_id": "",
        "measures": "We revoked it.",
    }
    return who.post("/support/suspected-breach", **{**form, **changes})


def ticket_id_in(response: Any) -> UUID:
    return UUID(response.headers["Location"].rsplit("/", 1)[1])


def of(app: Flask, ticket_id: UUID) -> SuspectedBreach:
    with app.app_context(), acting_as_system():
        return db.session.get_one(SuspectedBreach, ticket_id)


def assess(operator: Person, ticket_id: UUID, verdict: str, **changes: str) -> Any:
    form = {"verdict": verdict, "into": "", "words": "We looked at the logs of that key.", **changes}
    return operator.post(f"/console/suspected-breaches/{ticket_id}", **form)


def test_a_result_has_to_be_chosen(app: Flask, owner: Person, operator: Person) -> None:
    ticket_id = ticket_id_in(report(owner))

    answer = assess(operator, ticket_id, "")

    assert answer.status_code == 422
    assert "Choose a result." in answer.text
    assert of(app, ticket_id).verdict is None


def test_a_report_is_a_critical_request_with_24_hours_from_then(app: Flask, owner: Person, operator: Person) -> None:
    before = utc_now()
    answer = report(owner)
    ticket_id = ticket_id_in(answer)

    assert answer.status_code == 303
    assert ticket_of(app, ticket_id).severity == Severity.CRITICAL
    assert "We revoked it." in said(app, ticket_id)[0][1]
    kept = of(app, ticket_id)
    assert before <= kept.reported_at <= utc_now()
    assert kept.due_at - kept.reported_at == ASSESSED_WITHIN == timedelta(hours=24)
    assert re.search(r"2[34] hours left", owner.get(answer.headers["Location"]).text)
    assert "Reported a suspected breach" in owner.get("/audit-trail").text
    assert str(ticket_id) in operator.get("/console/suspected-breaches").text


def test_a_double_click_reports_once(app: Flask, owner: Person) -> None:
    once = str(uuid4())

    first, second = report(owner, once=once), report(owner, once=once)

    assert first.headers["Location"] == second.headers["Location"]
    assert len(tickets(app)) == 1


def test_a_stranger_sees_nothing_of_it(owner: Person, stranger: Person) -> None:
    path = report(owner).headers["Location"]

    assert stranger.get(path).status_code == 404
    assert "Earlier reports" in owner.get("/support/suspected-breach").text
    assert "Earlier reports" not in stranger.get("/support/suspected-breach").text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"what": ""}, "Describe what happened."),
        ({"noticed_at": ""}, "Enter a date and time."),
        ({"noticed_at": stamp(NOW + timedelta(days=1))}, "Enter a time in the past."),
        ({"began_at": stamp(NOW)}, "It must have begun before you noticed it."),
        ({"api_key_id": "aig_live_secret"}, "Enter an ID that starts with key_."),
    ],
    ids=["no words", "no time", "future", "order", "a secret"],
)
def test_bad_input_is_told_at_its_field_and_nothing_is_kept(
    app: Flask, owner: Person, changes: dict[str, str], told: str
) -> None:
    answer = report(owner, **changes)

    assert (answer.status_code, told in answer.text) == (422, True)
    assert tickets(app) == []


def test_a_breach_of_ours_opens_the_breach_room_discovered_when_it_was_reported(
    app: Flask, ada: Member, owner: Person, operator: Person
) -> None:
    ticket_id = ticket_id_in(report(owner))

    answer = assess(operator, ticket_id, "breach")

    kept = of(app, ticket_id)
    assert kept.incident_id is not None
    assert answer.headers["Location"] == f"/console/incidents/{kept.incident_id}/breach"
    assert operator.get(answer.headers["Location"]).status_code == 200
    with app.app_context(), acting_as_system():
        breach = breaches.find(kept.incident_id)
        assert [one.id for one in breaches.organizations_of(breach)] == [ada.organization_id]
        assert breaches.clock_of(breach).due_at == kept.due_at
        assert (breach.is_drill, breach.nature) == (False, "We looked at the logs of that key.")
    assert "Personal data breach at our service" in owner.get(f"/support/suspected-breach/{ticket_id}").text
    assert said(app, ticket_id)[-1] == ("answer", "We looked at the logs of that key.")
    assert mails_to(app, owner.email)[-1].template == "ticket_answered"


def test_a_second_report_joins_the_breach_that_is_open(
    app: Flask, ada: Member, cleo: Member, owner: Person, stranger: Person, operator: Person
) -> None:
    first, second = ticket_id_in(report(owner)), ticket_id_in(report(stranger))
    assess(operator, first, "breach")
    incident_id = of(app, first).incident_id
    assert incident_id is not None

    assess(operator, second, "breach", into=str(incident_id))

    with app.app_context(), acting_as_system():
        affected = {one.id for one in breaches.organizations_of(breaches.find(incident_id))}
    assert affected == {ada.organization_id, cleo.organization_id}
    assert assess(operator, ticket_id_in(report(owner)), "breach", into=str(uuid4())).status_code == 422


@pytest.mark.parametrize("verdict", ["customer_side", "no_breach"])
def test_anything_else_is_an_answer_and_no_breach(app: Flask, owner: Person, operator: Person, verdict: str) -> None:
    ticket_id = ticket_id_in(report(owner))

    assess(operator, ticket_id, verdict)

    assert (of(app, ticket_id).verdict, of(app, ticket_id).incident_id) == (verdict, None)
    with app.app_context(), acting_as_system():
        assert breaches.register() == []


def test_it_is_assessed_once_and_with_words(app: Flask, owner: Person, operator: Person) -> None:
    ticket_id = ticket_id_in(report(owner))

    answers = [
        assess(operator, ticket_id, "no_breach", words="").status_code,
        assess(operator, ticket_id, "perhaps").status_code,
        assess(operator, ticket_id, "no_breach").status_code,
        assess(operator, ticket_id, "breach").status_code,
    ]

    assert answers == [422, 422, 303, 409]
    assert of(app, ticket_id).verdict == "no_breach"
    with app.app_context(), acting_as_system():
        assert breaches.register() == []


def test_the_pager_hears_of_it_six_hours_before_the_end(app: Flask, owner: Person, operator: Person) -> None:
    ticket_id = ticket_id_in(report(owner))
    due_at = of(app, ticket_id).due_at

    def pressing(minutes_before: int) -> int:
        with app.app_context(), acting_as_system(), transaction():
            return services.pressing(now=due_at - timedelta(minutes=minutes_before))

    assert [pressing(361), pressing(360), pressing(-600)] == [0, 1, 1]
    assess(operator, ticket_id, "no_breach")
    assert pressing(0) == 0


@pytest.mark.parametrize(
    ("now", "assessed_at", "words"),
    [
        (at(1, 0), None, ("24 hours left", "warn")),
        (at(1, 18), None, ("6 hours left", "bad")),
        (at(1, 23), None, ("1 hour left", "bad")),
        (at(2, 0, 1), None, ("overdue", "bad")),
        (at(9), at(2, 0), ("assessed in time", "good")),
        (at(9), at(2, 0, 1), ("assessed late", "bad")),
    ],
    ids=["begin", "pressing", "last hour", "over", "in time", "late"],
)
def test_the_clock_says_how_it_stands(now: Any, assessed_at: Any, words: tuple[str, str]) -> None:
    assert state_of(at(2, 0), assessed_at, now=now) == words
