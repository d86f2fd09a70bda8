"""Signing up and in: no hint about who has an account, links that looking at them does not use up, two factors."""

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import select, text

from core import sessions
from core.audit import AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.members import User
from core.passwords import fault_of_password
from core.sessions import UserSession
from portal.customer.people import links
from portal.customer.people.models import EmailToken, Purpose
from tests.people import (
    NEW,
    PASSWORD,
    Browser,
    Person,
    is_signed_in,
    link_in,
    log_in,
    mails_to,
    make_user,
    person,
    sign_up,
    tables_with,
    words_of,
)
from tests.portal.support.test_requests import ask


def test_sign_up_confirm_and_be_at_the_task_list(app: Flask, nobody: Browser) -> None:
    assert sign_up(nobody).status_code == 200
    path = link_in(mails_to(app, NEW["email"])[-1])

    answer = nobody.post(path, password=PASSWORD)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Get started" in nobody.get("/start").text


def test_a_known_address_gets_the_same_page_and_a_mail_instead(app: Flask, nobody: Browser, owner: Person) -> None:
    unknown = sign_up(nobody)

    known = sign_up(nobody, email=owner.email)

    assert known.status_code == unknown.status_code
    assert words_of(known, but=owner.email) == words_of(unknown, but=NEW["email"])
    assert [mail.template for mail in mails_to(app, owner.email)] == ["already_registered"]


def test_looking_at_a_link_uses_nothing_up(app: Flask, nobody: Browser) -> None:
    sign_up(nobody)
    path = link_in(mails_to(app, NEW["email"])[-1])

    for _ in range(3):
        assert nobody.get(path).status_code == 200
        assert nobody.client.head(path).status_code == 200

    assert nobody.post(path, password=PASSWORD).status_code == 303
    used = nobody.get(path)
    assert used.status_code == 410
    assert "already been used" in used.text


def test_a_newer_link_makes_the_older_void(app: Flask, nobody: Browser) -> None:
    sign_up(nobody)
    sign_up(nobody)
    older, newer = map(link_in, mails_to(app, NEW["email"]))

    assert nobody.get(older).status_code == 410
    assert nobody.get(newer).status_code == 200


def test_a_link_expires(app: Flask, owner: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        user = db.session.get_one(User, owner.user_id)
        secret = links.issue(user, Purpose.RESET_PASSWORD, now=utc_now() - timedelta(hours=2))

    assert owner.get(f"/reset-password/{secret}").status_code == 410


def test_whoever_confirms_must_know_the_password_of_the_sign_up(app: Flask, nobody: Browser) -> None:
    """Somebody who signs up with another's address gains nothing when that person presses the button."""
    sign_up(nobody)

    answer = nobody.post(link_in(mails_to(app, NEW["email"])[-1]), password="another-long-password-7")

    assert answer.status_code == 422
    assert not is_signed_in(nobody)


def test_who_has_not_confirmed_is_led_to_do_so(app: Flask, nobody: Browser) -> None:
    sign_up(nobody)
    log_in(nobody, NEW["email"])

    assert nobody.get("/start").headers["Location"] == "/confirm-address"
    assert NEW["email"] in nobody.get("/confirm-address").text


@pytest.mark.parametrize(
    "password", ["short", "password1234", "aaaaaaaaaaaaaaaa", "nora@new.example", "x" * 257, "qwertyuiop12"]
)
def test_weak_passwords_are_refused_with_what_to_do(nobody: Browser, password: str) -> None:
    answer = sign_up(nobody, password=password)

    assert answer.status_code == 422
    assert 'id="password-error"' in answer.text
    assert password not in answer.text or password == NEW["email"]


def test_a_short_password_is_named_beside_the_other_errors(nobody: Browser) -> None:
    answer = sign_up(nobody, email="nora", password="short")

    assert 'id="email-error"' in answer.text
    assert "Use at least 12 characters." in answer.text


def test_a_breached_password_is_refused_and_the_list_learns_five_digits_only(breaches: "Breaches") -> None:
    fault = fault_of_password(PASSWORD, own_words=(), breached_passwords_url=breaches.url)

    assert fault is not None
    assert "breach" in fault
    assert re.fullmatch(r"/[0-9A-F]{5}", breaches.asked[0])


def test_a_silent_breach_list_holds_nobody_up() -> None:
    assert fault_of_password(PASSWORD, own_words=(), breached_passwords_url="http://127.0.0.1:9") is None


def test_wrong_password_and_unknown_account_look_the_same(nobody: Browser, owner: Person) -> None:
    wrong = log_in(nobody, owner.email, "wrong-wrong-wrong-1")
    unknown = log_in(nobody, "nobody@people.example", "wrong-wrong-wrong-1")

    assert wrong.status_code == unknown.status_code == 422
    assert words_of(wrong, but=owner.email) == words_of(unknown, but="nobody@people.example")


@pytest.mark.parametrize(
    "next_path", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_after_logging_in_nobody_is_led_to_another_site(app: Flask, nobody: Browser, next_path: str) -> None:
    _, email = make_user(app, "Nick")

    answer = nobody.client.post(
        "/log-in",
        query_string={"next": next_path},
        data={"csrf_token": nobody.token(), "email": email, "password": PASSWORD},
    )

    assert answer.headers["Location"] == "/"


def test_a_reset_ends_every_session_and_leaves_the_second_factor(app: Flask, nobody: Browser, operator: Person) -> None:
    nobody.post("/forgotten-password", email=operator.email)
    path = link_in(mails_to(app, operator.email)[-1])
    for _ in range(2):  # a mail scanner looks
        assert nobody.get(path).status_code == nobody.client.head(path).status_code == 200

    assert nobody.post(path, password="violin-ladder-quartz-11").status_code == 303

    assert not is_signed_in(operator.browser)
    assert log_in(nobody, operator.email, "violin-ladder-quartz-11").headers["Location"] == "/log-in/second-step"
    assert not is_signed_in(nobody)


def test_asking_for_a_reset_tells_nothing(app: Flask, nobody: Browser, owner: Person) -> None:
    known = nobody.post("/forgotten-password", email=owner.email)
    unknown = nobody.post("/forgotten-password", email="nobody@people.example")

    assert words_of(known, but=owner.email) == words_of(unknown, but="nobody@people.example")


def test_a_new_address_holds_when_its_link_is_used_and_ends_older_links(app: Flask, owner: Person) -> None:
    owner.browser.post("/forgotten-password", email=owner.email)
    reset = link_in(mails_to(app, owner.email)[-1])
    owner.post("/account/security/address", email="ada.new@people.example")
    change = link_in(mails_to(app, "ada.new@people.example")[-1])

    for _ in range(2):  # a mail scanner looks
        assert owner.get(change).status_code == owner.browser.client.head(change).status_code == 200
    assert owner.post(change).status_code == 303

    assert owner.get(reset).status_code == 410
    assert [mail.template for mail in mails_to(app, owner.email)][-1] == "address_changed"


def test_deleting_an_account_forgets_who_it_was(app: Flask, owner: Person, admin: Person) -> None:
    assert admin.post("/account/security/delete-account", typed="something else").status_code == 422
    assert admin.post("/account/security/delete-account", typed=admin.email).status_code == 303

    with app.app_context(), acting_as_system():
        user = db.session.get_one(User, admin.user_id)
        assert (user.name, user.email.endswith(".invalid")) == ("Former member", True)
    assert not is_signed_in(admin.browser)
    assert "Alex" not in owner.get("/team").text


def test_a_deleted_accounts_address_stays_only_where_the_privacy_policy_says_so(app: Flask, owner: Person) -> None:
    owner.post("/team/invitations", email="nick@people.example", role="admin")
    invitation = link_in(mails_to(app, "nick@people.example")[-1])
    nick = person(app, "Nick")
    assert nick.post(invitation).status_code == 303
    nick.post("/forgotten-password", email=nick.email)
    assert ask(nick).status_code == 303
    assert {"app_user", "email_token", "invitation", "ticket"} <= tables_with(app, nick.email)

    assert nick.post("/account/security/delete-account", typed=nick.email).status_code == 303

    assert tables_with(app, nick.email) == {"audit_event", "mail_message"}


def test_the_last_owner_cannot_delete_the_account(owner: Person) -> None:
    assert owner.post("/account/security/delete-account", typed=owner.email).status_code == 409
    assert is_signed_in(owner.browser)


def test_of_a_stranger_who_cannot_log_in_no_address_is_kept(app: Flask, nobody: Browser, owner: Person) -> None:
    log_in(nobody, "nobody@people.example")
    log_in(nobody, owner.email, "wrong-wrong-wrong-1")

    with app.app_context(), acting_as_system():
        tries = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "member.sign_in_failed")).all()
    assert sorted((one.organization_id is None, one.address is None) for one in tries) == [(False, False), (True, True)]


def test_no_secret_is_kept_as_it_is(app: Flask, nobody: Browser, owner: Person) -> None:
    nobody.post("/forgotten-password", email=owner.email)
    secret = link_in(mails_to(app, owner.email)[-1]).rpartition("/")[2]

    with app.app_context(), acting_as_system():
        kept = db.session.scalars(select(EmailToken)).all()
        hashes = db.session.scalars(select(User.password_hash)).all()
        tokens = db.session.scalars(select(UserSession.token_hash)).all()
    assert all(secret.encode() not in token.token_hash for token in kept)
    assert all(one.startswith("$argon2id$") for one in hashes)
    assert all(len(one) == 32 for one in tokens)


def test_an_organization_sees_its_members_names_and_nothing_that_signs_them_in(
    app: Flask, owner: Person, stranger: Person
) -> None:
    with app.app_context(), acting_as_system():
        organization_id = sessions._memberships_of(owner.user_id)[0].organization_id
        db.session.rollback()
    with app.app_context(), acting_for(organization_id):
        names = db.session.execute(text("SELECT name FROM app_user")).scalars().all()
        for forbidden in (
            "SELECT password_hash FROM app_user",
            "SELECT * FROM user_session",
            "SELECT * FROM email_token",
            "SELECT * FROM totp_secret",
            "SELECT * FROM passkey",
            "SELECT * FROM recovery_code",
            "SELECT * FROM mail_message",
        ):
            with pytest.raises(Exception, match="permission denied"), db.session.begin_nested():
                db.session.execute(text(forbidden))
    assert names == ["Ada"]


class Breaches(HTTPServer):
    """A list that knows every password, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(server.known.encode())

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.known = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()[5:] + ":3\r\n"
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def breaches() -> Iterator[Breaches]:
    with Breaches() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
