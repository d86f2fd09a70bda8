"""What an attacker tried and must not get: accounts of others, second factors passed by, outages, 500s."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from core.accounts import Organization, OrganizationStatus
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.ids import new_uuid
from core.jobs import defer
from core.members import User
from portal.customer.keys.jobs import revoke_leaked_key
from portal.customer.offboarding import closing
from portal.customer.people.models import Passkey
from portal.customer.team.models import Invitation
from tests.cast import Member, organization_with_key
from tests.people import NEW, PASSWORD, Browser, Person, is_signed_in, link_in, log_in, mails_to, person, sign_up
from tests.portal.test_team import at_once

OTHER_PASSWORD = "violin-ladder-quartz-11"


def user_of(app: Flask, email: str) -> User:
    with app.app_context(), acting_as_system():
        return db.session.scalars(select(User).where(User.email == email)).one()


def plant_passkey(app: Flask, email: str) -> None:
    """What somebody left behind who was at the account before its owner."""
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            Passkey(
                id=new_uuid(),
                user_id=user_of(app, email).id,
                credential_id=email.encode(),
                public_key=b"",
                sign_count=0,
                name="Planted",
                created_at=utc_now(),
            )
        )


def passkeys_left(app: Flask) -> int:
    with app.app_context(), acting_as_system():
        return len(db.session.scalars(select(Passkey.id)).all())


@pytest.mark.parametrize("way", ["sign up afresh", "forgotten password", "made an operator"])
def test_whoever_had_an_address_first_keeps_nothing_when_its_owner_comes(app: Flask, nobody: Browser, way: str) -> None:
    squatter = Browser(app.test_client())
    sign_up(squatter)
    log_in(squatter, NEW["email"])
    assert squatter.get("/account/security").headers["Location"] == "/confirm-address"
    plant_passkey(app, NEW["email"])

    if way == "sign up afresh":
        sign_up(nobody, password=OTHER_PASSWORD, organization_name="Owner's Works")
        nobody.post(link_in(mails_to(app, NEW["email"])[-1]), password=OTHER_PASSWORD)
        assert "Owner&#39;s Works" in nobody.get("/organization").text
    elif way == "forgotten password":
        nobody.post("/forgotten-password", email=NEW["email"])
        nobody.post(link_in(mails_to(app, NEW["email"])[-1]), password=OTHER_PASSWORD)
    else:
        result = app.test_cli_runner().invoke(args=["operators", "create", "--email", NEW["email"], "--name", "Nora"])
        nobody.post("/reset-password/" + result.output.strip().rpartition("/")[2], password=OTHER_PASSWORD)

    assert not is_signed_in(squatter)
    assert passkeys_left(app) == 0
    assert log_in(squatter, NEW["email"]).status_code == 422


def test_a_reset_makes_an_asked_for_change_of_address_void(app: Flask, nobody: Browser, owner: Person) -> None:
    owner.post("/account/security/address", email="evil@people.example")
    change = link_in(mails_to(app, "evil@people.example")[-1])
    assert "address_change_asked" in [mail.template for mail in mails_to(app, owner.email)]
    nobody.post("/forgotten-password", email=owner.email)
    nobody.post(link_in(mails_to(app, owner.email)[-1]), password=OTHER_PASSWORD)

    assert nobody.post(change).status_code == 410


def test_an_old_confirmation_does_not_pass_a_second_factor_by(app: Flask, nobody: Browser) -> None:
    sign_up(nobody)
    confirmation = link_in(mails_to(app, NEW["email"])[-1])
    nobody.post("/forgotten-password", email=NEW["email"])
    nobody.post(link_in(mails_to(app, NEW["email"])[-1]), password=PASSWORD)
    plant_passkey(app, NEW["email"])

    assert nobody.post(confirmation, password=PASSWORD).status_code == 410
    assert not is_signed_in(nobody)


def test_halfway_ends_when_the_password_is_changed(app: Flask, nobody: Browser, operator: Person) -> None:
    log_in(nobody, operator.email)
    assert nobody.get("/log-in/second-step").status_code == 200
    other = Browser(app.test_client())
    other.post("/forgotten-password", email=operator.email)
    other.post(link_in(mails_to(app, operator.email)[-1]), password=OTHER_PASSWORD)

    assert nobody.get("/log-in/second-step").headers["Location"] == "/log-in"


def test_a_passkey_without_a_challenge_of_ours_opens_nothing(nobody: Browser) -> None:
    answer = nobody.post("/log-in/passkey", credential='{"id": "AAAA"}')

    assert answer.status_code == 422
    assert "expired or was already used" in answer.text


@pytest.mark.parametrize("changes", [{}, {"email": "other@new.example"}])
def test_sign_ups_at_once_all_get_the_same_answer(live_app: Flask, changes: dict[str, str]) -> None:
    def act() -> object:
        return sign_up(Browser(live_app.test_client()), **changes).status_code

    assert at_once(act, act, act, act) == [200] * 4


def test_an_owners_invitation_needs_an_owner_behind_it(
    app: Flask, owner: Person, admin: Person, nobody: Browser
) -> None:
    owner.post(f"/team/members/{admin.user_id}/role", role="owner")
    admin.post("/team/invitations", email="new@people.example", role="owner")
    path = link_in(mails_to(app, "new@people.example")[-1])
    owner.post(f"/team/members/{admin.user_id}/role", role="admin")

    assert nobody.post(path, name="Nora", password=PASSWORD).status_code == 410
    with app.app_context(), acting_as_system():
        invitation_id = db.session.scalars(select(Invitation.id)).one()
    assert admin.post(f"/team/invitations/{invitation_id}/resend").status_code == 403
    assert owner.post(f"/team/invitations/{invitation_id}/resend").status_code == 303
    assert nobody.get(link_in(mails_to(app, "new@people.example")[-1])).status_code == 200


def test_no_form_gives_a_key_more_than_the_plan_allows(developer: Person) -> None:
    answer = developer.post("/keys", name="Fast", environment="live", scopes="checks:write", life="", rate_limit="101")

    assert answer.status_code == 422
    assert "up to 100" in answer.text


def test_lapsed_terms_give_no_live_key(app: Flask, ada: Member, developer: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, ada.organization_id).legal_due_at = utc_now() - timedelta(seconds=1)

    made = developer.post("/keys", name="Late", environment="live", scopes="checks:write", life="")
    rotated = developer.post(f"/keys/{ada.key_id}/rotate", overlap="24")

    assert (made.status_code, rotated.status_code) == (403, 403)


def test_an_account_that_is_kept_is_not_closed_by_a_job_under_way(app: Flask, ada: Member, owner: Person) -> None:
    owner.post("/organization/closing", typed="Ada-And-Co")
    later = utc_now() + timedelta(days=31)
    owner.post("/organization/closing/undo")

    with app.app_context(), acting_as_system(), transaction():
        closing.finish(ada.organization_id, now=later)

    with app.app_context(), acting_as_system():
        assert db.session.get_one(Organization, ada.organization_id).status == OrganizationStatus.LIVE


def test_one_account_that_cannot_be_closed_holds_up_no_other(live_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = organization_with_key(live_app), organization_with_key(live_app)
    with live_app.app_context(), acting_as_system(), transaction():
        for member in (first, second):
            organization = db.session.get_one(Organization, member.organization_id)
            organization.status, organization.closes_at = "closing", utc_now() - timedelta(days=1)
    finish = closing.finish

    def fail_for_first(organization_id: UUID, *, now: Any) -> None:
        if organization_id == first.organization_id:
            raise RuntimeError
        finish(organization_id, now=now)

    monkeypatch.setattr(closing, "finish", fail_for_first)
    with live_app.app_context():
        from portal.customer.offboarding.jobs import close_accounts

        close_accounts(timestamp=0)
        with acting_as_system():
            statuses = dict(db.session.execute(select(Organization.id, Organization.status)).all())
    assert statuses == {first.organization_id: "closing", second.organization_id: "closed"}


@pytest.mark.parametrize(
    "path", ["/organization/name", "/policies", "/keys", "/team/invitations", "/application/submit"]
)
@pytest.mark.parametrize("status", ["suspended", "closing", "closed"])
def test_an_organization_inactive_is_not_changed(
    app: Flask, ada: Member, owner: Person, path: str, status: str
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, ada.organization_id).status = status

    answer = owner.post(path, name="Other")

    assert answer.status_code == 409
    assert "be changed right now" in answer.text


def test_the_owner_of_a_closed_organization_can_leave(app: Flask, ada: Member, owner: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, ada.organization_id).status = "closed"

    assert owner.post("/account/security/delete-account", typed=owner.email).status_code == 303


def test_operators_leave_their_own_organizations_to_others(app: Flask, ada: Member) -> None:
    own = person(app, "Olga", ada.organization_id, is_operator=True)
    path = f"/console/organizations/{ada.organization_id}"

    for answer in (
        own.post(f"{path}/suspend", reason="x"),
        own.post(f"{path}/restore", reason="x"),
        own.post(f"{path}/pilot", ends_on="2099-01-01"),
    ):
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/log-in?next=//[", {"email": "x@people.example", "password": "x"}),
        ("/theme", {"theme": "dark", "back": "//["}),
        ("/theme", {"theme": "dark", "back": "/a\r\nX-Evil: 1"}),
        ("/log-in/passkey", {"credential": "[" * 100_000}),
        ("/log-in/passkey", {"credential": "null"}),
        ("/report-a-key", {"secret": "\x00"}),
        ("/sign-up", {**NEW, "name": "\x00"}),
        ("/forgotten-password", {"email": "\x00@people.example"}),
    ],
)
def test_odd_input_from_strangers_is_refused_and_breaks_nothing(
    nobody: Browser, path: str, fields: dict[str, str]
) -> None:
    assert nobody.post(path, **fields).status_code < 500


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/account/security/passkeys", {"credential": "1"}),
        ("/account/security/authenticator", {"code": "\uff11\uff12\uff13\uff14\uff15\uff16"}),
        ("/try-it", {"secret": "aig_test_x", "model": "m", "operation": "o", "metadata": "[" * 19_000}),
        ("/organization/details", {"use_case": "a\x00b"}),
        ("/policies/versions/99999999999999999999/restore", {}),
        ("/team/invitations", {"email": "x@people.example", "role": "king"}),
    ],
)
def test_odd_input_from_members_is_refused_and_breaks_nothing(owner: Person, path: str, fields: dict[str, str]) -> None:
    owner.post("/account/security/authenticator/new")

    assert owner.post(path, **fields).status_code < 500


@pytest.mark.parametrize(
    "path", ["/audit-trail?action=%00", "/legal/terms/%00", "/decisions?model=%00", "/legal/terms/1.0/changes/%00"]
)
def test_odd_addresses_break_nothing(owner: Person, documents: None, path: str) -> None:
    assert owner.get(path).status_code < 500


def test_a_referrer_that_is_no_address_breaks_nothing(nobody: Browser) -> None:
    answer = nobody.client.post(
        "/keys", data={"csrf_token": nobody.token()}, headers={"Referer": "http://[", "Accept": "text/html"}
    )

    assert answer.status_code == 303


def test_a_form_of_any_size_is_not_read(nobody: Browser) -> None:
    assert nobody.post("/report-a-key", secret="x" * 1_100_000).status_code == 413


def test_an_organizations_role_leaves_jobs_and_reads_none(app: Flask, ada: Member) -> None:
    with app.app_context(), acting_for(ada.organization_id):
        defer(revoke_leaked_key, digest="00", place="")
        with pytest.raises(ProgrammingError, match="permission denied"), db.session.begin_nested():
            db.session.execute(text("SELECT args FROM jobs.procrastinate_jobs"))
        db.session.rollback()


def test_logging_in_as_somebody_else_ends_the_session_before(app: Flask, owner: Person, admin: Person) -> None:
    with owner.browser.client.session_transaction() as cookie:
        token = cookie["_user_id"]
    log_in(owner.browser, admin.email)
    copy = Browser(app.test_client())
    with copy.client.session_transaction() as cookie:
        cookie["_user_id"] = token

    assert not is_signed_in(copy)


def test_trying_it_out_really_asks_the_api(app: Flask, ada: Member, developer: Person) -> None:
    page = developer.post("/keys", name="Trial", environment="test", scopes="checks:write", life="").text
    secret = re.search(r"aig_test_[0-9A-Za-z]{33}", page)
    assert secret is not None

    answer = developer.post(
        "/try-it", secret=secret[0], model="m", operation="chat", metadata='{"contains_personal_data": true}'
    )

    assert "contains_personal_data" in answer.text
    decision_id = re.search(r"dec_[0-9a-f]{32}", answer.text)
    assert decision_id is not None
    assert developer.get(f"/decisions/{decision_id[0]}").status_code == 200


def test_no_secret_reaches_the_logs(
    app: Flask, nobody: Browser, owner: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    sign_up(nobody)
    link = link_in(mails_to(app, NEW["email"])[-1])
    nobody.post(link, password=PASSWORD)
    page = owner.post("/keys", name="Logged", environment="live", scopes="checks:write", life="").text
    secret = re.search(r"aig_live_[0-9A-Za-z]{33}", page)
    assert secret is not None
    owner.post("/report-a-key", secret=secret[0])
    owner.post("/nowhere", password=PASSWORD)

    assert "http.request" in caplog.text
    for hidden in (secret[0], PASSWORD, link.rpartition("/")[2], NEW["email"], owner.email):
        assert hidden not in caplog.text
