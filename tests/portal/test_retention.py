"""What the privacy policy says we forget is gone the day after, and not the day before."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Flask
from sqlalchemy import func, select

from backups import erasures
from core.accounts import Organization
from core.audit import SYSTEM
from core.calendar import months_later
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from core.mail import MailMessage, send_mail
from core.members import User
from core.sessions import UserSession
from legal_docs.acceptances import reacceptance
from portal.customer.offboarding import deletion
from portal.retention import forget
from portal.support import desk, watch
from portal.support.models import InboundMail, Ticket
from portal.support.states import REOPENED_WITHIN, RequestStatus
from tests.cast import Member
from tests.legal_docs.scene import NOW, accept_all, found_firm, publish_first_versions, publish_second_terms
from tests.people import NEW, Browser, Person, link_in, mails_to, person, sign_up, tables_with
from tests.portal.support.scene import OLGA, answer, at, misses, opened, said, ticket_of, tickets, watched
from tests.portal.support.test_requests import ask

DAY = timedelta(days=1)
LATER = datetime(2027, 3, 1, tzinfo=UTC)


def forgotten(app: Flask, *, now: datetime) -> dict[str, int]:
    with app.app_context(), acting_as_system(), transaction():
        return forget(now=now)


def closed(app: Flask, organization_id: UUID) -> UUID:
    """A request that was answered late, resolved on 2 October 2026, and closed when it could not be taken up again."""
    ticket_id = opened(app, organization_id, now=at(1))
    watched(app, now=at(1, 12))
    answer(app, ticket_id, now=at(2), then=RequestStatus.RESOLVED)
    with app.app_context(), acting_as_system(), transaction():
        watch.close(ticket_id, now=at(2) + REOPENED_WITHIN)
    return ticket_id


def test_a_session_goes_thirty_days_after_its_end(app: Flask, owner: Person) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        db.session.scalars(select(UserSession)).one().revoked_at = now

    before, after = (forgotten(app, now=now + days * DAY)["sessions"] for days in (30, 31))

    assert (before, after) == (0, 1)


def test_a_session_that_nobody_ended_goes_thirty_days_after_its_last_use(app: Flask, owner: Person) -> None:
    assert forgotten(app, now=utc_now() + 30 * DAY)["sessions"] == 0
    assert forgotten(app, now=utc_now() + 32 * DAY)["sessions"] == 1


def test_a_sign_up_that_nobody_confirmed_goes_after_thirty_days(app: Flask, owner: Person, nobody: Browser) -> None:
    sign_up(nobody)
    now = utc_now()

    before, after = (forgotten(app, now=now + days * DAY)["sign_ups"] for days in (29, 31))

    assert (before, after) == (0, 1)
    assert tables_with(app, NEW["email"]) <= {"audit_event", "mail_message"}
    assert "app_user" in tables_with(app, owner.email)
    assert sign_up(nobody).status_code == 200
    assert link_in(mails_to(app, NEW["email"])[-1])


def test_a_sign_up_that_was_tried_again_has_the_time_of_its_link(app: Flask, nobody: Browser) -> None:
    sign_up(nobody)
    with app.app_context(), acting_as_system(), transaction():
        db.session.scalars(select(User)).one().created_at = utc_now() - 60 * DAY

    assert forgotten(app, now=utc_now() + 2 * DAY)["sign_ups"] == 0
    assert forgotten(app, now=utc_now() + 4 * DAY)["sign_ups"] == 1


def test_an_organization_with_other_members_outlives_one_who_never_confirmed(
    app: Flask, ada: Member, owner: Person
) -> None:
    person(app, "Nick", ada.organization_id, is_confirmed=False)

    assert forgotten(app, now=utc_now() + 31 * DAY)["sign_ups"] == 1
    with app.app_context(), acting_as_system():
        organization = db.session.get_one(Organization, ada.organization_id)
        assert (organization.name, organization.status) == ("Ada-And-Co", "live")


def test_a_mail_goes_after_a_year(app: Flask) -> None:
    with app.app_context(), acting_as_system(), transaction():
        send_mail("reset_password", to="ada@people.example", now=at(1), context={"name": "Ada", "secret": "x"})

    assert forgotten(app, now=months_later(at(1), 12))["mails"] == 0
    assert forgotten(app, now=months_later(at(1), 12) + DAY)["mails"] == 1


def test_a_mail_that_proves_a_notice_or_an_acceptance_stays(app: Flask) -> None:
    with app.app_context(), acting_as_system():
        publish_first_versions()
        firm = found_firm("acme")
        accept_all(firm)
        reacceptance.give_first_notices(publish_second_terms(now=NOW + DAY), now=NOW + DAY)
        send_mail("reset_password", to=firm.email, now=NOW, context={"name": "Ada", "secret": "x"})
        of_breach = {"organization": "Acme", "breach_id": firm.id, "phase": 1, "is_drill": False, "lines": []}
        send_mail("breach_notice", to=firm.email, organization_id=firm.id, now=NOW, context=of_breach)
        kept_before = {mail.template for mail in db.session.scalars(select(MailMessage))}

        forget(now=NOW + timedelta(days=3000))

        kept = {mail.template for mail in db.session.scalars(select(MailMessage))}
    assert kept_before - kept == {"reset_password"}
    assert {"legal_new_version", "breach_notice"} <= kept
    assert len(kept) >= 2


def test_a_request_loses_its_words_and_names_two_years_after_it_was_over(app: Flask, ada: Member, cleo: Member) -> None:
    old, young = closed(app, ada.organization_id), opened(app, cleo.organization_id, now=at(1))
    was_at = ticket_of(app, old).reply_token
    past = months_later(at(2), 24)

    assert forgotten(app, now=past)["requests"] == 0
    assert len(said(app, old)) == 3
    assert forgotten(app, now=past + DAY)["requests"] == 1
    assert forgotten(app, now=past + DAY)["requests"] == 0

    ticket = ticket_of(app, old)
    assert (said(app, old), ticket.subject, ticket.requester_name) == ([], "(deleted)", "Former member")
    assert len(misses(app, old)) == 1
    assert ticket.reply_token != was_at
    assert len(said(app, young)) == 1


def test_a_request_of_somebody_who_left_before_is_forgotten_too(app: Flask, owner: Person, admin: Person) -> None:
    ask(admin, subject="Checks of Jane Doe are refused")
    (ticket,) = tickets(app)
    with app.app_context(), acting_as_system(), transaction():
        deletion.delete_account(admin.user_id, by=SYSTEM, now=utc_now())
        db.session.get_one(Ticket, ticket.id).status = RequestStatus.CLOSED.value

    assert forgotten(app, now=months_later(utc_now(), 24) + DAY)["requests"] == 1
    assert "ticket" not in tables_with(app, "Jane Doe")
    assert ticket_of(app, ticket.id).opened_by is None


def test_a_note_that_was_written_later_has_its_own_two_years(app: Flask, ada: Member) -> None:
    ticket_id = closed(app, ada.organization_id)
    with app.app_context(), acting_as_system(), transaction():
        desk.write_note(ticket_id, "asked by phone", message_id=new_uuid(), author=OLGA, by=SYSTEM, now=LATER)

    forgotten(app, now=months_later(at(2), 24) + DAY)
    assert said(app, ticket_id) == [("internal_note", "asked by phone")]
    forgotten(app, now=months_later(LATER, 24) + DAY)
    assert said(app, ticket_id) == []


def test_the_numbers_of_mails_that_came_in_go_too(app: Flask) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            InboundMail(id=new_uuid(), message_id="<1@people.example>", received_at=at(1), outcome="ignored")
        )
        forget(now=months_later(at(1), 24) + DAY)
        left = db.session.scalar(select(func.count()).select_from(InboundMail))

    assert left == 0


def test_what_came_back_with_a_backup_is_forgotten_again(app: Flask, ada: Member) -> None:
    ticket_id = closed(app, ada.organization_id)

    with app.app_context(), acting_as_system(), transaction():
        erasures.restored.send(now=months_later(at(2), 24) + DAY)

    assert said(app, ticket_id) == []
