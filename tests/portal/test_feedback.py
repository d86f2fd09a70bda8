"""Pulses, surveys, check-ins and reviews: when they are due, who answers, and what the answers come to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts import Organization, OrganizationStatus
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from portal.customer.offboarding import data_export
from portal.feedback import erasure, figures, services
from portal.feedback.kinds import EVERY, OF_CUSTOMERS, OF_OPERATORS, QUESTIONS, Kind, is_due
from portal.feedback.models import Feedback
from tests.cast import Member
from tests.people import Browser, Person, link_in, mails_to
from tests.portal.test_documents import DETAILS

START = datetime(2026, 10, 1, 9, 10, tzinfo=UTC)
DAY = timedelta(days=1)
SURVEY = {"ease": "4", "policies_work": "yes", "missing": "A chart.", "would_upgrade": "yes", "case_study": "no"}
CHECK_IN = {"spoke_with": "Ada", "worked": "The log", "trouble": "", "next_steps": "Live key by Friday (Ada)"}
PILOT_REVIEW = {
    "spoke_with": "Ada",
    "usage": "Each chat",
    "worked": "All",
    "trouble": "",
    "recommend": "9",
    "upgrade": "yes",
    "case_study": "yes",
}


@pytest.fixture
def pilot(app: Flask, ada: Member) -> Member:
    """Live since the first of October, in a pilot of half a year."""
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, ada.organization_id)
        organization.status = OrganizationStatus.LIVE.value
        organization.created_at = START
        organization.pilot_ends_at = START + 180 * DAY
    return ada


def asked_on(app: Flask, member: Member, now: datetime) -> list[str]:
    """As the worker does it each morning."""
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, member.organization_id)
        return [one.kind for one in services.ask_what_is_due(organization, now=now)]


def asked(app: Flask, member: Member, kind: Kind, now: datetime | None = None) -> UUID:
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, member.organization_id)
        return services.ask(organization, kind, now=now or utc_now()).id


def kept(app: Flask) -> list[Feedback]:
    with app.app_context(), acting_as_system():
        return list(db.session.scalars(select(Feedback).order_by(Feedback.id)))


def link_of(app: Flask, person: Person) -> str:
    return link_in(mails_to(app, person.email)[-1])


def test_a_pilot_is_asked_each_week_each_fortnight_each_month_and_each_quarter(
    app: Flask, owner: Person, pilot: Member
) -> None:
    days: dict[str, list[int]] = {}
    for day in range(1, 190):
        for kind in asked_on(app, pilot, START + day * DAY):
            days.setdefault(kind, []).append(day)

    assert days["pulse"] == list(range(7, 180, 7))
    assert days["check_in"] == list(range(14, 180, 14))
    assert days["survey"] == list(range(30, 190, 30))
    assert days["quarterly_review"] == [91, 182]
    assert days["pilot_review"] == [166]


def test_who_is_no_pilot_gets_the_survey_and_the_quarterly_review_alone() -> None:
    late = START + 400 * DAY
    due = {kind for kind in Kind if is_due(kind, since=START, last_at=None, pilot_ends_at=START + 180 * DAY, now=late)}

    assert due == {Kind.SURVEY, Kind.QUARTERLY_REVIEW}


@pytest.mark.parametrize("kind", EVERY)
def test_nothing_is_asked_a_day_too_early_or_twice(kind: Kind) -> None:
    pilot_ends_at = START + 180 * DAY

    def due(last_at: datetime | None, after: timedelta) -> bool:
        return is_due(kind, since=START, last_at=last_at, pilot_ends_at=pilot_ends_at, now=START + after)

    assert [due(None, EVERY[kind] - DAY), due(None, EVERY[kind] - timedelta(minutes=5))] == [False, True]
    assert [due(START, EVERY[kind] - DAY), due(START, EVERY[kind])] == [False, True]


def test_the_primary_contact_is_asked_and_answers_once(
    app: Flask, owner: Person, pilot: Member, nobody: Browser
) -> None:
    owner.post("/organization/details", **{**DETAILS, "contact_email": "contact@ada.example"})
    asked(app, pilot, Kind.SURVEY)
    (mail,) = mails_to(app, "contact@ada.example")
    link = link_in(mail)

    assert nobody.get(link).status_code == 200
    assert kept(app)[0].answers is None
    first, again = nobody.post(link, **SURVEY), nobody.post(link, **SURVEY)

    assert (mail.template, first.status_code, again.status_code) == ("feedback_survey", 200, 410)
    assert kept(app)[0].answers == {
        "ease": 4,
        "policies_work": True,
        "missing": "A chart.",
        "would_upgrade": True,
        "case_study": False,
    }
    assert nobody.post("/feedback/of-nobody", **SURVEY).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [{"ease": ""}, {"ease": "6"}, {"ease": "0"}, {"policies_work": "perhaps"}, {"missing": "x" * 4001}],
    ids=["nothing", "too high", "too low", "neither", "too long"],
)
def test_a_bad_answer_is_told_and_nothing_is_kept(
    app: Flask, owner: Person, pilot: Member, nobody: Browser, changes: dict[str, str]
) -> None:
    asked(app, pilot, Kind.SURVEY)

    answer = nobody.post(link_of(app, owner), **{**SURVEY, **changes})

    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert kept(app)[0].answers is None


def test_a_link_is_over_when_its_time_is(app: Flask, owner: Person, pilot: Member, nobody: Browser) -> None:
    asked(app, pilot, Kind.PULSE, utc_now() - timedelta(days=7, minutes=1))

    assert nobody.get(link_of(app, owner)).status_code == 410


def test_who_unsubscribes_is_asked_no_more_and_operators_still_call(
    app: Flask, owner: Person, pilot: Member, operator: Person, nobody: Browser
) -> None:
    asked(app, pilot, Kind.PULSE)

    assert nobody.post(f"{link_of(app, owner)}/stop").status_code == 200

    assert set(asked_on(app, pilot, utc_now() + 100 * DAY)) == {"check_in", "quarterly_review"}


def test_an_operator_records_what_was_said_once(app: Flask, pilot: Member, operator: Person, owner: Person) -> None:
    feedback_id = asked(app, pilot, Kind.CHECK_IN)
    path = f"/console/feedback/{feedback_id}"

    assert mails_to(app, operator.email)[-1].template == "feedback_due"
    assert "Check-in" in operator.get("/console/feedback").text
    answers = [operator.post(path, **CHECK_IN | {"next_steps": ""}), operator.post(path, **CHECK_IN)]

    assert [one.status_code for one in answers] == [422, 303]
    assert operator.post(path, **CHECK_IN).status_code == 410
    assert "Live key by Friday (Ada)" in operator.get(path).text
    page = operator.get(f"/console/feedback/organizations/{pilot.organization_id}").text
    assert "Live key by Friday (Ada)" in page
    assert owner.get(path).status_code == 403


def test_an_operator_cannot_answer_for_the_customer(app: Flask, owner: Person, pilot: Member, operator: Person) -> None:
    feedback_id = asked(app, pilot, Kind.SURVEY)

    assert operator.post(f"/console/feedback/{feedback_id}", **SURVEY).status_code == 404
    assert operator.get(f"/console/feedback/{uuid4()}").status_code == 404


def test_a_call_without_the_clock_is_recorded_too_and_a_double_click_begins_one(
    app: Flask, pilot: Member, operator: Person
) -> None:
    path = f"/console/feedback/organizations/{pilot.organization_id}/check_in"

    first, second = operator.post(path), operator.post(path)

    assert first.headers["Location"] == second.headers["Location"]
    assert len(kept(app)) == 1
    assert operator.post(first.headers["Location"], **CHECK_IN).status_code == 303


def test_the_end_of_a_pilot_is_offered_to_the_customer_too(app: Flask, owner: Person, pilot: Member) -> None:
    asked(app, pilot, Kind.PILOT_REVIEW)

    mail = mails_to(app, owner.email)[-1]
    assert (mail.template, "in a one-hour call" in (mail.text or "")) == ("pilot_review", True)


def test_the_answers_come_to_figures(
    app: Flask, pilot: Member, owner: Person, operator: Person, nobody: Browser
) -> None:
    for score in ("10", "7", "8"):
        asked(app, pilot, Kind.PULSE)
        nobody.post(link_of(app, owner), score=score, words="")
    asked(app, pilot, Kind.PULSE)
    for ease, upgrade in (("5", "yes"), ("2", "no")):
        asked(app, pilot, Kind.SURVEY)
        nobody.post(link_of(app, owner), **{**SURVEY, "ease": ease, "would_upgrade": upgrade})
    for recommend in ("9", "10", "7", "3"):
        review_id = asked(app, pilot, Kind.PILOT_REVIEW)
        operator.post(f"/console/feedback/{review_id}", **{**PILOT_REVIEW, "recommend": recommend})

    now = utc_now()
    with app.app_context(), acting_as_system():
        week = figures.pulse_by_week(now=now)[0]
        survey = figures.survey(now=now)
        satisfaction = figures.satisfaction(since=now - DAY)
        nps = figures.net_promoter_score(since=now - DAY)

    assert (week.asked, week.answered, round(week.mean or 0, 2)) == (4, 3, 8.33)
    assert (survey.answered, survey.ease, survey.shares["Would you choose a paid plan?"]) == (2, 3.5, 0.5)
    assert (round(satisfaction[0] or 0, 2), satisfaction[1]) == (8.33, 3)
    assert nps == (25, 4)
    page = operator.get("/console/feedback").text
    assert ("8.3/10" in page, "3.5/5" in page, "25 from 4" in page) == (True, True, True)
    assert "8.3/10 from 3 responses" in operator.get("/console/figures").text


def test_without_answers_no_figure_is_invented(app: Flask, operator: Person) -> None:
    assert operator.get("/console/feedback").text.count("no data yet") == figures.WEEKS_SHOWN + 1


def test_a_customer_takes_along_their_own_answers_and_not_our_notes(
    app: Flask, pilot: Member, owner: Person, operator: Person, nobody: Browser
) -> None:
    check_in = asked(app, pilot, Kind.CHECK_IN)
    operator.post(f"/console/feedback/{check_in}", **CHECK_IN)
    asked(app, pilot, Kind.SURVEY)
    nobody.post(link_of(app, owner), **SURVEY)

    with app.app_context(), acting_for(pilot.organization_id):
        rows: Any = data_export._feedback(pilot.organization_id)

    assert [(row["kind"], row["answers"]["missing"]) for row in rows] == [("survey", "A chart.")]


def test_it_is_forgotten_with_the_account_and_with_support_records(app: Flask, pilot: Member, owner: Person) -> None:
    asked(app, pilot, Kind.CHECK_IN, START)
    asked(app, pilot, Kind.CHECK_IN, START + DAY)

    with app.app_context(), acting_as_system(), transaction():
        count = erasure.forget_old(before=START + timedelta(seconds=1))
    assert (count, len(kept(app))) == (1, 1)
    with app.app_context(), acting_as_system(), transaction():
        erasure.forget_organization(pilot.organization_id)
    assert kept(app) == []


def test_every_kind_has_questions_and_somebody_who_answers() -> None:
    assert set(QUESTIONS) == set(Kind) == {*OF_CUSTOMERS, *OF_OPERATORS}
    assert len(QUESTIONS[Kind.SURVEY]) == 5
