"""What every answer says to browsers, addresses that programs know, and what throttling leaves in the log."""

from datetime import timedelta

import msgspec
import pytest
from flask import Flask

from core.clock import utc_now
from portal.notifications.events import EVENTS
from tests.people import Browser, Person, let_proofs_lapse, link_in, mails_to, sign_up
from tests.portal.test_sessions import limits, try_from

__all__ = ["limits"]


def test_every_page_says_what_browsers_may_do(nobody: Browser) -> None:
    headers = nobody.get("/log-in").headers

    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


@pytest.mark.parametrize(
    "path", ["/reset-password/x", "/join/x", "/legal/sign/x", "/survey/x", "/status/unsubscribe/x"]
)
def test_a_page_at_a_secret_address_sends_no_referrer(nobody: Browser, path: str) -> None:
    assert nobody.get(path).headers["Referrer-Policy"] == "no-referrer"


def test_a_form_at_a_secret_address_works_without_a_referrer(app: Flask, nobody: Browser) -> None:
    sign_up(nobody)
    path = link_in(mails_to(app, "nora@new.example")[-1])

    answer = nobody.client.post(
        path,
        base_url="https://localhost",
        data={"csrf_token": nobody.token(), "password": "wrong"},
        headers={"Accept": "text/html"},
    )

    assert answer.status_code != 500
    assert "referrer" not in answer.text.lower()


def test_security_faults_can_be_reported(app: Flask, nobody: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert nobody.get("/.well-known/security.txt").status_code == 404
    settings = msgspec.structs.replace(app.extensions["settings"], security_email="security@acme-pilot.eu")
    monkeypatch.setitem(app.extensions, "settings", settings)

    answer = nobody.get("/.well-known/security.txt")

    assert answer.content_type == "text/plain; charset=utf-8"
    assert "Contact: mailto:security@acme-pilot.eu\n" in answer.text
    assert f"Expires: {utc_now() + timedelta(days=180):%Y-%m-%d}T00:00:00Z\n" in answer.text


def test_password_managers_are_led_to_where_passwords_are_changed(nobody: Browser) -> None:
    assert nobody.get("/.well-known/change-password").headers["Location"] == "/account/security"


def test_the_log_of_a_refusal_names_no_address(
    app: Flask, nobody: Browser, limits: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for number in range(61):
        answer = try_from(nobody, "203.0.113.7", f"x{number}@people.example")

    assert answer.status_code == 429
    assert "throttle.refused" in caplog.text
    assert "203.0.113.7" not in caplog.text
    assert "people.example" not in caplog.text


@pytest.mark.parametrize(
    "path",
    ["/policies", "/policies/rules", "/policies/rules/x", "/policies/rules/x/remove", "/policies/versions/1/restore"],
)
def test_policies_are_changed_after_a_fresh_proof_alone(app: Flask, owner: Person, path: str) -> None:
    let_proofs_lapse(app)

    assert owner.post(path).headers["Location"].startswith("/prove-it")


def test_changes_of_policies_can_be_told_to_channels() -> None:
    assert {"policy.changed", "policy.restored"} <= set(EVENTS)
