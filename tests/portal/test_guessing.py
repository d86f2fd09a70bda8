"""Guessing a password or a code: it has an end for whoever guesses, and shuts nobody else out."""

import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text, update

from core.audit import AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from portal.customer.people import accounts
from portal.customer.people.models import SignInAttempt
from tests.people import PASSWORD, Browser, Person, is_signed_in, link_in, log_in, mails_to, make_user, sign_up

WRONG = "wrong-wrong-wrong-1"


def send_from(browser: Browser, number: int, path: str, **fields: str) -> Any:
    """From an address of its own for each number."""
    return browser.client.post(
        path,
        data={"csrf_token": browser.token(), **fields},
        headers={"Accept": "text/html"},
        environ_base={"REMOTE_ADDR": f"203.0.{113 + number // 250}.{number % 250 + 1}"},
    )


def guess(app: Flask, email: str, times: int) -> list[int]:
    """Wrong log-ins, each from another browser at another address."""
    stranger = Browser(app.test_client())
    return [send_from(stranger, number, "/log-in", email=email, password=WRONG).status_code for number in range(times)]


def actions_about(app: Flask, person: Person) -> list[str]:
    with app.app_context(), acting_as_system():
        query = select(AuditEvent.action).where(AuditEvent.actor_id == person.user_id).order_by(AuditEvent.id)
        return list(db.session.scalars(query))


def let_pass(app: Flask, time: timedelta) -> None:
    """As if so much time had gone by since all tries."""
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SET LOCAL ROLE NONE"))  # the software itself changes no try
        db.session.execute(update(SignInAttempt).values(occurred_at=SignInAttempt.occurred_at - time))


@pytest.mark.parametrize(
    ("path", "field", "others"),
    [("/prove-it", "password", {}), ("/account/security/password", "current", {"password": "violin-ladder-quartz-11"})],
)
def test_wrong_passwords_in_a_session_end_it_wherever_they_come_from(
    app: Flask, owner: Person, path: str, field: str, others: dict[str, str]
) -> None:
    answers = [send_from(owner.browser, number, path, **{**others, field: WRONG}) for number in range(5)]

    assert [answer.status_code for answer in answers] == [422] * 4 + [303]
    assert answers[-1].headers["Location"] == "/log-in?after=proofs"
    assert not is_signed_in(owner.browser)
    assert actions_about(app, owner) == ["member.proof_failed"] * 5 + ["member.session_ended"]
    assert mails_to(app, owner.email)[-1].template == "session_ended"


def test_both_forms_of_a_session_count_together(owner: Person) -> None:
    for _ in range(2):
        owner.post("/prove-it", password=WRONG)
        owner.post("/account/security/password", current=WRONG, password="violin-ladder-quartz-11")

    owner.post("/prove-it", password=WRONG)

    assert not is_signed_in(owner.browser)


def test_the_right_password_in_between_starts_the_count_afresh(owner: Person) -> None:
    for _ in range(3):
        for _ in range(3):
            owner.post("/prove-it", password=WRONG)
        assert owner.post("/prove-it", password=PASSWORD).status_code == 303

    assert is_signed_in(owner.browser)


def test_many_sessions_of_one_account_have_no_more_tries_for_it(app: Flask, owner: Person) -> None:
    answers = []
    for _ in range(6):
        copy = Browser(app.test_client())
        copy.sign_in(owner.user_id)
        answers += [copy.post("/prove-it", password=WRONG).status_code for _ in range(4)]

    assert answers == [422] * 20 + [429] * 4
    assert is_signed_in(owner.browser)


def test_wrong_codes_of_a_new_app_end_the_session_too(app: Flask, owner: Person) -> None:
    owner.post("/account/security/authenticator/new")

    answers = [send_from(owner.browser, n, "/account/security/authenticator", code=f"{n:06}") for n in range(10)]

    assert answers[-1].headers["Location"] == "/log-in?after=proofs"
    assert actions_about(app, owner).count("member.second_factor_failed") == 10


def test_a_link_of_a_sign_up_is_no_way_round_the_limit_of_logging_in(app: Flask, nobody: Browser) -> None:
    sign_up(nobody)
    path = link_in(mails_to(app, "nora@new.example")[-1])

    answers = [send_from(nobody, 1, path, password=WRONG).status_code for _ in range(6)]

    assert answers == [422] * 5 + [429]
    assert send_from(nobody, 1, "/log-in", email="nora@new.example", password=WRONG).status_code == 429


def test_a_stranger_shuts_nobody_out(app: Flask, nobody: Browser) -> None:
    _, email = make_user(app, "Nick")
    guess(app, email, 60)

    assert log_in(nobody, email).status_code == 303
    assert is_signed_in(nobody)


def test_a_browser_that_was_signed_in_before_does_not_wait_for_what_strangers_do(app: Flask, nobody: Browser) -> None:
    _, email = make_user(app, "Nick")
    log_in(nobody, email)
    nobody.post("/log-out")

    assert 429 in guess(app, email, 110)

    assert log_in(nobody, email).status_code == 303


def test_guesses_from_everywhere_become_slow_and_never_stop_for_good(app: Flask, nobody: Browser) -> None:
    _, email = make_user(app, "Nick")
    guess(app, email, 100)

    slowed = send_from(nobody, 500, "/log-in", email=email, password=PASSWORD)
    let_pass(app, timedelta(seconds=int(slowed.headers["Retry-After"])))

    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) <= 30
    assert send_from(nobody, 500, "/log-in", email=email, password=PASSWORD).status_code == 303


def test_one_place_waits_longer_each_time(app: Flask, nobody: Browser) -> None:
    _, email = make_user(app, "Nick")
    waits = []
    for _ in range(9):
        answer = send_from(nobody, 1, "/log-in", email=email, password=WRONG)
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            let_pass(app, timedelta(seconds=waits[-1]))
            send_from(nobody, 1, "/log-in", email=email, password=WRONG)

    assert waits == [1, 2, 4, 8]


def test_an_unknown_address_is_slowed_as_a_known_one(app: Flask, nobody: Browser) -> None:
    _, email = make_user(app, "Nick")

    known = [send_from(nobody, 1, "/log-in", email=email, password=WRONG).status_code for _ in range(6)]
    unknown = [send_from(nobody, 1, "/log-in", email="x@y.example", password=WRONG).status_code for _ in range(6)]

    assert known == unknown == [422] * 5 + [429]


def test_the_person_is_written_to_once_about_wrong_log_ins(app: Flask) -> None:
    _, email = make_user(app, "Nick")

    guess(app, email, 60)

    assert [mail.template for mail in mails_to(app, email)] == ["wrong_sign_ins"]


def test_a_new_password_makes_strangers_of_the_browsers_that_were_known(
    app: Flask, nobody: Browser, owner: Person
) -> None:
    log_in(nobody, owner.email)
    owner.post("/account/security/password", current=PASSWORD, password="violin-ladder-quartz-11")
    for _ in range(5):
        log_in(nobody, owner.email, WRONG)

    assert log_in(Browser(app.test_client()), owner.email, "violin-ladder-quartz-11").status_code == 429


def test_whoever_set_a_new_password_by_mail_is_not_made_to_wait(app: Flask, nobody: Browser, owner: Person) -> None:
    guess(app, owner.email, 101)
    nobody.post("/forgotten-password", email=owner.email)
    nobody.post(link_in(mails_to(app, owner.email)[-1]), password="violin-ladder-quartz-11")

    assert log_in(nobody, owner.email, "violin-ladder-quartz-11").status_code == 303


def guarded(owner: Person) -> str:
    """Sets an authenticator app up; a recovery code."""
    owner.post("/account/security/authenticator/new")
    secret = re.search(r"in the app: <code>([A-Z2-7]+)</code>", owner.get("/account/security/authenticator").text)
    assert secret is not None
    codes = owner.post("/account/security/authenticator", code=pyotp.TOTP(secret[1]).at(utc_now())).text
    recovery = re.search(r"([A-Z2-7]{4}(-[A-Z2-7]{4}){3})", codes)
    assert recovery is not None
    return recovery[1]


def test_wrong_codes_of_the_app_do_not_shut_recovery_codes(app: Flask, nobody: Browser, owner: Person) -> None:
    recovery = guarded(owner)
    log_in(nobody, owner.email)

    tries = [send_from(nobody, n, "/log-in/second-step", code=f"{n:06}").status_code for n in range(40)]

    assert tries == [422] * 10 + [429] * 30
    assert nobody.post("/log-in/second-step", code=recovery).status_code == 303


def test_wrong_recovery_codes_do_not_shut_the_app(app: Flask, nobody: Browser, owner: Person) -> None:
    guarded(owner)
    log_in(nobody, owner.email)

    tries = [send_from(nobody, n, "/log-in/second-step", code="AAAA-AAAA-AAAA-AAAA").status_code for n in range(40)]

    assert tries[-1] == 429
    assert nobody.post("/log-in/second-step", code="000000").status_code == 422


def test_wrong_codes_after_the_right_password_are_told_to_the_person(
    app: Flask, nobody: Browser, owner: Person
) -> None:
    guarded(owner)
    log_in(nobody, owner.email)

    for number in range(5):
        send_from(nobody, number, "/log-in/second-step", code=f"{number:06}")

    assert "wrong_codes" in [mail.template for mail in mails_to(app, owner.email)]


def test_a_sign_in_from_a_new_browser_is_told_to_the_person(app: Flask, nobody: Browser) -> None:
    _, email = make_user(app, "Nick")
    with app.app_context(), acting_as_system(), transaction():
        long_ago = utc_now() - timedelta(days=30)
        user = accounts.find_by_email(email)
        assert user is not None
        user.email_confirmed_at = long_ago

    for browser in (nobody, nobody, Browser(app.test_client())):
        log_in(browser, email)
        browser.post("/log-out")

    assert [mail.template for mail in mails_to(app, email)] == ["new_sign_in"] * 2


def test_the_first_sign_in_after_signing_up_is_no_news(app: Flask, nobody: Browser) -> None:
    sign_up(nobody)
    nobody.post(link_in(mails_to(app, "nora@new.example")[-1]), password=PASSWORD)

    assert "new_sign_in" not in [mail.template for mail in mails_to(app, "nora@new.example")]
