"""Mail to somebody who asked for nothing carries no words of whoever caused it: it is no advertisement."""

from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default

import pytest
from flask import Flask

from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.mail import MailMessage
from core.members import User
from portal.customer.organization.services import rename, save_details
from portal.customer.people import addresses, new_passwords
from tests.cast import Member
from tests.people import Browser, Person, mails_to, sign_up
from tests.portal.support.test_inbound import hand_in, inbound_mail, mail
from tests.portal.test_departures import DETAILS

__all__ = ["inbound_mail"]

SPAM = "You won, pay at https://evil.example now"
SPAMS = {
    "a link": SPAM,
    "a bare domain": "You won: evil.example",
    "www": "You won: www.evil.example/pay",
    "full-width dots": "You won: evil．example",
    "an ideographic stop": "You won: evil。example",
    "full-width letters": "You won: ｅｖｉｌ.example",
    "a domain in words": "You won: evil (dot) example",
    "a domain in Unicode": "You won: évil.example",
    "a phone number": "You won, call +1 (555) 010-9999",
    "a number in full width": "You won, call ０８００ ５５５",
    "an address": "You won, write to pay@evil.example",
    "no scheme": "You won: //evil.example",
    "markup": "You won <a href=//evil.example>",
}
VICTIM = "victim@elsewhere.example"


@pytest.fixture
def spammer(app: Flask, ada: Member, owner: Person) -> Person:
    """An owner whose every name is an advertisement."""
    advertise(app, ada, owner, SPAM)
    return owner


def advertise(app: Flask, ada: Member, owner: Person, spam: str) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(User, owner.user_id).name = spam
        rename(ada.organization_id, spam, by=SYSTEM, now=utc_now())
        save_details(ada.organization_id, DETAILS | {"legal_name": spam}, by=SYSTEM, now=utc_now())


def latest(app: Flask) -> MailMessage:
    return mails_to(app, VICTIM)[-1]


def spam_from(address: str) -> bytes:
    sender = f'"{SPAM}" <{address}>'
    return mail("support@provider.example", sender=sender, body=SPAM).replace(b"Re: Request", SPAM.encode())


def advertising_mail(spam: str) -> bytes:
    """In name, subject and text."""
    message = message_from_bytes(mail("support@provider.example", body=spam), policy=default)
    message.replace_header("Subject", spam)
    message.replace_header("From", Address(spam, addr_spec=VICTIM))
    return message.as_bytes()


def is_clean(message: MailMessage) -> bool:
    return not any(word in f"{message.subject} {message.text} {message.html}" for word in ("evil", "won", "ｅｖｉｌ"))


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize("spam", SPAMS.values(), ids=SPAMS)
def test_no_shape_of_an_advertisement_is_carried(
    app: Flask, ada: Member, owner: Person, nobody: Browser, spam: str
) -> None:
    sign_up(nobody, email=VICTIM, name=spam, organization_name=spam)
    sign_up(nobody, email=VICTIM, name=spam, organization_name=spam)
    advertise(app, ada, owner, spam)
    owner.post("/team/invitations", email=VICTIM, role="viewer")
    owner.post("/legal/accept/delegate", email=VICTIM)
    owner.post("/organization/notifications", kind="mail", name=spam, target=VICTIM, events=["api_key.created"])
    hand_in(nobody, advertising_mail(spam))

    sent = mails_to(app, VICTIM)
    templates = {message.template for message in sent}
    assert templates >= {"confirm_address", "invitation", "notification_confirm", "ticket_opened"}
    assert [message.template for message in sent if not is_clean(message)] == []


def test_the_confirmation_of_a_sign_up(app: Flask, nobody: Browser) -> None:
    sign_up(nobody, email=VICTIM, name=SPAM, organization_name=SPAM)

    assert is_clean(latest(app))


def test_a_new_password_for_an_address_that_was_never_confirmed(app: Flask, nobody: Browser) -> None:
    sign_up(nobody, email=VICTIM, name=SPAM, organization_name=SPAM)
    with app.app_context(), acting_as_system(), transaction():
        new_passwords.ask_for_reset(VICTIM, by=SYSTEM, now=utc_now())

    assert latest(app).template == "reset_password"
    assert is_clean(latest(app))


def test_an_invitation_and_one_that_is_sent_again(app: Flask, spammer: Person) -> None:
    assert spammer.post("/team/invitations", email=VICTIM, role="viewer").status_code == 303
    page = spammer.get("/team").text
    spammer.post(page.partition('action="/team/invitations/')[2].partition('"')[0].join(("/team/invitations/", "")))

    assert spammer.email in latest(app).subject
    assert all(is_clean(message) for message in mails_to(app, VICTIM))


def test_the_question_whether_notifications_are_wanted(app: Flask, spammer: Person) -> None:
    made = spammer.post(
        "/organization/notifications", kind="mail", name=SPAM, target=VICTIM, events=["api_key.created"]
    )

    assert made.status_code == 303
    assert spammer.email in latest(app).subject
    assert is_clean(latest(app))


@pytest.mark.usefixtures("documents")
def test_a_link_to_sign(app: Flask, spammer: Person) -> None:
    assert spammer.post("/legal/accept/delegate", email=VICTIM).status_code == 303

    assert spammer.email in latest(app).subject
    assert is_clean(latest(app))


def test_a_link_to_a_new_address(app: Flask, spammer: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        addresses.ask_to_change_address(spammer.user_id, email=VICTIM, now=utc_now())

    assert is_clean(latest(app))


def test_what_follows_a_mail_with_a_forged_sender(app: Flask, nobody: Browser) -> None:
    hand_in(nobody, spam_from(VICTIM))

    assert latest(app).template == "ticket_opened"
    assert is_clean(latest(app))


def test_what_follows_a_mail_in_the_name_of_a_member(app: Flask, owner: Person, nobody: Browser) -> None:
    hand_in(nobody, spam_from(owner.email))

    (acknowledged,) = mails_to(app, owner.email)
    assert is_clean(acknowledged)
