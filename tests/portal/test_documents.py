"""Accepting: nothing ticked beforehand, nothing superseded, evidence that equals the bytes served."""

import re
from datetime import datetime, timedelta
from hashlib import sha256
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts import Organization
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Settings
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.documents.drafts import Review
from legal_docs.documents.kinds import Kind
from legal_docs.documents.provider import trial_provider
from legal_docs.publishing import publish
from tests.cast import Caller, Member
from tests.people import Browser, Person, link_in, mails_to

DETAILS = {
    "legal_name": "Ada & Co Ltd",
    "registration_number": "HRB 1",
    "address": "1 Example Street",
    "country": "DE",
    "contact_name": "Ada",
    "contact_email": "ada@people.example",
    "use_case": "Summaries.",
    "expected_checks": "up to 10,000",
}
SIGNED = {"name": "Ada Owner", "title": "Director", "authority": "y", "lawful_use": "y", "pilot_limits": "y"}


def shown(page: str) -> dict[str, str]:
    """What the page's form carries of the documents it shows, with their boxes ticked."""
    hidden = dict(re.findall(r'name="((?:terms|dpa)_(?:number|sha256))"\s+value="([^"]+)"', page))
    return {**hidden, **{f"{name.partition('_')[0]}_agreed": "yes" for name in hidden}}


def accept_all(who: Person) -> Any:
    answer = who.post("/legal/accept", **SIGNED, **shown(who.get("/legal/accept").text))
    assert answer.status_code == 303, answer.text
    return answer


def publish_next(app: Flask, kind: Kind = Kind.TERMS, number: str = "2.0", **changes: Any) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        publish(
            kind,
            **{
                "number": number,
                "is_major": True,
                "summary": "Clearer words.",
                "effective_at": now + timedelta(days=31),
                "review": Review(reviewer="A lawyer", on=now.date(), note="Fine."),
                "provider": trial_provider(Settings()),
                "settings": Settings(),
                "by": SYSTEM,
                "now": now,
                **changes,
            },
        )


@pytest.fixture
def signer(owner: Person, documents: None) -> Person:
    owner.post("/organization/details", **DETAILS)
    return owner


def test_whoever_accepted_is_led_to_the_next_step_and_the_receipts(app: Flask, signer: Person) -> None:
    before = signer.get("/legal/accepted")

    answer = accept_all(signer)

    page = signer.get(answer.headers["Location"]).text
    assert (before.status_code, before.headers["Location"]) == (303, "/documents")
    assert "Next step: " in page
    assert all(f'href="/legal/acceptances/{one.id}"' in page for one in acceptances(app))


def acceptances(app: Flask) -> list[LegalAcceptance]:
    with app.app_context(), acting_as_system():
        return list(db.session.scalars(select(LegalAcceptance).order_by(LegalAcceptance.position)))


def test_nothing_is_ticked_beforehand_and_the_button_says_the_same(signer: Person) -> None:
    page = signer.get("/legal/accept").text

    assert page.count('type="checkbox"') == 5
    assert not re.search(r"<input[^>]* checked", page)
    assert "Accept the Terms of Service and the Data Processing Agreement" in page


def test_accepting_keeps_the_evidence_of_what_was_served(app: Flask, signer: Person, nobody: Browser) -> None:
    accept_all(signer)

    for acceptance in acceptances(app):
        served = nobody.get(f"/legal/{acceptance.kind}/{acceptance.number}.md")
        assert sha256(served.data).hexdigest() == acceptance.document_sha256
        assert (acceptance.signer_name, acceptance.signer_title) == ("Ada Owner", "Director")
        assert (acceptance.user_id, acceptance.network_address) == (signer.user_id, "127.0.0.1")
        assert acceptance.auth_method == "password"
        assert acceptance.session_id
        assert acceptance.request_id.startswith("req_")
    assert [mail.template for mail in mails_to(app, signer.email)] == ["legal_receipt"]
    receipt = signer.get(link_in(mails_to(app, signer.email)[-1]))
    assert "Verified" in receipt.text
    pdf = signer.get(f"/legal/acceptances/{acceptances(app)[0].id}/pdf")
    assert pdf.data.startswith(b"%PDF")


@pytest.mark.parametrize(
    "missing", ["title", "authority", "lawful_use", "pilot_limits", "dpa_agreed", "terms_agreed", "name"]
)
def test_what_is_missing_is_named_and_nothing_is_accepted(app: Flask, signer: Person, missing: str) -> None:
    fields = {**SIGNED, **shown(signer.get("/legal/accept").text)}
    del fields[missing]

    answer = signer.post("/legal/accept", **fields)

    assert answer.status_code == 422
    assert "error-summary" in answer.text
    assert acceptances(app) == []


def test_lawful_use_and_the_limits_of_a_pilot_are_recorded_with_the_acceptance(app: Flask, signer: Person) -> None:
    accept_all(signer)

    for acceptance in acceptances(app):
        boxes = acceptance.checkbox_texts
        assert "will use the service lawfully" in boxes[-2]
        assert "understands the limits of a pilot" in boxes[-1]
        receipt = signer.get(f"/legal/acceptances/{acceptance.id}").text
        assert all(text in unescape(receipt) for text in boxes)


@pytest.mark.parametrize("forged", [{"terms_sha256": "0" * 64}, {"terms_number": "9.9"}])
def test_what_the_form_says_of_the_text_must_be_true(app: Flask, signer: Person, forged: dict[str, str]) -> None:
    answer = signer.post("/legal/accept", **SIGNED, **{**shown(signer.get("/legal/accept").text), **forged})

    assert answer.status_code == 409
    assert acceptances(app) == []


def test_a_version_that_was_superseded_meanwhile_is_not_accepted(app: Flask, signer: Person) -> None:
    fields = {**SIGNED, **shown(signer.get("/legal/accept").text)}
    publish_next(app)

    answer = signer.post("/legal/accept", **fields)

    assert answer.status_code == 409
    assert "2.0" in answer.text
    assert acceptances(app) == []


def test_pressing_twice_accepts_once(app: Flask, signer: Person) -> None:
    fields = {**SIGNED, **shown(signer.get("/legal/accept").text)}

    signer.post("/legal/accept", **fields)
    signer.post("/legal/accept", **fields)

    assert len(acceptances(app)) == 2
    assert len(mails_to(app, signer.email)) == 1


def test_who_has_the_authority_accepts_by_a_link_without_an_account(
    app: Flask, signer: Person, nobody: Browser
) -> None:
    signer.post("/legal/accept/delegate", email="legal@people.example")
    path = link_in(mails_to(app, "legal@people.example")[-1])
    page = nobody.get(path)
    assert "Ada &amp; Co Ltd" in page.text

    answer = nobody.post(path, **{**SIGNED, "name": "Lea Legal"}, **shown(page.text))

    assert answer.status_code == 200
    assert {one.signer_name for one in acceptances(app)} == {"Lea Legal"}
    assert {one.signer_email for one in acceptances(app)} == {"legal@people.example"}
    assert nobody.get(path).status_code == 410


def test_the_evidence_says_what_was_shown_opened_and_downloaded_before(
    app: Flask, signer: Person, admin: Person
) -> None:
    admin.get("/legal/dpa/1.0.md")
    signer.get("/legal/accept")
    signer.get("/legal/terms/1.0.pdf")
    signer.get("/legal/terms/1.0.pdf")
    signer.get("/legal/dpa/1.0")
    accept_all(signer)

    terms, dpa = acceptances(app)
    assert [one["event"] for one in terms.events] == ["displayed", "downloaded", "agreed"]
    assert [one["event"] for one in dpa.events] == ["displayed", "opened", "agreed"]
    times = [datetime.fromisoformat(one["at"]) for one in terms.events]
    assert times == sorted(times)
    assert times[-1] == terms.accepted_at


def test_the_holder_of_a_link_opens_and_downloads_under_it(app: Flask, signer: Person, nobody: Browser) -> None:
    signer.post("/legal/accept/delegate", email="legal@people.example")
    path = link_in(mails_to(app, "legal@people.example")[-1])
    page = nobody.get(path)
    assert f'href="{path}/dpa/1.0.pdf"' in page.text

    assert f'href="{path}/terms/1.0.md"' in nobody.get(f"{path}/terms/1.0").text
    assert nobody.get(f"{path}/dpa/1.0.pdf").data.startswith(b"%PDF")
    nobody.post(path, **SIGNED, **shown(page.text))

    terms, dpa = acceptances(app)
    assert [one["event"] for one in terms.events] == ["displayed", "opened", "agreed"]
    assert [one["event"] for one in dpa.events] == ["displayed", "downloaded", "agreed"]
    assert nobody.get(f"{path}/terms/1.0").status_code == 410


def test_a_receipt_is_its_own_organizations(app: Flask, signer: Person, stranger: Person) -> None:
    accept_all(signer)
    identifier = acceptances(app)[0].id

    assert stranger.get(f"/legal/acceptances/{identifier}").status_code == 404
    assert stranger.get(f"/legal/acceptances/{identifier}/pdf").status_code == 404


def test_checks_go_on_until_the_date_and_again_at_once_after_accepting(
    app: Flask, ada: Member, signer: Person, as_ada: Caller
) -> None:
    accept_all(signer)
    publish_next(app)
    assert "Accept the new version of the Terms of Service" in signer.get("/keys").text
    assert as_ada.check().status_code == 200

    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, ada.organization_id).legal_due_at = utc_now() - timedelta(seconds=1)
    forget(app, ada)
    lapsed = as_ada.check()
    assert (lapsed.status_code, lapsed.json["code"]) == (403, "terms_lapsed")

    accept_all(signer)
    forget(app, ada)
    assert as_ada.check().status_code == 200


def test_everybody_can_read_and_compare_without_an_account(app: Flask, documents: None, nobody: Browser) -> None:
    publish_next(app, effective_at=utc_now() + timedelta(days=40))

    assert nobody.get("/legal/terms").status_code == 200
    assert nobody.get("/legal/terms/2.0.pdf").data.startswith(b"%PDF")
    changes = nobody.get("/legal/terms/1.0/changes/2.0")
    assert "<ins>" in changes.text
    assert nobody.get("/legal/terms/9.9").status_code == 404
    assert nobody.get("/legal/nonsense").status_code == 404


def forget(app: Flask, member: Member) -> None:
    """What the change feed does in a running process."""
    app.extensions["runtime"].snapshots._on_change("organization", str(member.organization_id))
