"""Applications: the table of moves, one outcome whoever presses at once, and nobody who decides about their own."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from core import audit
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM, Actor, ActorKind
from core.calendar import months_later
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.jobs import run_worker
from core.members import Role
from core.settings import Settings
from local.demo.documents import publish_trial_versions
from portal.customer.applications import review, services
from portal.customer.applications.jobs import expire_applications
from portal.customer.applications.models import Application, MessageKind
from portal.customer.applications.services import ApplicationMoved
from portal.customer.applications.states import MOVES, ApplicationStatus, due_at
from portal.customer.onboarding.tasks import tasks_of
from portal.customer.people import accounts
from tests.people import Browser, Person, join, mails_to, make_user, person
from tests.portal.test_documents import accept_all
from tests.portal.test_team import at_once

DETAILS = {
    "legal_name": "Applicant Ltd",
    "registration_number": "HRB 1",
    "address": "1 Example Street",
    "country": "DE",
    "contact_name": "Ann",
    "contact_email": "ann@people.example",
    "use_case": "Summaries.",
    "expected_checks": "up to 10,000",
}


def found(app: Flask, name: str = "Ann") -> tuple[Person, UUID]:
    """Somebody with an organization in the sandbox."""
    user_id, _ = make_user(app, name)
    with app.app_context(), acting_as_system(), transaction():
        user = accounts.lock(user_id)
        organization = accounts.found_organization(user, name=f"{name} Works", by=SYSTEM, now=utc_now())
        organization_id = organization.id
    browser = Browser(app.test_client())
    browser.sign_in(user_id, organization_id=organization_id)
    return Person(user_id, f"{name.lower()}@people.example", browser), organization_id


@pytest.fixture
def applicant(app: Flask, documents: None) -> tuple[Person, UUID]:
    return found(app)


@pytest.fixture
def submitted(applicant: tuple[Person, UUID]) -> tuple[Person, UUID]:
    ann, organization_id = applicant
    ann.post("/organization/details", **DETAILS)
    accept_all(ann)
    assert ann.post("/application/submit").status_code == 303
    return ann, organization_id


def application_of(app: Flask, organization_id: UUID) -> Application:
    with app.app_context(), acting_as_system():
        application = services.latest(organization_id)
        assert application is not None
        return application


def status_of(app: Flask, organization_id: UUID) -> str:
    with app.app_context(), acting_as_system():
        return db.session.get_one(Organization, organization_id).status


def decide(operator: Person, application: Application, verb: str, words: str = "Because.", **fields: Any) -> Any:
    fields = {"version": application.version, "words": words, **fields}
    return operator.post(f"/console/applications/{application.id}/{verb}", **fields)


def test_it_cannot_be_sent_before_it_is_complete(app: Flask, applicant: tuple[Person, UUID]) -> None:
    ann, organization_id = applicant

    assert ann.post("/application/submit").status_code == 409
    ann.post("/organization/details", **DETAILS)
    assert ann.post("/application/submit").status_code == 409
    accept_all(ann)
    assert ann.post("/application/submit").status_code == 303
    assert ann.post("/application/submit").status_code == 303  # twice is once

    assert application_of(app, organization_id).status == ApplicationStatus.SUBMITTED
    assert "We will decide by" in ann.get("/application").text


def test_approval_makes_the_organization_live_and_tells_the_owner(
    app: Flask, submitted: tuple[Person, UUID], operator: Person
) -> None:
    ann, organization_id = submitted

    answer = decide(operator, application_of(app, organization_id), "approve", pilot_ends_on="2027-05-22")

    assert answer.status_code == 303
    assert status_of(app, organization_id) == OrganizationStatus.LIVE
    assert [mail.template for mail in mails_to(app, ann.email)][-1] == "application_approved"
    assert ann.get("/keys/new?environment=live").status_code == 200
    trail = ann.get("/audit-trail").text
    assert "organization.approved" in trail
    assert "AI Governance operator" in trail
    assert operator.email not in trail


def test_a_question_is_answered_and_comes_back(app: Flask, submitted: tuple[Person, UUID], operator: Person) -> None:
    ann, organization_id = submitted
    decide(operator, application_of(app, organization_id), "ask", "Which data?")
    assert "Which data?" in ann.get("/application").text

    assert ann.post("/application/answer", body="None that is personal.").status_code == 303

    application = application_of(app, organization_id)
    assert application.status == ApplicationStatus.SUBMITTED
    assert "None that is personal." in operator.get(f"/console/applications/{application.id}").text
    assert ann.post("/application/answer", body="Again.").status_code == 409


def test_notes_of_operators_stay_theirs(app: Flask, submitted: tuple[Person, UUID], operator: Person) -> None:
    ann, organization_id = submitted
    application = application_of(app, organization_id)
    decide(operator, application, "note", "Looks odd to me.")

    assert "Looks odd" in operator.get(f"/console/applications/{application.id}").text
    assert "Looks odd" not in ann.get("/application").text
    with app.app_context(), acting_for(organization_id):
        kinds = {message.kind for message in services.messages(application.id)}
        assert kinds == set()
    assert MessageKind.INTERNAL_NOTE not in kinds


@pytest.mark.parametrize(
    ("verb", "advice"),
    [
        ("note", "Enter a note."),
        ("ask", "Enter a question. The customer sees it."),
        ("decline", "Enter a reason. The customer sees it."),
    ],
)
def test_each_action_says_what_it_lacks(
    app: Flask, submitted: tuple[Person, UUID], operator: Person, verb: str, advice: str
) -> None:
    refused = decide(operator, application_of(app, submitted[1]), verb, "")

    assert refused.status_code == 422
    assert advice in refused.text


def test_an_operator_who_read_old_details_is_told_so(
    app: Flask, submitted: tuple[Person, UUID], operator: Person
) -> None:
    ann, organization_id = submitted
    read = application_of(app, organization_id)
    ann.post("/organization/details", **{**DETAILS, "use_case": "Scoring of applicants."})

    answer = decide(operator, read, "approve")

    assert answer.status_code == 409
    assert status_of(app, organization_id) == OrganizationStatus.SANDBOX


def test_a_second_decision_finds_the_first(app: Flask, submitted: tuple[Person, UUID], operator: Person) -> None:
    ann, organization_id = submitted
    read = application_of(app, organization_id)
    decide(operator, read, "decline", "Not now.")

    answer = decide(operator, read, "approve")

    assert answer.status_code == 409
    assert "declined" in answer.text
    assert status_of(app, organization_id) == OrganizationStatus.SANDBOX
    assert "Not now." in ann.get("/application").text
    assert ann.post("/application/submit").status_code == 303


def test_nobody_decides_about_their_own_organization(
    app: Flask, submitted: tuple[Person, UUID], operator: Person
) -> None:
    _, organization_id = submitted
    join(app, operator.user_id, organization_id, Role.VIEWER)

    for verb in ("approve", "decline", "ask", "defer"):
        assert decide(operator, application_of(app, organization_id), verb).status_code == 403


def test_two_operators_at_once_make_one_outcome(live_app: Flask) -> None:
    with live_app.app_context(), acting_as_system():
        publish_trial_versions(Settings())
    ann, organization_id = found(live_app)
    ann.post("/organization/details", **DETAILS)
    accept_all(ann)
    ann.post("/application/submit")
    operators = [person(live_app, name, is_operator=True).user_id for name in ("Olga", "Otto")]
    read = application_of(live_app, organization_id)

    def act(user_id: UUID, verb: str) -> None:
        by = Actor(kind=ActorKind.OPERATOR, id=user_id)
        with live_app.app_context(), acting_as_system(), transaction():
            application = services.find(read.id)
            now = utc_now()
            if verb == "approve":
                review.approve(application, version=read.version, reason="Yes.", pilot_ends_at=now, by=by, now=now)
            else:
                review.decline(application, version=read.version, reason="No.", by=by, now=now)

    outcomes = at_once(lambda: act(operators[0], "approve"), lambda: act(operators[1], "decline"))

    assert [type(one) for one in outcomes if one] == [ApplicationMoved]
    decisions = [mail for mail in mails_to(live_app, ann.email) if mail.template.startswith("application_")]
    assert len(decisions) == 1
    with live_app.app_context(), acting_as_system():
        events = db.session.scalars(
            select(audit.AuditEvent.action).where(
                audit.AuditEvent.action.in_(["application.approved", "application.declined"])
            )
        ).all()
    assert len(events) == 1


@pytest.mark.parametrize("before", list(ApplicationStatus))
@pytest.mark.parametrize("after", list(ApplicationStatus))
def test_every_pair_of_states_moves_as_the_table_says(
    app: Flask, applicant: Any, before: ApplicationStatus, after: ApplicationStatus
) -> None:
    _, organization_id = applicant
    with app.app_context(), acting_as_system():
        application = services.latest(organization_id)
        assert application is not None
        db.session.execute(text("UPDATE application SET status = :status"), {"status": before.value})
        db.session.expire_all()
        if after in MOVES[before]:
            assert services.move(application, after, by=SYSTEM, now=utc_now()).status == after
        else:
            with pytest.raises(ApplicationMoved):
                services.move(application, after, by=SYSTEM, now=utc_now())


def test_an_unanswered_question_expires(app: Flask, submitted: tuple[Person, UUID], operator: Person) -> None:
    ann, organization_id = submitted
    decide(operator, application_of(app, organization_id), "ask", "Which data?")
    application_id = application_of(app, organization_id).id
    with app.app_context(), acting_as_system(), transaction():
        assert review.overdue(utc_now()) == []
        assert review.overdue(utc_now() + timedelta(days=31)) == [application_id]
        db.session.get_one(Application, application_id).due_at = utc_now()

    with app.app_context():
        expire_applications(timestamp=0)
    assert application_of(app, organization_id).status == ApplicationStatus.EXPIRED
    assert mails_to(app, ann.email)[-1].template == "application_expired"


@pytest.mark.parametrize(
    ("submitted_at", "due"),
    [
        ("2026-11-23 10:00", "2026-11-25 10:00"),  # Monday
        ("2026-11-26 10:00", "2026-11-30 10:00"),  # Thursday
        ("2026-11-27 10:00", "2026-12-01 10:00"),  # Friday
        ("2026-11-28 10:00", "2026-12-01 10:00"),  # Saturday
    ],
)
def test_two_working_days_are_promised(submitted_at: str, due: str) -> None:
    assert due_at(_utc(submitted_at)) == _utc(due)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [("2026-11-22 00:00", 6, "2027-05-22 00:00"), ("2026-08-31 00:00", 6, "2027-02-28 00:00")],
)
def test_months_later_is_the_same_day_or_the_last(start: str, months: int, end: str) -> None:
    assert months_later(_utc(start), months) == _utc(end)


def test_the_task_list_knows_what_is_next(app: Flask, applicant: tuple[Person, UUID]) -> None:
    ann, organization_id = applicant

    def titles() -> tuple[int, str]:
        with app.app_context(), acting_for(organization_id):
            tasks = tasks_of(organization_id, organization_status="sandbox", now=utc_now())
            assert tasks.next is not None
            return tasks.done, tasks.next.title

    assert titles() == (1, "Send your first test check")
    ann.post("/organization/details", **DETAILS)
    accept_all(ann)
    assert titles()[0] == 4
    assert ann.get("/start", headers={"HX-Request": "true"}).text.lstrip().startswith('<div id="tasks"')


def _utc(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=UTC)


def test_operators_are_told_of_a_new_application_and_of_an_answer(live_app: Flask) -> None:
    with live_app.app_context(), acting_as_system():
        publish_trial_versions(Settings())
    olga = person(live_app, "Olga", is_operator=True)
    ann, organization_id = found(live_app)
    ann.post("/organization/details", **DETAILS)
    accept_all(ann)
    ann.post("/application/submit")
    run_worker(live_app, until_done=True)
    decide(olga, application_of(live_app, organization_id), "ask", "Which data?")
    ann.post("/application/answer", body="None that is personal.")
    run_worker(live_app, until_done=True)

    assert [mail.subject for mail in mails_to(live_app, olga.email)] == [
        "New approval request: Ann Works",
        "Question answered: Ann Works",
    ]


def test_what_was_put_off_can_be_sent_again(app: Flask, submitted: tuple[Person, UUID], operator: Person) -> None:
    ann, organization_id = submitted
    decide(operator, application_of(app, organization_id), "defer", "Your site is not up yet.")
    assert "Your site is not up yet." in ann.get("/application").text
    assert "Request approval again" in ann.get("/application").text
    assert "We have postponed the decision." in ann.get("/start").text
    assert "under review" not in ann.get("/start").text

    assert ann.post("/application/submit").status_code == 303

    assert application_of(app, organization_id).status == ApplicationStatus.SUBMITTED


def test_the_application_page_shows_every_step_and_which_is_ours(applicant: tuple[Person, UUID]) -> None:
    ann, _ = applicant
    before = ann.get("/application").text
    ann.post("/organization/details", **DETAILS)
    accept_all(ann)
    accepted = ann.get("/legal/accepted").text
    ann.post("/application/submit")
    after = ann.get("/application").text

    for page in (before, after):
        steps = page.partition('aria-labelledby="steps"')[2].partition("</section>")[0]
        assert (steps.count("<li class="), steps.count("Our step</span>")) == (8, 1 if page == after else 0)
    assert "You can request approval when steps 3 to 5 are complete." in before
    assert "Next step: " in accepted
    assert "We will decide by" in after
