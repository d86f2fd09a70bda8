"""Mail that comes in: answers, new requests, strangers, machines, and mails that come twice."""

from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from flask import Flask

from core import current
from core.clock import utc_now
from core.db import acting_as_system
from core.settings import Settings
from portal.support import records
from portal.support.states import Status
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
    return nobody.client.post(
        "/webhooks/inbound-mail",
        data=raw,
        content_type="message/rfc822",
        headers={"Authorization": f"Bearer {token}"},
    )


def address_of(app: Flask) -> str:
    """Where the latest mail about a request wants its answer."""
    reply_to = mails(app, "ticket_opened")[-1].reply_to
    assert reply_to is not None
    return reply_to


def test_an_answer_by_mail_goes_into_its_request_without_what_it_quotes(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, ticket_id, now=at(1, 1), then=Status.WAITING_ON_CUSTOMER)
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
    answer(app, old, now=at(1, 1), then=Status.RESOLVED)

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
    assert "whom no organization or more than one knows" in operator.get(f"/console/support/{ticket.id}").text


@pytest.mark.parametrize("header", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<a.b>"}])
def test_answering_machines_are_not_answered(app: Flask, nobody: Browser, header: dict[str, str]) -> None:
    assert hand_in(nobody, mail("support@provider.example", **header)).status_code == 204

    assert tickets(app) == []


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
    assert "[x.exe was left out" in page


@pytest.mark.parametrize(
    "raw", [b"", b"no mail at all", b"From: a\nMessage-ID: <x>\n\n", b"\xff\xfe\x00", b"From: a@b.example\n\nx"]
)
def test_what_is_no_mail_is_refused(app: Flask, nobody: Browser, raw: bytes) -> None:
    assert hand_in(nobody, raw).status_code == 422


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

    assert len(tickets(app)) == 1


def test_a_flood_from_one_address_is_one_heap_and_is_not_acknowledged(
    app: Flask, nobody: Browser, operator: Person
) -> None:
    for number in range(9):
        raw = mail("support@provider.example", sender="Eve <eve@elsewhere.example>", body=f"Mail {number}")
        hand_in(nobody, raw.replace(b"<1@people.example>", b"<%d@people.example>" % number))

    assert (len(tickets(app)), len(mails(app, "ticket_opened"))) == (5, 5)
    assert [words for _, words in said(app, tickets(app)[-1].id)] == [f"Mail {number}" for number in range(4, 9)]


def test_what_strangers_are_told_repeats_nothing_of_theirs(app: Flask, nobody: Browser) -> None:
    hand_in(nobody, mail("support@provider.example", sender="Eve <eve@elsewhere.example>"))

    assert mails(app, "ticket_opened")[0].subject == f"Request {tickets(app)[0].number}"


@pytest.mark.parametrize("sender", ["mailer-daemon@x.example", "Postmaster <postmaster@x.example>"])
def test_bounces_open_nothing(app: Flask, nobody: Browser, sender: str) -> None:
    hand_in(nobody, mail("support@provider.example", sender=sender))
    hand_in(nobody, mail("support@provider.example", Return_Path="<>").replace(b"<1@", b"<2@"))

    assert tickets(app) == []


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

    assert "A mail does not prove who sent it" in operator.get(f"/console/support/{tickets(app)[0].id}").text
