"""Mail that comes in: answers, new requests, strangers, machines, and mails that come twice."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select, text

from core import current
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Settings
from portal.customer.offboarding import deletion
from portal.support import erasure, records, uploads
from portal.support.inbound import reading, storing, taking
from portal.support.models import InboundMail, MailOutcome
from portal.support.states import RequestStatus
from tests.cast import Member
from tests.people import Browser, Person, mails_to
from tests.portal.support.scene import answer, at, mails, opened, said, ticket_of, tickets
from tests.portal.support.test_requests import question, ticket_id_in

TOKEN = "a-token-for-the-mail-provider"


@pytest.fixture(autouse=True)
def inbound_mail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Settings = app.extensions[current.EXTENSION]
    taking = msgspec.structs.replace(settings, inbound_mail_token=TOKEN, support_email="support@provider.example")
    monkeypatch.setitem(app.extensions, current.EXTENSION, taking)


def mail(to: str, *, sender: str = "Ada <ada@people.example>", body: str = "It works now.", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = "Re: Request"
    message["Message-ID"] = "<1@people.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message.as_bytes()


def hand_in(nobody: Browser, raw: bytes, token: str = TOKEN) -> Any:
    """The provider hands it in, and the worker files what waits."""
    answered = send_in(nobody, raw, token)
    with nobody.client.application.app_context(), acting_as_system(), transaction():
        query = select(InboundMail.id).where(InboundMail.outcome == MailOutcome.RECEIVED.value)
        for mail_id in db.session.scalars(query).all():
            taking.take(mail_id, now=utc_now())
    return answered


def send_in(nobody: Browser, raw: bytes, token: str = TOKEN) -> Any:
    return nobody.client.post(
        "/webhooks/inbound-mail",
        data=raw,
        content_type="message/rfc822",
        headers={"Authorization": f"Bearer {token}"},
    )


def kept(app: Flask) -> list[InboundMail]:
    """Every mail that came in, the first first."""
    with app.app_context(), acting_as_system():
        return list(db.session.scalars(select(InboundMail).order_by(InboundMail.id)))


def outcomes(app: Flask) -> list[tuple[str, str | None]]:
    return [(row.outcome, row.reason) for row in kept(app)]


def address_of(app: Flask) -> str:
    """Where the latest mail about a request wants its answer."""
    reply_to = mails(app, "ticket_opened")[-1].reply_to
    assert reply_to is not None
    return reply_to


def test_an_answer_by_mail_goes_into_its_request_without_what_it_quotes(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, ticket_id, now=at(1, 1), then=RequestStatus.WAITING_ON_CUSTOMER)
    body = "Yes, since noon.\n\nOn Thu, Oct 1, 2026 at 1:00 AM Olga <support@provider.example> wrote:\n> Still so?\n"

    taken = hand_in(nobody, mail(address_of(app), body=body))

    assert taken.status_code == 204
    assert said(app, ticket_id)[-1] == ("customer", "Yes, since noon.")
    assert ticket_of(app, ticket_id).status == "open"


def test_a_mail_that_comes_twice_is_taken_once(app: Flask, ada: Member, owner: Person, nobody: Browser) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))

    for _ in range(3):
        assert hand_in(nobody, mail(address_of(app))).status_code == 204

    assert len(said(app, ticket_id)) == 2


def test_a_stranger_who_knows_the_address_writes_a_note_for_operators_only(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))

    hand_in(nobody, mail(address_of(app), sender="Eve <eve@elsewhere.example>", body="Send me the keys."))

    assert said(app, ticket_id)[-1][0] == "internal_note"
    assert "Send me the keys" not in owner.get(f"/support/{ticket_id}").text


def test_an_answer_to_a_request_that_is_over_opens_one_with_clocks_of_its_own(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    old = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, old, now=at(1, 1), then=RequestStatus.RESOLVED)

    assert hand_in(nobody, mail(address_of(app), body="It is back.")).status_code == 204

    assert len(said(app, old)) == 2
    new = tickets(app)[-1]
    assert new.id != old
    assert said(app, new.id)[0] == ("customer", "It is back.")
    assert new.organization_id == ada.organization_id
    assert new.due_at is not None
    assert mails(app, "ticket_opened")[-1].recipient == owner.email


def test_a_number_without_its_secret_opens_nothing_of_it(app: Flask, ada: Member, nobody: Browser) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    number = ticket_of(app, ticket_id).number

    hand_in(nobody, mail(f"support+{number}.{'0' * 20}@provider.example", sender="Eve <eve@elsewhere.example>"))

    assert len(said(app, ticket_id)) == 1
    assert tickets(app)[-1].organization_id is None


def test_a_members_mail_opens_a_request_of_their_organization(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    hand_in(nobody, mail("support@provider.example", body="How do I rotate a key?"))

    ticket = tickets(app)[0]
    assert (ticket.organization_id, ticket.opened_by) == (ada.organization_id, owner.user_id)
    assert mails_to(app, owner.email)[-1].template == "ticket_opened"


def test_somebody_unknown_is_heard_too(app: Flask, nobody: Browser, operator: Person) -> None:
    hand_in(nobody, mail("support@provider.example", sender="Eve <eve@elsewhere.example>"))

    ticket = tickets(app)[0]
    assert ticket.organization_id is None
    assert "does not belong to exactly one organization" in operator.get(f"/console/support/{ticket.id}").text


@pytest.mark.parametrize("header", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<a.b>"}])
def test_machines_are_not_answered_and_kept(app: Flask, nobody: Browser, header: dict[str, str]) -> None:
    assert hand_in(nobody, mail("support@provider.example", **header)).status_code == 204

    assert tickets(app) == []
    assert [row.outcome for row in kept(app)] == ["quarantined"]
    assert mails(app, "ticket_opened") == []


def test_a_mail_of_html_alone_is_read(app: Flask, ada: Member, owner: Person, nobody: Browser) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = owner.email, "support@provider.example", "<h@x.example>"
    message.set_content("<p>Two<br>lines</p><script>alert(1)</script>", subtype="html")

    hand_in(nobody, message.as_bytes())

    assert "Two\nlines" in said(app, tickets(app)[0].id)[0][1]


def test_files_of_a_mail_are_taken_or_named_as_left_out(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = owner.email, "support@provider.example", "<f@x.example>"
    message.set_content("See the files.")
    message.add_attachment(b"a log", maintype="text", subtype="plain", filename="app.log")
    message.add_attachment(b"MZ\x90\x00\x03\x00", maintype="application", subtype="octet-stream", filename="x.exe")

    hand_in(nobody, message.as_bytes())

    page = owner.get(f"/support/{tickets(app)[0].id}").text
    assert "app.log" in page
    assert "[Not included: x.exe: unsupported file type or size]" in page


def test_nothing_is_no_mail(nobody: Browser) -> None:
    assert send_in(nobody, b"").status_code == 422


@pytest.mark.parametrize(
    "raw", [b"no mail at all", b"From: a\nMessage-ID: <x>\n\n", b"\xff\xfe\x00", b"\x00" * 9, b"{}", b"\n\n"]
)
def test_what_is_no_mail_waits_for_an_operator_as_it_came(
    app: Flask, nobody: Browser, operator: Person, raw: bytes
) -> None:
    assert hand_in(nobody, raw).status_code == 204

    (row,) = kept(app)
    assert row.outcome == "quarantined"
    assert f"/console/support/email/{row.id}" in operator.get("/console/support/email").text
    assert operator.get(f"/console/support/email/{row.id}/original").data == raw


def test_the_address_needs_its_token_and_does_not_exist_without_one(
    app: Flask, nobody: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = hand_in(nobody, mail("support@provider.example"), token="another")
    settings: Settings = app.extensions[current.EXTENSION]
    monkeypatch.setitem(app.extensions, current.EXTENSION, msgspec.structs.replace(settings, inbound_mail_token=None))

    assert wrong.status_code == 401
    assert hand_in(nobody, mail("support@provider.example")).status_code == 404
    assert tickets(app) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@b.example\nMessage-ID: <1@b>\nContent-Type: text/plain; charset=klingon\n\nIt fails.",
        b'From: "a@b.example\nMessage-ID: <1@b>\n\nIt fails.',
        b"From: a@b.example\nMessage-ID: <[x@y\n\nIt fails.",
        b'From: a@b.example\nTo: "\nMessage-ID: <1@b>\n\nIt fails.',
        b"From: a@b.example\nMessage-ID: <1@b>\nSubject: a\x00b\n\nIt fails.\x00",
        b"From: a@b.example\nMessage-ID: <1@b>\n"
        + b"".join(b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (n, n) for n in range(1500))
        + b"\nIt fails.",
    ],
)
def test_what_a_mail_program_got_wrong_loses_nothing(app: Flask, nobody: Browser, raw: bytes) -> None:
    assert hand_in(nobody, raw).status_code == 204

    assert [row.raw for row in kept(app)] == [raw]
    assert outcomes(app)[0][0] in {"opened", "quarantined"}


def test_a_flood_from_one_address_waits_unmixed_and_is_not_acknowledged(
    app: Flask, nobody: Browser, operator: Person
) -> None:
    for number in range(9):
        raw = mail("support@provider.example", sender="Eve <eve@elsewhere.example>", body=f"Mail {number}")
        hand_in(nobody, raw.replace(b"<1@people.example>", b"<%d@people.example>" % number))

    assert (len(tickets(app)), len(mails(app, "ticket_opened"))) == (5, 5)
    assert [words.strip() for ticket in tickets(app) for _, words in said(app, ticket.id)] == [
        f"Mail {number}" for number in range(5)
    ]
    assert outcomes(app)[5:] == [("quarantined", "flood")] * 4


def test_what_strangers_are_told_repeats_nothing_of_theirs(app: Flask, nobody: Browser) -> None:
    hand_in(nobody, mail("support@provider.example", sender="Eve <eve@elsewhere.example>"))

    assert mails(app, "ticket_opened")[0].subject == f"Support request {tickets(app)[0].number}"


@pytest.mark.parametrize("sender", ["mailer-daemon@x.example", "Postmaster <postmaster@x.example>"])
def test_bounces_open_nothing(app: Flask, nobody: Browser, sender: str) -> None:
    hand_in(nobody, mail("support@provider.example", sender=sender))
    hand_in(nobody, mail("support@provider.example", Return_Path="<>").replace(b"<1@", b"<2@"))

    assert tickets(app) == []
    assert outcomes(app) == [("quarantined", "bounce")] * 2


def test_only_so_many_files_of_a_mail_are_taken(app: Flask, owner: Person, nobody: Browser) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = owner.email, "support@provider.example", "<m@x.example>"
    message.set_content("See the files.")
    for number in range(40):
        message.add_attachment(b"a", maintype="text", subtype="plain", filename=f"{number}.txt")

    hand_in(nobody, message.as_bytes())

    with app.app_context(), acting_as_system():
        assert len(records.files(tickets(app)[0].id)[next(iter(records.files(tickets(app)[0].id)))]) == 5


def test_who_is_no_member_any_more_neither_reads_nor_writes(
    app: Flask, ada: Member, owner: Person, admin: Person, nobody: Browser
) -> None:
    asked = admin.post("/support", **question())
    ticket_id = ticket_id_in(asked)
    owner.post(f"/team/members/{admin.user_id}/remove")
    answer(app, ticket_id, now=utc_now())

    hand_in(nobody, mail(address_of(app), sender=admin.email, body="Reopen it."))

    assert [mail.recipient for mail in mails(app, "ticket_answered")] == [owner.email]
    assert said(app, ticket_id)[-1][0] == "internal_note"


def test_the_desk_says_that_a_mail_proves_nothing(
    app: Flask, ada: Member, owner: Person, nobody: Browser, operator: Person
) -> None:
    hand_in(nobody, mail("support@provider.example", body="Please reset my second factor."))

    assert "an email does not prove who sent it" in operator.get(f"/console/support/{tickets(app)[0].id}").text


def test_the_web_keeps_a_mail_unread_with_a_job_that_reads_it(app: Flask, nobody: Browser) -> None:
    raw = mail("support@provider.example")

    assert send_in(nobody, raw).status_code == 204

    (row,) = kept(app)
    assert (row.outcome, row.raw, row.sender) == ("received", raw, None)
    assert tickets(app) == []
    with app.app_context(), acting_as_system():
        waiting = text("SELECT args ->> 'mail_id' FROM jobs.procrastinate_jobs WHERE task_name LIKE '%take_mail'")
        assert db.session.scalars(waiting).all() == [str(row.id)]


def test_what_the_worker_could_not_take_is_shown_to_an_operator(app: Flask, nobody: Browser) -> None:
    send_in(nobody, mail("support@provider.example"))

    with app.app_context(), acting_as_system(), transaction():
        assert storing.show_not_taken(now=utc_now()) == 0
        assert storing.show_not_taken(now=utc_now() + timedelta(hours=1)) == 1
    assert outcomes(app) == [("quarantined", "not_taken")]


def test_a_reader_that_fails_loses_nothing(app: Flask, nobody: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_raw: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "read", fail)

    hand_in(nobody, mail("support@provider.example"))

    assert outcomes(app) == [("quarantined", "unreadable")]
    assert kept(app)[0].sender == "ada@people.example"


@pytest.mark.parametrize(
    "header",
    [{"List_Id": "<a.b>"}, {"Precedence": "list"}, {"Precedence": "bulk"}, {"Auto_Submitted": "no (a person)"}],
)
def test_a_requesters_answer_over_a_mailing_list_is_theirs(
    app: Flask, ada: Member, owner: Person, nobody: Browser, header: dict[str, str]
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))

    hand_in(nobody, mail(address_of(app), **header))

    assert said(app, ticket_id)[-1][0] == "customer"


@pytest.mark.parametrize(
    "header",
    [
        {"Auto_Submitted": "auto-replied"},
        {"X_Autoreply": "yes"},
        {"Precedence": "auto_reply"},
        {"X_Auto_Response_Suppress": "All"},
        {"Return_Path": "<>"},
    ],
)
def test_an_answering_machine_leaves_a_note_and_ends_no_waiting(
    app: Flask, ada: Member, owner: Person, nobody: Browser, header: dict[str, str]
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, ticket_id, now=at(1, 1), then=RequestStatus.WAITING_ON_CUSTOMER)

    hand_in(nobody, mail(address_of(app), body="I am away.", **header))

    kind, words = said(app, ticket_id)[-1]
    assert kind == "internal_note"
    assert "I am away." in words
    assert ticket_of(app, ticket_id).status == "waiting_on_customer"


def test_a_bounce_is_noted_on_the_request_whose_answer_came_back(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    ours = f"Reply-To: {address_of(app)}\nSubject: Request\n\nOurs"
    raw = (
        "From: mailer-daemon@x.example\nTo: no-reply@provider.example\nMessage-ID: <b@x>\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nNo such user\n"
        f"--b\nContent-Type: message/rfc822\n\n{ours}\n--b--\n"
    )

    hand_in(nobody, raw.encode())

    assert "Delivery report from mailer-daemon@x.example" in said(app, ticket_id)[-1][1]
    assert "No such user" in said(app, ticket_id)[-1][1]


@pytest.mark.parametrize("numbered", [b"", b"Message-ID:\n", b"Message-ID: <same@x>\n"])
def test_mails_without_a_number_of_their_own_are_all_taken(
    app: Flask, owner: Person, nobody: Browser, numbered: bytes
) -> None:
    for words in (b"one", b"two"):
        hand_in(nobody, b"From: ada@people.example\nSubject: x\n" + numbered + b"\n" + words)

    assert [said(app, ticket.id)[0][1] for ticket in tickets(app)] == ["one", "two"]


def test_a_copy_that_took_another_way_is_kept_and_opens_nothing(app: Flask, owner: Person, nobody: Browser) -> None:
    raw = mail("support@provider.example")

    hand_in(nobody, raw)
    hand_in(nobody, b"Received: by another\n" + raw)

    assert len(tickets(app)) == 1
    assert [row.outcome for row in kept(app)] == ["opened", "duplicate"]


def test_a_name_that_looks_like_a_customers_address_is_no_customer(
    app: Flask, owner: Person, nobody: Browser, operator: Person
) -> None:
    hand_in(nobody, mail("support@provider.example", sender='"ada@people.example" <eve@elsewhere.example>'))

    (ticket,) = tickets(app)
    assert (ticket.organization_id, ticket.requester_email) == (None, "eve@elsewhere.example")
    assert "ada@people.example" not in operator.get(f"/console/support/{ticket.id}").text


def test_what_a_new_mail_quotes_is_kept_and_an_answers_quotes_are_in_its_original(
    app: Flask, ada: Member, owner: Person, nobody: Browser, operator: Person
) -> None:
    body = "See what we got:\n\n> it says no\n"
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))

    hand_in(nobody, mail("support@provider.example", body=body))
    hand_in(nobody, mail(address_of(app), body="Yes.\n> it says no\n"))

    assert "> it says no" in said(app, tickets(app)[-1].id)[0][1]
    hand_in(nobody, mail(mails(app, "ticket_opened")[0].reply_to or "", body="No.\n\n> it says no\n"))
    assert said(app, ticket_id)[-1] == ("customer", "No.")
    link = f"/console/support/email/{kept(app)[-1].id}"
    assert link in operator.get(f"/console/support/{ticket_id}").text
    assert "it says no" in operator.get(link).text


def test_an_operator_makes_a_request_of_a_quarantined_mail_once(app: Flask, nobody: Browser, operator: Person) -> None:
    hand_in(nobody, mail("support@provider.example", sender="a@x.example, b@x.example", body="Please help"))
    base = f"/console/support/email/{kept(app)[0].id}"

    missing = operator.post(f"{base}/request", email="", subject="Help")
    made = operator.post(f"{base}/request", email="a@x.example", subject="Help")
    again = operator.post(f"{base}/dismiss")

    assert (missing.status_code, made.status_code, again.status_code) == (422, 303, 409)
    assert tickets(app)[0].requester_email == "a@x.example"
    assert "Please help" in said(app, tickets(app)[0].id)[0][1]


def test_an_operator_adds_a_quarantined_mail_to_a_request_or_dismisses_it(
    app: Flask, ada: Member, nobody: Browser, operator: Person
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    for words in ("one", "two"):
        hand_in(nobody, mail("support@provider.example", sender="nobody", body=words))
    first, second = (f"/console/support/email/{row.id}" for row in kept(app))

    operator.post(f"{first}/add", number=ticket_of(app, ticket_id).number)
    operator.post(f"{second}/dismiss")

    assert said(app, ticket_id)[-1][0] == "internal_note"
    assert [row.outcome for row in kept(app)] == ["noted", "dismissed"]
    assert "No quarantined emails" in operator.get("/console/support/email").text


def test_operators_hear_of_what_a_person_may_have_written_once_an_hour(app: Flask, nobody: Browser) -> None:
    for number in range(3):
        hand_in(nobody, mail("support@provider.example", sender="nobody", body=str(number)))
    hand_in(nobody, mail("support@provider.example", Auto_Submitted="auto-replied"))

    with app.app_context(), acting_as_system():
        told = text("SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name LIKE '%notify_of_quarantine'")
        assert db.session.scalar(told) == 1


def test_a_deleted_account_leaves_no_original_behind(app: Flask, owner: Person, admin: Person, nobody: Browser) -> None:
    hand_in(nobody, mail("support@provider.example", sender=admin.email))
    with app.app_context(), acting_as_system(), transaction():
        deletion.delete_account(admin.user_id, by=SYSTEM, now=utc_now())

    (row,) = kept(app)
    assert (row.raw, row.words, row.sender, row.subject, row.message_id) == (None, None, None, None, None)


@pytest.mark.parametrize(
    "content",
    [
        "Größe".encode("cp1252"),
        "Größe".encode("utf-16"),
        "log".encode("utf-16-le"),
        "Größe".encode("utf-8-sig"),
        b"\x1b[31mred\x1b[0m",
    ],
)
def test_plain_text_in_the_alphabets_of_windows_is_plain_text(content: bytes) -> None:
    assert uploads.accept("a.txt", content).content_type == "text/plain"


@pytest.mark.parametrize(
    "content", [b"", b"MZ\x90\x00\x03\x00", b"\x1f\x8b\x08\x01abc", b"\xff\xfe\x00", bytes(range(256))]
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(uploads.FileRefused):
        uploads.accept("a.txt", content)


@pytest.mark.parametrize("ours", ["support@provider.example", "AI Governance <no-reply@provider.example>"])
def test_a_mail_of_our_own_is_not_answered(
    app: Flask, nobody: Browser, monkeypatch: pytest.MonkeyPatch, ours: str
) -> None:
    settings: Settings = app.extensions[current.EXTENSION]
    sending = msgspec.structs.replace(settings, mail_from="AI Governance <no-reply@provider.example>")
    monkeypatch.setitem(app.extensions, current.EXTENSION, sending)

    hand_in(nobody, mail("support@provider.example", sender=ours))

    assert outcomes(app) == [("quarantined", "ours")]


def test_a_closed_organization_leaves_no_original_behind(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    hand_in(nobody, mail("support@provider.example"))
    hand_in(nobody, mail("support@provider.example", sender="Eve <eve@elsewhere.example>", body="another"))

    with app.app_context(), acting_as_system(), transaction():
        erasure.forget_organization(ada.organization_id)

    assert [row.sender for row in kept(app)] == ["eve@elsewhere.example"]


def test_a_request_that_an_operator_makes_of_a_members_mail_is_their_organizations(
    app: Flask, ada: Member, owner: Person, nobody: Browser, operator: Person
) -> None:
    hand_in(nobody, mail("support@provider.example", Auto_Submitted="auto-generated"))

    operator.post(f"/console/support/email/{kept(app)[0].id}/request", email=owner.email, subject="Help")

    (ticket,) = tickets(app)
    assert (ticket.organization_id, ticket.opened_by) == (ada.organization_id, owner.user_id)
