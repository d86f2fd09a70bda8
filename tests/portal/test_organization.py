"""The organization: retention with its warnings, all data in one file, closing with a time to fetch it."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import func, select, text

from api.decisions.models import Decision
from api.keys.models import ApiKey
from api.policies import services as policies
from core.accounts import Organization
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.profiles import find_profile
from portal.customer.offboarding.jobs import close_accounts
from tests.cast import Caller, Member, organization_with_key
from tests.people import Person, mails_to, person, tables_with
from tests.portal.notify import make_channel
from tests.portal.test_documents import DETAILS, accept_all


def organization(app: Flask, member: Member) -> Organization:
    with app.app_context(), acting_as_system():
        return db.session.get_one(Organization, member.organization_id)


def test_the_first_details_lead_on_to_the_documents(app: Flask, owner: Person, ada: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, ada.organization_id).status = "sandbox"

    led_to = [owner.post("/organization/details", **DETAILS).location for _ in range(2)]

    assert led_to == ["/legal/accept", "/start"]


def test_details_are_kept_and_on_the_trail(app: Flask, ada: Member, admin: Person) -> None:
    assert admin.post("/organization/details", **DETAILS).status_code == 303
    assert admin.post("/organization/details", **{**DETAILS, "legal_name": "Ada Ltd"}).status_code == 303

    with app.app_context(), acting_as_system():
        profile = find_profile(ada.organization_id)
        assert profile is not None
        assert profile.legal_name == "Ada Ltd"
    assert "organization.details_changed" in admin.get("/audit-trail").text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"legal_name": ""}, "legal_name"),
        ({"country": "XX"}, "country"),
        ({"contact_email": "nobody"}, "contact_email"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"use_case": ""}, "use_case"),
        ({"legal_name": "two\r\nlines"}, "legal_name"),
    ],
)
def test_bad_details_are_told_at_their_field_and_what_was_typed_stays(
    admin: Person, changes: dict[str, str], field: str
) -> None:
    answer = admin.post("/organization/details", **{**DETAILS, **changes})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "1 Example Street" in answer.text


@pytest.mark.parametrize(("days", "status"), [("30", 200), ("365", 303), ("29", 422), ("1096", 422), ("x", 422)])
def test_retention_has_bounds_and_asks_before_it_deletes(
    app: Flask, ada: Member, admin: Person, days: str, status: int
) -> None:
    assert admin.post("/organization/retention", days=days).status_code == status

    assert organization(app, ada).retention_days == (365 if status == 303 else 90)


def test_a_shorter_retention_holds_once_it_is_confirmed(app: Flask, ada: Member, admin: Person) -> None:
    asked = admin.post("/organization/retention", days="30")
    assert "will be deleted" in asked.text
    assert admin.post("/organization/retention", days="30", confirmed="30").status_code == 303

    assert organization(app, ada).retention_days == 30
    assert "organization.retention_changed" in admin.get("/audit-trail").text


def test_a_high_risk_system_is_warned_of_less_than_six_months(admin: Person) -> None:
    admin.post("/organization/details", **DETAILS, is_high_risk="y")

    assert "six months" in admin.get("/organization/retention").text
    assert "six months" in admin.get("/dashboard").text
    admin.post("/organization/retention", days="183")
    assert "is shorter" not in admin.get("/organization/retention").text


def test_all_data_comes_as_one_file_without_any_secret(
    app: Flask, ada: Member, as_ada: Caller, owner: Person, documents: None
) -> None:
    decision_id = as_ada.check().json["decision_id"]
    owner.post("/organization/details", **DETAILS)
    owner.get("/legal/terms/1.0.pdf")
    accept_all(owner)
    owner.post("/legal/accept/delegate", email="legal@people.example")
    owner.post("/team/invitations", email="new@people.example", role="viewer")
    owner.post("/checklist/secret_store", done="yes")
    as_ada.send("PUT", "/v1/policy/file", {"policies": {"max_risk_score": 40}})
    hook = make_channel(app, ada.organization_id, target="https://hooks.example.com/services/a-secret-of-theirs")

    answer = owner.post("/organization/data")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="ada-and-co.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert decision_id.encode() in files["decisions.ndjson"]
    assert b"Ada & Co Ltd" in files["organization.json"]
    assert msgspec.json.decode(files["keys.json"])[0]["last_four"] == ada.secret[-4:]
    assert b"organization.data_downloaded" in files["audit-trail.ndjson"]
    assert b"new@people.example" in files["invitations.json"]
    assert b"secret_store" in files["checklist.json"]
    assert msgspec.json.decode(files["policy_file.json"])["policies"] == {"max_risk_score": 40}
    assert b"legal@people.example" in files["signing-links.json"]
    assert b"downloaded" in files["documents-seen.json"]
    assert len(msgspec.json.decode(files["acceptances.json"])) == 2
    assert msgspec.json.decode(files["channels.json"])[0]["name"] == hook.channel.name
    assert msgspec.json.decode(files["invoices.json"]) == []
    assert b"a-secret-of-theirs" not in b"".join(files.values())
    assert {name for name in files if name.encode() not in files["README.txt"]} == {"README.txt"}
    assert all(ada.secret.encode() not in content for content in files.values())
    assert all(b"token_hash" not in content for content in files.values())


def close(who: Person, typed: str = "Ada-And-Co") -> Any:
    return who.post("/organization/closing", typed=typed)


def test_closing_blocks_the_keys_and_canceling_it_brings_them_back(
    app: Flask, ada: Member, as_ada: Caller, owner: Person
) -> None:
    assert close(owner, "something").status_code == 422
    assert close(owner).status_code == 303
    assert close(owner).status_code == 303  # twice is once
    assert as_ada.check().status_code == 403
    assert "This organization is closing" in owner.get("/keys").text
    assert [mail.template for mail in mails_to(app, owner.email)] == ["account_closing"]

    assert owner.post("/organization/closing/undo").status_code == 303
    assert organization(app, ada).status == "live"
    assert owner.post("/organization/closing/undo").status_code == 409


def test_when_its_time_has_come_a_closed_account_is_emptied(live_app: Flask) -> None:
    home, neighbour = organization_with_key(live_app), organization_with_key(live_app)
    owner = person(live_app, "Ann", home.organization_id)
    for member in (home, neighbour):
        assert Caller(live_app.test_client(), member.secret).check().status_code == 200
    owner.post("/team/invitations", email="nick@people.example", role="viewer")
    owner.post("/checklist/own_models", done="yes")
    with live_app.app_context(), acting_for(home.organization_id), transaction():
        policies.change(home.organization_id, "max_risk_score", 7, by=SYSTEM, now=utc_now())
    assert rows_of(home, live_app) == {"policy_version": 2, "invitation": 1, "checklist_tick": 1}
    owner.post("/organization/closing", typed=owner_name(live_app, home))
    secret_before = organization(live_app, home).subject_secret

    with live_app.app_context():
        close_accounts(timestamp=0)
    assert organization(live_app, home).status == "closing"
    with live_app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, home.organization_id).closes_at = utc_now() - timedelta(seconds=1)
    with live_app.app_context():
        close_accounts(timestamp=0)

    closed = organization(live_app, home)
    assert closed.status == "closed"
    assert closed.subject_secret != secret_before
    with live_app.app_context(), acting_as_system():
        left = dict(
            db.session.execute(select(Decision.organization_id, func.count()).group_by(Decision.organization_id)).all()
        )
        assert db.session.get(ApiKey, home.key_id) is None
        assert db.session.get(ApiKey, neighbour.key_id) is not None
    assert Caller(live_app.test_client(), home.secret).check().status_code in {401, 403}
    assert owner.get("/keys").status_code == owner.get("/policies").status_code == 200
    assert rows_of(home, live_app) == {"policy_version": 1, "invitation": 0, "checklist_tick": 0}
    assert tables_with(live_app, "nick@people.example") == {"audit_event"}
    assert left == {neighbour.organization_id: 1}
    assert [mail.template for mail in mails_to(live_app, owner.email)] == ["account_closed"]


def rows_of(member: Member, app: Flask) -> dict[str, int]:
    with app.app_context(), acting_as_system():
        return {
            table: db.session.scalar(
                text(f"SELECT count(*) FROM {table} WHERE organization_id = :id"), {"id": member.organization_id}
            )
            or 0
            for table in ("policy_version", "invitation", "checklist_tick")
        }


def owner_name(app: Flask, member: Member) -> str:
    return organization(app, member).name


def test_another_organization_can_be_started_and_chosen(app: Flask, ada: Member, owner: Person) -> None:
    assert owner.post("/organizations", name="Second Works").headers["Location"] == "/start"
    assert "Second Works" in owner.get("/start").text

    assert owner.post("/organizations/choose", organization=str(ada.organization_id)).status_code == 303
    assert "Ada-And-Co" in owner.get("/team").text


@pytest.mark.parametrize("wanted", ["", "nonsense", "00000000-0000-7000-8000-000000000000"])
def test_an_organization_of_others_cannot_be_chosen(owner: Person, wanted: str) -> None:
    assert owner.post("/organizations/choose", organization=wanted).status_code == 404


def test_the_audit_trail_cannot_be_changed_by_the_software(app: Flask, ada: Member) -> None:
    for role in ("aig_app", "aig_system"):
        with app.app_context(), acting_as_system():
            db.session.execute(text("SELECT set_config('role', :role, true)"), {"role": role})
            for statement in ("UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event"):
                with pytest.raises(Exception, match="permission denied"), db.session.begin_nested():
                    db.session.execute(text(statement))
            db.session.rollback()


def test_one_persons_decisions_are_erased_and_no_others(
    app: Flask, ada: Member, as_ada: Caller, as_cleo: Caller, admin: Person, developer: Person
) -> None:
    for caller, subject in ((as_ada, "person-1"), (as_ada, "person-2"), (as_cleo, "person-1")):
        assert caller.check(subject=subject).status_code == 200

    assert developer.post("/organization/data/erase", subject="person-1").status_code == 403
    for nobody in ("", "person-9"):
        assert admin.post("/organization/data/erase", subject=nobody).status_code == 422
    assert admin.post("/organization/data/erase", subject="person-1").status_code == 303

    with app.app_context(), acting_as_system():
        left = db.session.execute(
            select(Decision.organization_id, func.count()).group_by(Decision.organization_id)
        ).all()
    assert sorted(count for _, count in left) == [1, 1]
    assert "person-1" not in admin.get("/audit-trail").text
