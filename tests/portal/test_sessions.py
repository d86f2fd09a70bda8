"""Sessions end when they should, second factors cannot be passed by, and tries have an end."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.members import User
from core.sessions import IDLE_LIMIT, UserSession
from core.throttle import limiter
from tests.people import PASSWORD, Browser, Person, is_signed_in, let_proofs_lapse, log_in, mails_to, make_user

OTHER_PASSWORD = "wrong-wrong-wrong-1"


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

    answer = owner.post("/account/security/password", current=PASSWORD, password="violin-ladder-quartz-11")

    assert answer.status_code == 303
    assert is_signed_in(owner.browser)
    assert not is_signed_in(elsewhere)


def test_sessions_can_be_seen_and_ended(app: Flask, owner: Person) -> None:
    elsewhere = Browser(app.test_client())
    elsewhere.sign_in(owner.user_id)
    path = re.search(r'action="(/account/security/sessions/[^"]+/end)"', owner.get("/account/security").text)
    assert path is not None

    assert owner.post(path[1]).status_code == 303

    assert not is_signed_in(elsewhere)


def test_an_authenticator_app_is_asked_for_and_each_code_works_once(app: Flask, nobody: Browser, owner: Person) -> None:
    owner.post("/account/security/authenticator/new")
    secret = re.search(r"in the app: <code>([A-Z2-7]+)</code>", owner.get("/account/security/authenticator").text)
    assert secret is not None
    code = pyotp.TOTP(secret[1]).at(utc_now())
    codes = owner.post("/account/security/authenticator", code=code)
    assert "be able to see them again" in codes.text

    log_in(nobody, owner.email)
    again = nobody.post("/log-in/second-step", code=code)
    recovery = re.search(r"([A-Z2-7]{4}(-[A-Z2-7]{4}){3})", codes.text)
    assert recovery is not None
    first = nobody.post("/log-in/second-step", code=recovery[1])

    assert again.status_code == 422
    assert first.status_code == 303
    assert is_signed_in(nobody)
    assert "with a password and a recovery code" in nobody.get("/account/security").text
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

    assert browser.get("/console").headers["Location"] == "/account/security"


def test_an_operator_keeps_a_second_factor(operator: Person) -> None:
    assert operator.post("/account/security/authenticator/remove").status_code == 409


def test_what_matters_asks_for_proof_again(app: Flask, owner: Person) -> None:
    let_proofs_lapse(app)

    for path in ("/keys/new", "/account/security/authenticator"):
        assert owner.get(path).headers["Location"].startswith("/prove-it?next=%2F")
    assert owner.post("/team/invitations", email="x@people.example", role="viewer").status_code == 307
    assert mails_to(app, "x@people.example") == []

    assert owner.post("/prove-it?next=/keys/new", password=PASSWORD).headers["Location"] == "/keys/new"
    assert "Identity confirmed. Nothing has been changed yet." in owner.get("/keys/new").text
    assert owner.get("/keys/new").status_code == 200


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
    assert "Too many attempts" in answer.text
    assert try_from(nobody, "203.0.113.7", email, PASSWORD).status_code == 429
    assert try_from(nobody, "203.0.113.8", email, PASSWORD).status_code == 303  # nobody is kept out from elsewhere


def test_tries_on_one_account_from_everywhere_have_an_end(app: Flask, nobody: Browser, limits: None) -> None:
    _, email = make_user(app, "Nick")

    statuses = [try_from(nobody, f"203.0.113.{number}", email).status_code for number in range(101)]

    assert statuses == [422] * 100 + [429]


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
