"""Mail: sent if, and only if, its cause is committed; once; tried again; its words forgotten when it has left."""

import email.policy
import smtplib
import socketserver
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from threading import Thread
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select

from core import mail
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import run_worker
from core.mail import Attachment, MailMessage, register_attachment, send_mail


class Postbox(socketserver.ThreadingTCPServer):
    """An SMTP server that keeps what it is given, or refuses as often as it is told."""

    allow_reuse_address = True

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.refusals_left = 0
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box = cast("Postbox", self.server)
        self._say("220 here")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                self._take(box)
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self, box: Postbox) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        if box.refusals_left:
            box.refusals_left -= 1
            self._say("451 later")
            return
        box.received.append(
            cast("EmailMessage", message_from_bytes(b"".join(lines), policy=cast("Any", email.policy.default)))
        )
        self._say("250 kept")

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with Postbox() as box:
        Thread(target=box.serve_forever, daemon=True).start()
        yield box
        box.shutdown()


@pytest.fixture
def mailing(live_app: Flask, postbox: Postbox, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The app with an SMTP server."""
    settings = msgspec.structs.replace(live_app.extensions["settings"], smtp_url=postbox.url)
    monkeypatch.setitem(live_app.extensions, "settings", settings)
    return live_app


def send(name: str = "Ada", **options: Any) -> UUID:
    return send_mail(
        "reset_password",
        to="ada@people.example",
        now=utc_now(),
        context={"name": name, "secret": "a-link"},
        **options,
    )


def kept(app: Flask) -> MailMessage:
    with app.app_context(), acting_as_system():
        return db.session.scalars(select(MailMessage)).one()


def test_a_mail_leaves_with_its_cause_and_its_words_are_forgotten(mailing: Flask, postbox: Postbox) -> None:
    with mailing.app_context(), acting_as_system():
        send()
        db.session.rollback()
    with mailing.app_context(), acting_as_system(), transaction():
        send()

    run_worker(mailing, until_done=True)

    (received,) = postbox.received
    assert (received["To"], received["Subject"]) == ("ada@people.example", "Reset your password")
    assert "/reset-password/a-link" in received.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "/reset-password/a-link" in received.get_body(("html",)).get_content()  # type: ignore[union-attr]
    message = kept(mailing)
    assert message.sent_at is not None
    assert (message.text, message.html) == (None, None)


def test_a_mail_that_was_sent_is_not_sent_again(mailing: Flask, postbox: Postbox) -> None:
    with mailing.app_context(), acting_as_system(), transaction():
        mail_id = send()

    with mailing.app_context():
        for _ in range(3):
            mail.deliver_mail(mail_id=str(mail_id))

    assert len(postbox.received) == 1


class Killed(BaseException):
    """As a worker ends that is killed: nothing of it is committed."""


@pytest.mark.parametrize("moment", ["quit", "commit"])
def test_a_mail_does_not_go_twice_when_its_worker_is_killed_before_it_was_marked(
    mailing: Flask, postbox: Postbox, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with mailing.app_context(), acting_as_system(), transaction():
        mail_id = send()
    where: Any = smtplib.SMTP if moment == "quit" else db.session
    with mailing.app_context(), monkeypatch.context() as killing:
        killing.setattr(where, moment, _kill)
        with pytest.raises(Killed):
            mail.deliver_mail(mail_id=str(mail_id))

    with mailing.app_context():
        mail.deliver_mail(mail_id=str(mail_id))

    assert len(postbox.received) == 1
    assert kept(mailing).sent_at is not None
    assert list((mailing.extensions["settings"].data_path / "mail-taken").iterdir()) == []


def test_a_mail_that_was_taken_with_a_rude_good_bye_does_not_go_twice(
    mailing: Flask, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mailing.app_context(), acting_as_system(), transaction():
        send()
    monkeypatch.setattr(smtplib.SMTP, "quit", _refuse)

    run_worker(mailing, until_done=True)

    assert len(postbox.received) == 1
    assert kept(mailing).failure is None


def _kill(*_: object) -> None:
    raise Killed


def _refuse(*_: object) -> None:
    raise smtplib.SMTPResponseException(500, b"what?")


def test_a_mail_that_is_refused_stays_to_be_tried_again(mailing: Flask, postbox: Postbox) -> None:
    postbox.refusals_left = 1
    with mailing.app_context(), acting_as_system(), transaction():
        mail_id = send()

    with mailing.app_context():
        with pytest.raises(Exception, match="451"):
            mail.deliver_mail(mail_id=str(mail_id))
        assert kept(mailing).sent_at is None
        mail.deliver_mail(mail_id=str(mail_id))

    assert len(postbox.received) == 1


def test_a_domain_of_other_letters_is_written_as_every_server_takes_it(mailing: Flask, postbox: Postbox) -> None:
    with mailing.app_context(), acting_as_system(), transaction():
        mail_id = send_mail(
            "reset_password", to="ada@müller.example", now=utc_now(), context={"name": "Ada", "secret": "a-link"}
        )

    with mailing.app_context():
        mail.deliver_mail(mail_id=str(mail_id))

    assert [received["To"] for received in postbox.received] == ["ada@xn--mller-kva.example"]


def test_what_the_server_can_never_send_is_not_tried_again_and_says_why(mailing: Flask, postbox: Postbox) -> None:
    with mailing.app_context(), acting_as_system(), transaction():
        mail_id = send_mail(
            "reset_password", to="müller@people.example", now=utc_now(), context={"name": "Ada", "secret": "a-link"}
        )

    with mailing.app_context():
        mail.deliver_mail(mail_id=str(mail_id))

    message = kept(mailing)
    assert (postbox.received, message.sent_at) == ([], None)
    assert "SMTPUTF8" in (message.failure or "")


def test_why_a_mail_waits_is_kept_until_it_leaves(mailing: Flask, postbox: Postbox) -> None:
    postbox.refusals_left = 1
    with mailing.app_context(), acting_as_system(), transaction():
        mail_id = send()

    with mailing.app_context():
        with pytest.raises(Exception, match="451"):
            mail.deliver_mail(mail_id=str(mail_id))
        assert "451" in (kept(mailing).failure or "")
        mail.deliver_mail(mail_id=str(mail_id))

    assert kept(mailing).failure is None


def test_a_mail_brings_its_files(mailing: Flask, postbox: Postbox) -> None:
    record = uuid4()
    register_attachment("test", lambda record_id: b"%PDF " + record_id.bytes)
    with mailing.app_context(), acting_as_system(), transaction():
        send(attachments=[Attachment("terms.pdf", "test", record)])

    run_worker(mailing, until_done=True)

    (file,) = postbox.received[0].iter_attachments()
    assert file.get_filename() == "terms.pdf"
    assert file.get_content() == b"%PDF " + record.bytes


@pytest.mark.parametrize("name", ["Ada\r\nBcc: all@people.example", "Ada\nSubject: other"])
def test_no_name_adds_a_header(mailing: Flask, postbox: Postbox, name: str) -> None:
    with mailing.app_context(), acting_as_system(), transaction():
        send_mail(
            "invitation",
            to="ada@people.example",
            now=utc_now(),
            context={"inviter": name, "organization": name, "role": "viewer", "secret": "s", "expires_at": utc_now()},
        )

    run_worker(mailing, until_done=True)

    (received,) = postbox.received
    assert received["Bcc"] is None
    assert "Ada" in received["Subject"]


def test_without_a_server_mail_stays_in_the_local_mailbox(live_app: Flask) -> None:
    with live_app.app_context(), acting_as_system(), transaction():
        send()

    message = kept(live_app)
    assert message.text is not None
    assert message.subject in live_app.test_client().get("/mailbox").text


def test_mail_that_somebody_subscribed_to_says_how_one_press_ends_it(mailing: Flask, postbox: Postbox) -> None:
    url = "https://portal.example/status/unsubscribe/a-secret"
    with mailing.app_context(), acting_as_system(), transaction():
        send(unsubscribe_url=url)
        send()

    run_worker(mailing, until_done=True)

    ending = [one for one in postbox.received if one["List-Unsubscribe"]]
    assert [(one["List-Unsubscribe"], one["List-Unsubscribe-Post"]) for one in ending] == [
        (f"<{url}>", "List-Unsubscribe=One-Click")
    ]
    assert len(postbox.received) == 2
