"""Emails that could not be sent: where an operator looks, and where whoever waits for one looks."""

import smtplib
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from core.audit import AuditEvent
from core.db import acting_as_system, db, transaction
from core.mail import MailMessage
from portal.notifications.states import Kind
from tests.cast import Member
from tests.people import Person
from tests.portal.notify import make_channel
from tests.portal.test_departures import waiting_jobs

GONE = "gone@elsewhere.example"
REFUSED = smtplib.SMTPRecipientsRefused({GONE: (550, b"no such user")})


def fail(app: Flask, recipient: str, error: Exception = REFUSED) -> UUID:
    """As when the mail server did not take the last email to them."""
    with app.app_context(), acting_as_system(), transaction():
        query = select(MailMessage).where(MailMessage.recipient == recipient).order_by(MailMessage.id.desc())
        mail = db.session.scalars(query.limit(1)).one()
        mail.sent_at, mail.failure = None, f"{type(error).__name__}: {error}"
        return mail.id


@pytest.fixture
def undelivered(app: Flask, owner: Person) -> UUID:
    """An invitation that did not leave."""
    assert owner.post("/team/invitations", email=GONE, role="viewer").status_code == 303
    return fail(app, GONE)


def test_an_operator_sees_what_was_not_sent_for_whom_why_and_what_to_do(
    operator: Person, ada: Member, undelivered: UUID
) -> None:
    page = operator.get("/console/mail").text

    assert GONE in page
    assert f'href="/console/organizations/{ada.organization_id}"' in page
    assert "no such user" in page
    assert "Ask the organization for a different one" in page


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (smtplib.SMTPAuthenticationError(535, b"who are you"), "Check SMTP_URL"),
        (smtplib.SMTPSenderRefused(550, b"not you", "us@example"), "Check MAIL_FROM"),
        (TimeoutError("timed out"), "retry automatically"),
    ],
)
def test_each_reason_has_its_advice(
    app: Flask, operator: Person, undelivered: UUID, error: Exception, advice: str
) -> None:
    fail(app, GONE, error)

    assert advice in operator.get("/console/mail").text


def test_what_was_sent_or_not_tried_yet_is_not_listed(app: Flask, operator: Person, owner: Person) -> None:
    owner.post("/team/invitations", email=GONE, role="viewer")

    assert GONE not in operator.get("/console/mail").text
    assert "All emails were sent." in operator.get("/console/mail").text


def test_it_is_sent_again_and_that_is_on_the_audit_log(
    app: Flask, operator: Person, ada: Member, undelivered: UUID
) -> None:
    answer = operator.post(f"/console/mail/{undelivered}/again")

    assert answer.status_code == 303
    assert waiting_jobs(app, "core.mail.deliver_mail") == 1
    with app.app_context(), acting_as_system():
        [event] = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "mail.sent_again"))
        assert (event.organization_id, event.subject_id) == (ada.organization_id, str(undelivered))


def test_one_that_has_left_is_not_sent_again(app: Flask, operator: Person, undelivered: UUID) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("UPDATE mail_message SET sent_at = now(), failure = NULL"))

    assert operator.post(f"/console/mail/{undelivered}/again").status_code == 404
    assert waiting_jobs(app, "core.mail.deliver_mail") == 0


@pytest.mark.usefixtures("undelivered")
def test_whoever_invited_sees_that_it_could_not_be_delivered(owner: Person) -> None:
    assert "not delivered" in owner.get("/team").text


@pytest.mark.usefixtures("undelivered")
def test_after_another_try_that_left_nothing_is_said(app: Flask, owner: Person) -> None:
    path = owner.get("/team").text.partition('action="/team/invitations/')[2].partition("/")[0]

    owner.post(f"/team/invitations/{path}/resend")

    assert "not delivered" not in owner.get("/team").text


@pytest.mark.usefixtures("undelivered")
@pytest.mark.parametrize(
    "error", [TimeoutError("timed out"), smtplib.SMTPRecipientsRefused({GONE: (450, b"greylisted, try again")})]
)
def test_a_mail_that_may_still_leave_worries_nobody_but_operators(
    app: Flask, owner: Person, operator: Person, error: Exception
) -> None:
    fail(app, GONE, error)

    assert "not delivered" not in owner.get("/team").text
    assert GONE in operator.get("/console/mail").text


@pytest.mark.usefixtures("undelivered")
def test_another_organization_hears_nothing_of_it(stranger: Person) -> None:
    stranger.post("/team/invitations", email=GONE, role="viewer")

    assert "not delivered" not in stranger.get("/team").text


def test_the_page_of_a_channel_says_that_its_email_could_not_be_delivered(
    app: Flask, ada: Member, admin: Person
) -> None:
    made = make_channel(app, ada.organization_id, kind=Kind.MAIL, target=GONE).channel
    page = f"/organization/notifications/{made.id}"
    assert "could not be delivered" not in admin.get(page).text

    fail(app, GONE)

    assert "could not be delivered" in admin.get(page).text
