"""The breach room: the 24 hours and the 72, what each organization is told, once in each phase, and drills."""

import codecs
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from core.audit import SYSTEM, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from portal.status import breach_notices, breaches, probes, watch
from portal.status.breach_models import Breach, BreachNotice
from portal.status.clocks import ClockState
from tests.cast import Caller, Member
from tests.people import Browser, Person, mails_to
from tests.portal.status_scene import FACTS, breach_told_to, open_incident, trail
from tests.portal.test_documents import DETAILS

NOW = utc_now()


def stamp(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M"))


def form(**changes: str) -> dict[str, str]:
    return {
        "kind": "real",
        "discovered_at": stamp(NOW),
        "from_at": stamp(NOW - timedelta(days=1)),
        "until_at": stamp(NOW + timedelta(days=1)),
        **FACTS,
        **changes,
    }


@pytest.fixture
def room(app: Flask, operator: Person) -> str:
    """The address of an open breach room, of a real breach."""
    path = f"/console/incidents/{open_incident(app, is_public=False)}/breach"
    assert operator.get(path).status_code == 200
    assert operator.post(path, **form()).status_code == 303
    return path


def breach_of(app: Flask, path: str) -> Breach:
    with app.app_context(), acting_as_system():
        return breaches.find(UUID(path.split("/")[3]))


def test_the_affected_are_told_with_their_own_numbers(
    app: Flask, ada: Member, cleo: Member, as_ada: Caller, owner: Person, stranger: Person, operator: Person, room: str
) -> None:
    owner.post("/organization/details", **{**DETAILS, "contact_email": "contact@ada.example"})
    for subject in ("one", "one", "two", None):
        as_ada.check(**({"subject": subject} if subject else {}))
    operator.post(f"{room}/organizations", slug=ada.slug)

    answer = operator.post(f"{room}/send", version=1)

    assert answer.status_code == 303
    (mail,) = [one for one in mails_to(app, owner.email) if one.template == "breach_notice"]
    assert mail.text is not None
    assert "4 decisions in the log, about 2 pseudonymous subjects" in mail.text
    assert "Not known yet. To follow." in mail.text
    assert len(mails_to(app, "contact@ada.example")) == 1
    assert mails_to(app, stranger.email) == []
    page = owner.get(f"/organization/breaches/{breach_of(app, room).id}")
    assert "71 hours left" in page.text
    assert "Keys were read by somebody" in page.text
    assert stranger.get(f"/organization/breaches/{breach_of(app, room).id}").status_code == 404
    assert "We notified you of a personal data breach" in owner.get("/keys").text
    assert "personal data breach" not in stranger.get("/keys").text
    assert "Sent a breach notice" in owner.get("/audit-trail").text


def test_a_customer_downloads_what_they_were_told(app: Flask, ada: Member, owner: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        breach_id = breach_told_to(ada.organization_id, now=utc_now())

    answer = owner.get(f"/organization/breaches/{breach_id}/notice.txt")

    assert answer.mimetype == "text/plain"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "Nature of the breach" in answer.text


def test_pressing_send_twice_sends_one_phase(
    app: Flask, ada: Member, owner: Person, operator: Person, room: str
) -> None:
    operator.post(f"{room}/organizations", slug=ada.slug)

    answers = [operator.post(f"{room}/send", version=1).status_code for _ in range(2)]

    assert answers == [303, 409]
    assert len(mails_to(app, owner.email)) == 1


def test_what_is_learned_later_goes_out_as_the_next_phase(
    app: Flask, ada: Member, owner: Person, operator: Person, room: str
) -> None:
    operator.post(f"{room}/organizations", slug=ada.slug)
    operator.post(f"{room}/send", version=1)
    operator.post(f"{room}/facts", **form(version="2", consequences="Somebody may have read decisions."))
    operator.post(f"{room}/send", version=3)

    page = owner.get(f"/organization/breaches/{breach_of(app, room).id}").text

    assert "Update 1" in page
    first, second = mails_to(app, owner.email)
    assert "at the latest with this email" in str(first.text)
    assert "started with our first notice of" in str(second.text)
    assert "1 member." in str(second.text)
    assert "Somebody may have read decisions." in page
    with app.app_context(), acting_as_system():
        phases = db.session.scalars(select(BreachNotice.phase).order_by(BreachNotice.phase)).all()
    assert phases == [1, 2]


def test_a_drill_reaches_operators_and_no_customer(app: Flask, ada: Member, owner: Person, operator: Person) -> None:
    path = f"/console/incidents/{open_incident(app, is_public=False)}/breach"
    operator.post(path, **form(kind="drill"))
    operator.post(f"{path}/organizations", slug=ada.slug)
    operator.post(f"{path}/send", version=1)

    assert mails_to(app, owner.email) == []
    (mail,) = mails_to(app, operator.email)
    assert mail.subject.startswith("[Drill]")
    breach_id = breach_of(app, path).id
    assert owner.get(f"/organization/breaches/{breach_id}").status_code == 404
    assert "breach" not in owner.get("/audit-trail").text.lower()
    with app.app_context(), acting_for(ada.organization_id):
        assert db.session.scalars(select(BreachNotice)).all() == []
    with app.app_context(), acting_as_system():
        told = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "breach.notified")).one()
        assert told.organization_id is None


def test_the_24_hours_are_met_when_the_last_was_told(app: Flask, ada: Member, cleo: Member, operator: Person) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        breach_told_to(ada.organization_id, now=now)
        breach = db.session.scalars(select(Breach)).one()
        assert breaches.clock_of(breach).state(now) is ClockState.MET

        breaches.add(breach.incident_id, cleo.slug, by=SYSTEM, now=now)
        late = now + timedelta(hours=25)
        assert breaches.clock_of(breach).state(late) is ClockState.OVERDUE
        watch.warn(now=late)
        watch.warn(now=late)

        breach_notices.send(breach.incident_id, version=2, by=SYSTEM, now=late)
        assert breaches.clock_of(breach).state(late) is ClockState.MET_LATE
    assert trail(app, "breach").count("breach.notice_overdue") == 1


def test_every_customer_with_decisions_can_be_added_but_never_our_own_probes(
    app: Flask, ada: Member, cleo: Member, as_ada: Caller, operator: Person, room: str
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        secret = probes.secret_for_probes(secret_key="a" * 32, now=utc_now())
    Caller(app.test_client(), secret).check()
    as_ada.check()

    assert operator.post(f"{room}/organizations", slug="").status_code == 422
    operator.post(f"{room}/organizations", every="y")

    with app.app_context(), acting_as_system():
        assert [one.slug for one in breaches.organizations_of(breach_of(app, room))] == [ada.slug]


def test_who_was_told_stays_on_the_list(app: Flask, ada: Member, cleo: Member, operator: Person, room: str) -> None:
    for slug in (ada.slug, cleo.slug):
        operator.post(f"{room}/organizations", slug=slug)
    assert operator.post(f"{room}/organizations/{cleo.organization_id}/remove").status_code == 303
    operator.post(f"{room}/send", version=1)

    assert operator.post(f"{room}/organizations/{ada.organization_id}/remove").status_code == 409
    assert operator.post(f"{room}/organizations", slug="nobody").status_code == 404


def test_nobody_is_told_of_nothing_and_a_closed_breach_stays_as_it_is(
    app: Flask, ada: Member, operator: Person, room: str
) -> None:
    assert operator.post(f"{room}/send", version=1).status_code == 409
    assert operator.post(f"{room}/close", version=1).status_code == 303
    operator.post(f"{room}/organizations", slug=ada.slug)
    assert operator.post(f"{room}/send", version=2).status_code == 409
    assert operator.post(f"{room}/facts", **form(version="2")).status_code == 409


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("nature", "", "Describe what is known"),
        ("discovered_at", stamp(NOW + timedelta(days=2)), "in the past"),
        ("until_at", stamp(NOW - timedelta(days=2)), "after the start"),
        ("kind", "maybe", "Choose one of the options"),
    ],
    ids=["nature", "discovered_at", "until_at", "kind"],
)
def test_what_is_wrong_with_a_breach_is_told_at_its_field(
    app: Flask, operator: Person, field: str, value: str, words: str
) -> None:
    path = f"/console/incidents/{open_incident(app)}/breach"

    answer = operator.post(path, **form(**{field: value}))

    assert answer.status_code == 422
    assert words in answer.text


def test_a_second_room_for_the_same_incident_is_refused(operator: Person, room: str) -> None:
    assert operator.post(room, **form()).status_code == 409


def test_the_register_has_every_breach_and_is_safe_to_open(
    app: Flask, operator: Person, nobody: Browser, room: str
) -> None:
    operator.post(f"{room}/facts", **form(version="1", nature="=HYPERLINK(1)"))

    assert "Checks fail" in operator.get("/console/breaches").text
    file = operator.get("/console/breaches.csv").data
    lines = file.decode("utf-8-sig").splitlines()

    assert file.startswith(codecs.BOM_UTF8)
    assert lines[0].startswith("incident,kind,discovered_at")
    assert "'=HYPERLINK(1)" in lines[1]
    assert nobody.get("/console/breaches.csv").status_code == 303
