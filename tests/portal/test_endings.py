"""What operators end for an organization: one key, or the account."""

from datetime import timedelta

import pytest
from flask import Flask

from billing.entitlements import access_for
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from portal.customer.offboarding import closing
from tests.cast import Caller, Member
from tests.people import Person, mails_to
from tests.portal.test_documents import forget

WHY = "The owner asked for it in writing."


def path_of(ada: Member, action: str) -> str:
    return f"/console/organizations/{ada.organization_id}/{action}"


def organization_of(app: Flask, ada: Member) -> Organization:
    with app.app_context(), acting_as_system():
        return db.session.get_one(Organization, ada.organization_id)


def test_a_key_is_revoked_and_the_owners_know_why(
    app: Flask, ada: Member, as_ada: Caller, owner: Person, operator: Person
) -> None:
    revoke = path_of(ada, f"keys/{ada.key_id}/revoke")
    assert operator.post(revoke, reason="").status_code == 422
    assert owner.post(revoke, reason="Found in a repository.").status_code == 403
    for _ in range(2):
        assert operator.post(revoke, reason="Found in a repository.").status_code == 303
    forget(app, ada)

    assert as_ada.check().status_code == 401
    (mail,) = mails_to(app, owner.email)
    assert "Found in a repository." in (mail.text or "")
    assert "Found in a repository." in owner.get(f"/keys/{ada.key_id}").text


def test_another_organizations_key_is_not_found(ada: Member, cleo: Member, operator: Person) -> None:
    assert operator.post(path_of(ada, f"keys/{cleo.key_id}/revoke"), reason="A slip.").status_code == 404


def test_an_account_is_closed_and_who_keeps_it_finds_it_suspended(
    app: Flask, ada: Member, as_ada: Caller, owner: Person, operator: Person
) -> None:
    assert owner.post(path_of(ada, "close"), after_days="30", reason=WHY).status_code == 403
    assert operator.post(path_of(ada, "close"), after_days="30", reason=WHY).status_code == 303
    forget(app, ada)

    assert as_ada.check().status_code == 403
    assert WHY in owner.get("/organization/closing").text
    assert WHY in (mails_to(app, owner.email)[-1].text or "")
    owner.post("/organization/closing/undo")
    assert organization_of(app, ada).status == "suspended"
    assert operator.post(path_of(ada, "restore"), reason="Settled.").status_code == 303
    assert organization_of(app, ada).status == "live"


def test_who_closes_first_does_not_keep_what_we_closed(
    app: Flask, ada: Member, owner: Person, operator: Person
) -> None:
    owner.post("/organization/closing", typed="Ada-And-Co")
    ends = organization_of(app, ada).closes_at

    for _ in range(2):
        assert operator.post(path_of(ada, "close"), after_days="30", reason=WHY).status_code == 303

    assert (organization_of(app, ada).closes_at, organization_of(app, ada).status_reason) == (ends, WHY)
    assert len([mail for mail in mails_to(app, owner.email) if mail.template == "account_closing"]) == 2
    owner.post("/organization/closing/undo")
    assert organization_of(app, ada).status == "suspended"


def test_who_was_never_approved_is_not_by_being_closed(app: Flask, ada: Member, operator: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, ada.organization_id).status = "sandbox"

    operator.post(path_of(ada, "close"), after_days="30", reason=WHY)

    with app.app_context(), acting_as_system():
        assert access_for(ada.organization_id, now=utc_now()).state == "sandbox"


def test_deletion_comes_sooner_if_it_is_asked_for_and_never_later(
    app: Flask, ada: Member, owner: Person, operator: Person
) -> None:
    owner.post("/organization/closing", typed="Ada-And-Co")
    in_a_month = organization_of(app, ada).closes_at

    assert operator.post(path_of(ada, "close"), after_days="0", reason=WHY).status_code == 303
    assert operator.post(path_of(ada, "close"), after_days="30", reason="Another.").status_code == 303

    found = organization_of(app, ada)
    assert in_a_month is not None
    assert found.closes_at is not None
    assert found.closes_at < in_a_month - timedelta(days=29)
    assert found.status_reason == WHY
    with app.app_context(), acting_as_system(), transaction():
        closing.finish(ada.organization_id, now=utc_now())
    assert organization_of(app, ada).status == "closed"
    assert operator.post(path_of(ada, "close"), after_days="0", reason=WHY).status_code == 409


@pytest.mark.parametrize("fields", [{"after_days": "31", "reason": WHY}, {"after_days": "0"}, {"reason": WHY}])
def test_a_closure_without_a_day_or_a_reason_is_refused(
    app: Flask, ada: Member, operator: Person, fields: dict[str, str]
) -> None:
    assert operator.post(path_of(ada, "close"), **fields).status_code == 422
    assert organization_of(app, ada).status == "live"
