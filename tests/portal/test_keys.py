"""Keys on their page: a secret seen once, rotation and revocation, live keys only for whoever is live, leaks."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from api.keys import lookup
from api.keys.models import ApiKey
from api.keys.token import KeyEnvironment, issue_token
from core.accounts import Organization, OrganizationStatus
from core.audit import AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.jobs import run_worker
from portal.customer.keys.jobs import END_REMINDED, REMINDED, remind_of_ending_keys, remind_of_old_keys
from portal.customer.keys.overview import lines_page
from tests.cast import Member, organization_with_key
from tests.people import Person, mails_to, person

FORM = {"name": "Production", "environment": "live", "scopes": "checks:write", "life": ""}
SECRET = re.compile(r"aig_(?:live|test)_[0-9A-Za-z]{33}")


def make(who: Person, **changes: Any) -> Any:
    return who.post("/keys", **{**FORM, **changes})


def key_named(app: Flask, member: Member, name: str) -> ApiKey:
    with app.app_context(), acting_as_system():
        return db.session.scalars(
            select(ApiKey)
            .where(ApiKey.organization_id == member.organization_id, ApiKey.name == name)
            .order_by(ApiKey.id)
        ).all()[-1]


def set_status(app: Flask, member: Member, status: OrganizationStatus) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, member.organization_id).status = status.value


def test_a_secret_is_seen_once_and_kept_nowhere(app: Flask, ada: Member, developer: Person) -> None:
    answer = make(developer)

    secret = SECRET.search(answer.text)
    assert secret is not None
    assert answer.headers["Cache-Control"] == "no-store"
    key = key_named(app, ada, "Production")
    for path in ("/keys", f"/keys/{key.id}", "/audit-trail", "/audit-trail/export"):
        assert secret[0] not in developer.get(path).text
    again = make(developer)
    assert again.status_code == 409
    assert SECRET.search(again.text) is None
    with app.app_context(), acting_as_system():
        kept = db.session.execute(
            text("SELECT api_key::text FROM api_key UNION SELECT audit_event::text FROM audit_event")
        )
        rows = str(kept.all())
    assert secret[0] not in rows


def test_the_new_key_works_at_once_and_does_what_it_may(app: Flask, developer: Person) -> None:
    page = make(developer, environment="test", name="Trial").text
    secret = SECRET.search(page)
    assert secret is not None

    headers = {"Authorization": f"Bearer {secret[0]}"}
    asked = app.test_client().post("/v1/check", json={"model": "m", "operation": "chat"}, headers=headers)
    listed = app.test_client().get("/v1/decisions", headers=headers)

    assert (asked.status_code, listed.status_code) == (200, 403)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"scopes": "everything"}, "scopes"),
        ({"environment": "staging"}, "environment"),
        ({"rate_limit": "0"}, "rate_limit"),
        ({"rate_limit": "many"}, "rate_limit"),
        ({"allowed_networks": "not-a-network"}, "allowed_networks"),
        ({"life": "7"}, "life"),
    ],
)
def test_bad_input_is_told_at_its_field_and_makes_nothing(
    app: Flask, ada: Member, developer: Person, changes: dict[str, str], field: str
) -> None:
    answer = make(developer, **changes)

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    with app.app_context(), acting_for(ada.organization_id):
        assert len(lookup.list_page(ada.organization_id, environment=None, after=None, size=10)) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(OrganizationStatus.SANDBOX, 403), (OrganizationStatus.SUSPENDED, 409), (OrganizationStatus.CLOSING, 409)],
)
def test_no_forged_form_makes_a_live_key_before_its_time(
    app: Flask, ada: Member, developer: Person, status: OrganizationStatus, code: int
) -> None:
    set_status(app, ada, status)

    made = make(developer)
    rotated = developer.post(f"/keys/{ada.key_id}/rotate", overlap="24")

    assert (made.status_code, rotated.status_code) == (code, code)
    assert SECRET.search(made.text + rotated.text) is None


@pytest.mark.parametrize(
    ("status", "environment", "code"),
    [
        (OrganizationStatus.SANDBOX, KeyEnvironment.LIVE, "not_approved"),
        (OrganizationStatus.SANDBOX, KeyEnvironment.TEST, None),
        (OrganizationStatus.SUSPENDED, KeyEnvironment.TEST, "organization_suspended"),
        (OrganizationStatus.CLOSING, KeyEnvironment.LIVE, "organization_closing"),
        (OrganizationStatus.CLOSED, KeyEnvironment.TEST, "organization_closing"),
    ],
)
def test_a_key_opens_what_its_organization_may(
    app: Flask, status: OrganizationStatus, environment: KeyEnvironment, code: str | None
) -> None:
    member = organization_with_key(app, environment=environment)
    set_status(app, member, status)

    answer = app.test_client().post(
        "/v1/check",
        json={"model": "m", "operation": "chat"},
        headers={"Authorization": f"Bearer {member.secret}"},
    )

    assert answer.status_code == (403 if code else 200)
    assert (answer.json or {}).get("code") == code


def test_in_the_sandbox_a_test_key_has_the_smaller_limit(app: Flask) -> None:
    member = organization_with_key(app, environment=KeyEnvironment.TEST, rate_limit=None)
    set_status(app, member, OrganizationStatus.SANDBOX)
    headers = {"Authorization": f"Bearer {member.secret}"}

    statuses = [
        app.test_client().post("/v1/check", json={"model": "m", "operation": "chat"}, headers=headers).status_code
        for _ in range(31)
    ]

    assert statuses == [200] * 30 + [429]


def test_rotation_shows_the_new_secret_and_when_the_old_one_ends(app: Flask, ada: Member, developer: Person) -> None:
    answer = developer.post(f"/keys/{ada.key_id}/rotate", overlap="24")

    assert SECRET.search(answer.text)
    assert "The old key" in answer.text
    assert "expiring" in developer.get(f"/keys/{ada.key_id}").text
    assert developer.post(f"/keys/{ada.key_id}/rotate", overlap="24").status_code == 409
    assert developer.post(f"/keys/{ada.key_id}/finish").status_code == 303
    assert key_named(app, ada, "Main").revoked_at is None
    with app.app_context(), acting_for(ada.organization_id):
        assert lookup.find(ada.organization_id, ada.key_id).revoked_at is not None


def test_only_a_rotated_key_can_be_finished(ada: Member, developer: Person) -> None:
    assert developer.post(f"/keys/{ada.key_id}/finish").status_code == 409


def test_revoking_wants_the_name_typed(app: Flask, ada: Member, developer: Person) -> None:
    assert developer.post(f"/keys/{ada.key_id}/revoke", typed="main").status_code == 422
    assert developer.post(f"/keys/{ada.key_id}/revoke", typed="Main", reason="Laptop lost").status_code == 303

    assert key_named(app, ada, "Main").revoke_reason == "Laptop lost"
    assert developer.post(f"/keys/{ada.key_id}/revoke", typed="Main").status_code == 303  # twice is once


def test_what_should_be_done_about_a_key_is_said(app: Flask, ada: Member, developer: Person) -> None:
    later = utc_now() + timedelta(days=91)
    with app.app_context(), acting_for(ada.organization_id):
        (line,) = lines_page(ada.organization_id, is_in_use=True, now=later).rows

    assert line.hints == (
        "This key is older than 90 days. Rotate it.",
        "This key has not been used for 30 days. Revoke it if you no longer need it.",
    )
    assert developer.get("/keys").status_code == 200


def report(who: Any, secret: str) -> Any:
    return who.post("/report-a-key", secret=secret, place="a public repository")


def test_a_leak_report_says_the_same_whatever_it_is_about(nobody: Any, ada: Member) -> None:
    answers = [
        report(nobody, secret)
        for secret in (ada.secret, issue_token(KeyEnvironment.LIVE).secret, "aig_live_nonsense", "hello")
    ]

    assert {answer.status_code for answer in answers} == {202}
    assert len({re.sub(r'value="[^"]+"', "", answer.text) for answer in answers}) == 1


def test_a_leaked_key_is_revoked_by_the_worker_and_its_owners_are_told(live_app: Flask) -> None:
    home = organization_with_key(live_app)
    owner = person(live_app, "Ann", home.organization_id)
    for _ in range(2):
        assert report(owner, home.secret).status_code == 202

    run_worker(live_app, until_done=True)

    key = key_named(live_app, home, "Main")
    assert key.revoke_reason == "reported as leaked"
    (mail,) = mails_to(live_app, owner.email)
    assert mail.template == "key_leaked"
    assert "a public repository" in (mail.text or "")
    assert home.secret not in (mail.text or "")
    with live_app.app_context(), acting_as_system():
        jobs = db.session.execute(text("SELECT args::text FROM jobs.procrastinate_jobs")).scalars().all()
    assert home.secret not in str(jobs)


def test_an_old_key_is_reminded_of_once(live_app: Flask) -> None:
    home = organization_with_key(live_app)
    owner = person(live_app, "Ann", home.organization_id)
    with live_app.app_context(), acting_as_system(), transaction():
        db.session.get_one(ApiKey, home.key_id).created_at = utc_now() - timedelta(days=90)

    with live_app.app_context():
        remind_of_old_keys(timestamp=0)
        remind_of_old_keys(timestamp=0)

    assert [mail.template for mail in mails_to(live_app, owner.email)] == ["key_old"]
    with live_app.app_context(), acting_as_system():
        assert len(db.session.scalars(select(AuditEvent).where(AuditEvent.action == REMINDED)).all()) == 1
    assert isinstance(home.key_id, UUID)


@pytest.mark.parametrize(("days", "mails"), [(6, ["key_ending"]), (7.05, ["key_ending"]), (8, []), (-1, [])])
def test_of_a_key_that_ends_within_a_week_its_owners_are_told_once(
    live_app: Flask, days: float, mails: list[str]
) -> None:
    home = organization_with_key(live_app)
    owner = person(live_app, "Ann", home.organization_id)
    with live_app.app_context(), acting_as_system(), transaction():
        db.session.get_one(ApiKey, home.key_id).expires_at = utc_now() + timedelta(days=days)

    with live_app.app_context():
        remind_of_ending_keys(timestamp=0)
        remind_of_ending_keys(timestamp=0)

    assert [mail.template for mail in mails_to(live_app, owner.email)] == mails
    with live_app.app_context(), acting_as_system():
        told = db.session.scalars(select(AuditEvent).where(AuditEvent.action == END_REMINDED)).all()
    assert len(told) == len(mails)
