"""What is critical: by email or on the page it calls whoever is on call, and strangers cannot call all night."""

from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest
from flask import Flask

from core import current
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.settings import Settings
from portal.support import desk, operator_alerts, rota
from portal.support.jobs import critical_tickets_unanswered
from portal.support.models import Ticket
from portal.support.severities import Level, Severity, severity_of_subject
from portal.support.states import RequestStatus
from tests.cast import Member
from tests.people import Browser, Person, mails_to, person
from tests.portal.support.scene import answer, mails, opened, ticket_of, tickets
from tests.portal.support.test_inbound import TOKEN, hand_in, mail
from tests.portal.support.test_requests import ask, ticket_id_in

PHONE = "+353 1 555 0100"


@pytest.fixture(autouse=True)
def inbound_mail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Settings = app.extensions[current.EXTENSION]
    changes = {"inbound_mail_token": TOKEN, "support_email": "support@provider.example", "on_call_phone": PHONE}
    monkeypatch.setitem(app.extensions, current.EXTENSION, msgspec.structs.replace(settings, **changes))


@pytest.fixture
def otto(app: Flask) -> Person:
    """He is on call this week."""
    on_call, now = person(app, "Otto", is_operator=True), utc_now()
    with app.app_context(), acting_as_system(), transaction():
        rota.put_on_call(rota.monday_of(now), on_call.user_id, by=SYSTEM, now=now)
    return on_call


@pytest.fixture
def write_from(app: Flask, nobody: Browser) -> Callable[[str, str], Ticket]:
    """A mail that opens a request, and the job that it leaves."""

    def write(sender: str, subject: str) -> Ticket:
        raw = mail("support@provider.example", sender=sender, body=f"From {sender}: all checks fail.")
        hand_in(nobody, raw.replace(b"Subject: Re: Request", f"Subject: {subject}".encode()))
        ticket = tickets(app)[-1]
        tell(app, ticket.id)
        return ticket_of(app, ticket.id)

    return write


def tell(app: Flask, ticket_id: UUID) -> None:
    """The job that every new request leaves."""
    with app.app_context():
        operator_alerts.notify_of_opening(str(ticket_id))


def unanswered(app: Flask) -> float:
    with app.app_context(), acting_as_system():
        ((_, count),) = critical_tickets_unanswered()
        return count


@pytest.mark.parametrize(
    ("subject", "severity"),
    [
        ("CRITICAL: all checks fail", Severity.CRITICAL),
        ("critical:all checks fail", Severity.CRITICAL),
        ("  Critical: help", Severity.CRITICAL),
        ("Is this critical: no", Severity.MEDIUM),
        ("CRITICAL question", Severity.MEDIUM),
        ("", Severity.MEDIUM),
    ],
)
def test_a_subject_says_how_grave_it_is_only_where_it_begins(subject: str, severity: Severity) -> None:
    assert severity_of_subject(subject) is severity


def test_a_critical_email_opens_a_critical_request_and_calls_whoever_is_on_call(
    app: Flask, owner: Person, operator: Person, otto: Person, write_from: Callable[[str, str], Ticket]
) -> None:
    ticket = write_from(f"Ada <{owner.email}>", "CRITICAL: all checks fail")

    assert (ticket.severity, ticket.level) == (Severity.CRITICAL, Level.ON_CALL)
    assert [one.recipient for one in mails(app, "ticket_escalated")] == [otto.email]
    assert {one.recipient for one in mails(app, "ticket_waits")} >= {operator.email, otto.email}
    assert unanswered(app) == 1


def test_the_acknowledgement_says_whom_to_call_and_what_to_quote(
    app: Flask, owner: Person, write_from: Callable[[str, str], Ticket]
) -> None:
    ticket = write_from(f"Ada <{owner.email}>", "CRITICAL: all checks fail")

    said = mails(app, "ticket_opened")[-1].text or ""

    assert PHONE in said
    assert f"give the request number ({ticket.number})" in said


def test_any_other_email_is_a_question_and_calls_nobody(
    app: Flask, owner: Person, otto: Person, write_from: Callable[[str, str], Ticket]
) -> None:
    ticket = write_from(f"Ada <{owner.email}>", "Where is the guide?")

    assert (ticket.severity, ticket.level) == (Severity.MEDIUM, Level.SUPPORT)
    assert mails(app, "ticket_escalated") == []
    assert PHONE not in (mails(app, "ticket_opened")[-1].text or "")
    assert unanswered(app) == 0


def test_a_critical_request_on_the_page_calls_just_as_well_and_once(app: Flask, owner: Person, otto: Person) -> None:
    ticket_id = ticket_id_in(ask(owner, severity="critical"))

    for _ in range(3):
        tell(app, ticket_id)

    assert [one.recipient for one in mails(app, "ticket_escalated")] == [otto.email]


def test_with_nobody_on_call_every_operator_is_called(app: Flask, owner: Person, operator: Person) -> None:
    ticket_id = ticket_id_in(ask(owner, severity="critical"))

    tell(app, ticket_id)

    assert [one.recipient for one in mails(app, "ticket_escalated")] == [operator.email]


def test_strangers_call_a_few_times_an_hour_and_members_always(
    app: Flask, owner: Person, otto: Person, write_from: Callable[[str, str], Ticket]
) -> None:
    strangers = [write_from(f"eve{number}@elsewhere.example", "CRITICAL: wake up") for number in range(5)]
    member = write_from(f"Ada <{owner.email}>", "CRITICAL: all checks fail")

    assert [one.level == Level.ON_CALL for one in strangers] == [True, True, True, False, False]
    assert {one.severity for one in strangers} == {Severity.CRITICAL}
    assert member.level == Level.ON_CALL
    assert len(mails(app, "ticket_escalated")) == desk.STRANGERS_CALLS_AN_HOUR + 1
    assert all(PHONE not in (one.text or "") for one in mails_to(app, "eve1@elsewhere.example"))


def test_the_pager_is_quiet_once_somebody_took_it(app: Flask, ada: Member, operator: Person, otto: Person) -> None:
    ticket_id = opened(app, ada.organization_id, now=utc_now(), severity=Severity.CRITICAL)
    tell(app, ticket_id)
    before = unanswered(app)

    operator.post(
        f"/console/support/{ticket_id}/assign", assignee=str(otto.user_id), version=ticket_of(app, ticket_id).version
    )

    assert (before, unanswered(app)) == (1, 0)


def test_an_answered_request_calls_nobody_however_late_the_job_runs(app: Flask, ada: Member, otto: Person) -> None:
    ticket_id = opened(app, ada.organization_id, now=utc_now(), severity=Severity.CRITICAL)
    answer(app, ticket_id, now=utc_now(), then=RequestStatus.RESOLVED)

    tell(app, ticket_id)

    assert mails(app, "ticket_escalated") == []
