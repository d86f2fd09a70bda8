"""Signing up and in: no hint about who has an account, links that looking at them does not use up, two factors."""

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text

from core import sessions
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.members import User
from core.passwords import fault_of_password
from core.sessions import IDLE_LIMIT, UserSession
from core.throttle import limiter
from portal.people import links
from portal.people.models import EmailToken, Purpose
from tests.people import PASSWORD, Browser, Person, link_in, mails_to, make_user

OTHER_PASSWORD = "wrong-wrong-wrong-1"
NEW = {"name": "Nora New", "organization_name": "New Works", "email": "nora@new.example", "password": PASSWORD}


def sign_up(nobody: Browser, **changes: str) -> Any:
    return nobody.post("/sign-up", **{**NEW, **changes})


def log_in(browser: Browser, email: str, password: str = PASSWORD, **options: Any) -> Any:
    return browser.post("/log-in", email=email, password=password, **options)


def is_signed_in(browser: Browser) -> bool:
    return bool(browser.get("/organizations").status_code == 200)


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
    assert known.text.replace(owner.email, NEW["email"]) == unknown.text
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
    assert "used already" in used.text


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
    assert wrong.text.replace(owner.email, "x") == unknown.text.replace("nobody@people.example", "x")


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


def test_the_session_is_new_after_logging_in(app: Flask, nobody: Browser) -> None:
    _, email = make_user(app, "Nick")
    nobody.token()
    with nobody.client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"

    log_in(nobody, email)

    with nobody.client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert len(cookie["_user_id"]) >= 43


def test_logging_out_ends_the_session_for_good(owner: Person) -> None:
    with owner.browser.client.session_transaction() as cookie:
        token = cookie["_user_id"]
    owner.post("/log-out")
    with owner.browser.client.session_transaction() as cookie:
        cookie["_user_id"] = token  # a copy of the cookie, kept by somebody

    assert not is_signed_in(owner.browser)


def test_a_session_ends_by_itself_when_it_is_not_used(app: Flask, owner: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.scalars(select(UserSession)).one().last_seen_at = utc_now() - IDLE_LIMIT - timedelta(minutes=1)

    assert not is_signed_in(owner.browser)


def test_a_new_password_ends_every_other_session(app: Flask, owner: Person) -> None:
    elsewhere = Browser(app.test_client())
    elsewhere.sign_in(owner.user_id)

    answer = owner.post("/security/password", current=PASSWORD, password="violin-ladder-quartz-11")

    assert answer.status_code == 303
    assert is_signed_in(owner.browser)
    assert not is_signed_in(elsewhere)


def test_a_reset_ends_every_session_and_leaves_the_second_factor(app: Flask, nobody: Browser, operator: Person) -> None:
    nobody.post("/forgotten-password", email=operator.email)
    path = link_in(mails_to(app, operator.email)[-1])

    assert nobody.post(path, password="violin-ladder-quartz-11").status_code == 303

    assert not is_signed_in(operator.browser)
    assert log_in(nobody, operator.email, "violin-ladder-quartz-11").headers["Location"] == "/log-in/second-step"
    assert not is_signed_in(nobody)


def test_asking_for_a_reset_tells_nothing(app: Flask, nobody: Browser, owner: Person) -> None:
    known = nobody.post("/forgotten-password", email=owner.email)
    unknown = nobody.post("/forgotten-password", email="nobody@people.example")

    assert known.text.replace(owner.email, "x") == unknown.text.replace("nobody@people.example", "x")


def test_sessions_can_be_seen_and_ended(app: Flask, owner: Person) -> None:
    elsewhere = Browser(app.test_client())
    elsewhere.sign_in(owner.user_id)
    path = re.search(r'action="(/security/sessions/[^"]+/end)"', owner.get("/security").text)
    assert path is not None

    assert owner.post(path[1]).status_code == 303

    assert not is_signed_in(elsewhere)


def test_an_authenticator_app_is_asked_for_and_each_code_works_once(app: Flask, nobody: Browser, owner: Person) -> None:
    owner.post("/security/authenticator/new")
    secret = re.search(r"into the app: <code>([A-Z2-7]+)</code>", owner.get("/security/authenticator").text)
    assert secret is not None
    code = pyotp.TOTP(secret[1]).at(utc_now())
    codes = owner.post("/security/authenticator", code=code)
    assert "shown only now" in codes.text

    log_in(nobody, owner.email)
    again = nobody.post("/log-in/second-step", code=code)
    recovery = re.search(r"([A-Z2-7]{4}(-[A-Z2-7]{4}){3})", codes.text)
    assert recovery is not None
    first = nobody.post("/log-in/second-step", code=recovery[1])

    assert again.status_code == 422
    assert first.status_code == 303
    assert is_signed_in(nobody)
    other = Browser(app.test_client())
    log_in(other, owner.email)
    assert other.post("/log-in/second-step", code=recovery[1].lower()).status_code == 422


def test_the_password_alone_opens_nothing_where_there_is_a_second_factor(nobody: Browser, operator: Person) -> None:
    log_in(nobody, operator.email)

    assert nobody.get("/console").headers["Location"].startswith("/log-in")
    assert nobody.get("/log-in/second-step").status_code == 200


def test_an_operator_without_a_second_factor_is_led_to_set_one_up(app: Flask) -> None:
    user_id, _ = make_user(app, "Otto")
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(User, user_id).is_operator = True
    browser = Browser(app.test_client())
    browser.sign_in(user_id)

    assert browser.get("/console").headers["Location"] == "/security"


def test_an_operator_keeps_a_second_factor(operator: Person) -> None:
    assert operator.post("/security/authenticator/remove").status_code == 409


def test_what_matters_asks_for_proof_again(app: Flask, owner: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.scalars(select(UserSession)).one().authenticated_at = utc_now() - timedelta(hours=1)

    for path in ("/keys/new", "/security/authenticator"):
        assert owner.get(path).headers["Location"].startswith("/prove-it?next=%2F")
    assert owner.post("/team/invitations", email="x@people.example", role="viewer").status_code == 303
    assert mails_to(app, "x@people.example") == []

    assert owner.post("/prove-it?next=/keys/new", password=PASSWORD).headers["Location"] == "/keys/new"
    assert owner.get("/keys/new").status_code == 200


def test_a_new_address_holds_when_its_link_is_used_and_ends_older_links(app: Flask, owner: Person) -> None:
    owner.browser.post("/forgotten-password", email=owner.email)
    reset = link_in(mails_to(app, owner.email)[-1])
    owner.post("/security/address", email="ada.new@people.example")
    change = link_in(mails_to(app, "ada.new@people.example")[-1])

    assert owner.get(change).status_code == 200
    assert owner.post(change).status_code == 303

    assert owner.get(reset).status_code == 410
    assert [mail.template for mail in mails_to(app, owner.email)][-1] == "address_changed"


def test_deleting_an_account_forgets_who_it_was(app: Flask, owner: Person, admin: Person) -> None:
    assert admin.post("/security/delete-account", typed="something else").status_code == 422
    assert admin.post("/security/delete-account", typed=admin.email).status_code == 303

    with app.app_context(), acting_as_system():
        user = db.session.get_one(User, admin.user_id)
        assert (user.name, user.email.endswith(".invalid")) == ("Former member", True)
    assert not is_signed_in(admin.browser)
    assert "Alex" not in owner.get("/team").text


def test_the_last_owner_cannot_delete_the_account(owner: Person) -> None:
    assert owner.post("/security/delete-account", typed=owner.email).status_code == 409
    assert is_signed_in(owner.browser)


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
        organization_id = sessions._seats_of(owner.user_id)[0].organization_id
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


def try_from(nobody: Browser, address: str, email: str, password: str = OTHER_PASSWORD) -> Any:
    return nobody.client.post(
        "/log-in",
        data={"csrf_token": nobody.token(), "email": email, "password": password},
        headers={"Accept": "text/html"},
        environ_base={"REMOTE_ADDR": address},
    )


def test_too_many_tries_from_one_place_are_refused_however_the_address_is_spelled(
    app: Flask, nobody: Browser, limits: None
) -> None:
    _, email = make_user(app, "Nick")
    for spelling in (email, email.upper(), f" {email} ", "nick@\uff50eople.example") * 3:
        answer = try_from(nobody, "203.0.113.7", spelling)

    assert answer.status_code == 429
    assert "tried too often" in answer.text
    assert try_from(nobody, "203.0.113.7", email, PASSWORD).status_code == 429
    assert try_from(nobody, "203.0.113.8", email, PASSWORD).status_code == 303  # nobody is kept out from elsewhere


def test_tries_on_one_account_from_everywhere_have_an_end(app: Flask, nobody: Browser, limits: None) -> None:
    _, email = make_user(app, "Nick")

    statuses = [try_from(nobody, f"203.0.113.{number}", email).status_code for number in range(61)]

    assert statuses == [422] * 60 + [429]


def test_forms_without_their_token_count_against_nobody(app: Flask, nobody: Browser, limits: None) -> None:
    _, email = make_user(app, "Nick")
    for _ in range(15):
        assert nobody.post_without_token("/log-in", email=email, password="wrong").status_code == 400

    assert log_in(nobody, email).status_code == 303


def test_codes_cannot_be_guessed_from_many_addresses(
    app: Flask, nobody: Browser, operator: Person, limits: None
) -> None:
    log_in(nobody, operator.email)

    statuses = [
        nobody.client.post(
            "/log-in/second-step",
            data={"csrf_token": nobody.token(), "code": f"{number:06}"},
            environ_base={"REMOTE_ADDR": f"203.0.113.{number}"},
        ).status_code
        for number in range(11)
    ]

    assert statuses == [422] * 10 + [429]


@pytest.fixture
def limits(app: Flask) -> Iterator[None]:
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = False


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
