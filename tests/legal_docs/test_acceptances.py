"""Accepting: what is refused, what is kept, and that it cannot be changed."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from core.audit import AuditEvent
from core.db import acting_for, db
from core.errors import InvalidRequest, NotFound
from legal_docs.acceptances import services as acceptances
from legal_docs.acceptances.evidence import evidence, is_intact
from legal_docs.acceptances.models import LegalAcceptance
from legal_docs.acceptances.receipts import receipt, receipt_pdf
from legal_docs.acceptances.services import DetailsMissing, VersionSuperseded
from legal_docs.acceptances.status import AcceptanceStatus, acceptance_status, has_accepted_everything
from legal_docs.acceptances.wording import wording_for
from legal_docs.documents import services as documents
from legal_docs.documents.html import to_html
from legal_docs.documents.kinds import Kind
from tests.legal_docs.scene import (
    NOW,
    Firm,
    accept_all,
    found_firm,
    mails,
    publish_second_terms,
    publish_version,
    run_as,
    seen_now,
    statement,
)


def test_accepting_keeps_what_was_accepted_by_whom_and_how(ada: Firm) -> None:
    terms, agreement = accept_all(ada)
    version = documents.find(Kind.TERMS, "1.0")

    assert (terms.kind, agreement.kind) == ("terms", "dpa")
    assert terms.document_sha256 == sha256(version.content).hexdigest()
    assert terms.cover_page_sha256 == sha256(terms.cover_page.encode()).hexdigest()
    assert terms.signer_title == "Managing director"
    assert terms.network_address == "203.0.113.7"
    assert len(evidence(terms)) >= 25


def test_the_cover_page_is_filled_in_and_escaped(ada: Firm) -> None:
    page = accept_all(ada)[0].cover_page
    html = to_html(page)

    assert "<td>Οδός 1, Αθήνα</td>" in html
    assert "Ada-And-Co | &lt;b&gt;S.A.&lt;/b&gt;" in html
    assert "<td>Harbour &amp; Sons Ltd</td>" in html
    assert documents.find(Kind.DPA, "1.0").sha256 in page


def test_accepting_twice_changes_nothing_and_sends_one_receipt(ada: Firm) -> None:
    first = accept_all(ada)

    second = accept_all(ada, now=NOW + timedelta(seconds=1))

    assert [row.id for row in second] == [row.id for row in first]
    assert len(mails("legal_receipt")) == 1


def test_a_receipt_is_mailed_at_once_and_leads_to_the_record(ada: Firm) -> None:
    terms, agreement = accept_all(ada)
    (mail,) = mails("legal_receipt")

    assert mail.recipient == ada.email
    assert mail.id == terms.receipt_mail_id
    assert mail.text is not None
    assert f"/legal/acceptances/{agreement.id}" in mail.text
    assert terms.document_sha256 in mail.text


def test_an_audit_event_is_written_for_each(ada: Firm) -> None:
    accept_all(ada)
    written = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "legal.accepted")).all()

    assert [(event.organization_id, event.actor_id) for event in written] == [(ada.id, ada.owner_id)] * 2


def test_a_superseded_version_is_refused_and_the_newest_named(ada: Firm) -> None:
    seen = seen_now()
    second = publish_second_terms(now=NOW + timedelta(minutes=1))

    with pytest.raises(VersionSuperseded, match=r"Terms of Service 2\.0") as refusal:
        acceptances.accept(ada.id, seen=seen, statement=statement(ada), by=ada.owner, now=NOW)

    assert refusal.value.newest == (second,)
    assert refusal.value.status == 409
    assert acceptances.history(ada.id) == []


def test_other_bytes_under_the_right_number_are_refused(ada: Firm) -> None:
    terms, agreement = seen_now()
    forged = msgspec.structs.replace(terms, sha256="0" * 64)

    with pytest.raises(VersionSuperseded):
        acceptances.accept(ada.id, seen=(forged, agreement), statement=statement(ada), by=ada.owner, now=NOW)


@pytest.mark.parametrize("field", ["name", "title", "authority", "email", "button_text"])
def test_a_missing_part_of_the_statement_is_named(ada: Firm, field: str) -> None:
    missing: dict[str, Any] = {field: " "}
    words = msgspec.structs.replace(statement(ada), **missing)

    with pytest.raises(InvalidRequest) as refusal:
        acceptances.accept(ada.id, seen=seen_now(), statement=words, by=ada.owner, now=NOW)

    assert [fault.path for fault in refusal.value.errors] == [field]


@pytest.mark.parametrize("count", [0, 1])
def test_lawful_use_and_the_limits_of_a_pilot_are_acknowledged(ada: Firm, count: int) -> None:
    words = statement(ada)
    words = msgspec.structs.replace(words, acknowledgements=words.acknowledgements[:count])

    with pytest.raises(InvalidRequest) as refusal:
        acceptances.accept(ada.id, seen=seen_now(), statement=words, by=ada.owner, now=NOW)

    assert [fault.path for fault in refusal.value.errors] == ["acknowledgements"]


def test_each_document_needs_its_own_box(ada: Firm) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        acceptances.accept(ada.id, seen=seen_now(), statement=statement(ada, count=1), by=ada.owner, now=NOW)

    assert [fault.path for fault in refusal.value.errors] == ["checkboxes"]


@pytest.mark.parametrize("kinds", [(), (Kind.PRIVACY,), (Kind.TERMS, Kind.TERMS)])
def test_only_terms_and_agreement_are_accepted_each_once(ada: Firm, kinds: tuple[Kind, ...]) -> None:
    seen = seen_now(*kinds) if kinds else ()

    with pytest.raises(InvalidRequest):
        acceptances.accept(ada.id, seen=seen, statement=statement(ada, count=len(seen)), by=ada.owner, now=NOW)


def test_details_come_first(published: None) -> None:
    firm = found_firm("no-details", with_details=False)

    with pytest.raises(DetailsMissing):
        accept_all(firm)


def test_documents_may_be_accepted_one_after_the_other(ada: Firm) -> None:
    for kind in (Kind.TERMS, Kind.DPA):
        words = statement(ada, count=1)
        acceptances.accept(ada.id, seen=seen_now(kind), statement=words, by=ada.owner, now=NOW)

    assert [row.position for row in acceptances.history(ada.id)] == [2, 1]
    assert has_accepted_everything(ada.id, now=NOW)


def test_the_words_of_page_and_record_come_from_one_place(published: None) -> None:
    words = wording_for([documents.find(Kind.TERMS, "1.0"), documents.find(Kind.DPA, "1.0")], legal_name="Ada & Co")

    assert words.button == "Accept the Terms of Service and the Data Processing Agreement"
    assert "Terms of Service, version 1.0" in words.checkboxes[0]
    assert "Ada & Co" in words.authority


@pytest.mark.parametrize("role", ["aig_app", "aig_system"])
@pytest.mark.parametrize("change", ["UPDATE legal_acceptance SET signer_name = 'x'", "DELETE FROM legal_acceptance"])
def test_the_software_cannot_change_or_delete_an_acceptance(ada: Firm, role: str, change: str) -> None:
    accept_all(ada)

    with pytest.raises(DatabaseError, match="permission denied"):
        run_as(role, change)


def test_not_even_the_owner_of_the_tables_changes_an_acceptance(ada: Firm) -> None:
    accept_all(ada)

    with pytest.raises(DatabaseError, match="never changed"):
        run_as("none", "UPDATE legal_acceptance SET signer_name = 'x'")


def test_a_changed_or_missing_record_is_noticed(ada: Firm) -> None:
    accept_all(ada)
    records = acceptances.history(ada.id)[::-1]
    db.session.expunge_all()

    assert is_intact(records)
    assert not is_intact(records[1:])
    records[0].signer_name = "Somebody Else"
    assert not is_intact(records)


def test_the_evidence_is_the_same_after_a_round_trip(ada: Firm) -> None:
    identifier = accept_all(ada)[1].id
    db.session.flush()
    db.session.expire_all()

    assert receipt(acceptances.find(ada.id, identifier)).is_intact


def test_the_countersigned_pdf_is_the_same_each_time(ada: Firm) -> None:
    acceptance = accept_all(ada)[1]
    pdf = receipt_pdf(acceptance)

    assert pdf.startswith(b"%PDF-1.")
    assert receipt_pdf(acceptance) == pdf


def test_a_stranger_sees_no_acceptance(ada: Firm, cleo: Firm) -> None:
    acceptance = accept_all(ada)[0]

    with acting_for(cleo.id):
        assert acceptances.history(ada.id) == []
        assert db.session.scalars(select(LegalAcceptance.id)).all() == []
        with pytest.raises(NotFound):
            acceptances.find(cleo.id, acceptance.id)


def test_a_stranger_cannot_accept_for_another(ada: Firm, cleo: Firm) -> None:
    seen = seen_now()

    with acting_for(cleo.id), pytest.raises(NotFound):
        acceptances.accept(ada.id, seen=seen, statement=statement(cleo), by=cleo.owner, now=NOW)


def test_a_member_accepts_within_the_scope_of_the_organization(ada: Firm) -> None:
    with acting_for(ada.id):
        accept_all(ada)

        assert has_accepted_everything(ada.id, now=NOW)


def test_before_anything_is_accepted_the_newest_is_to_accept(ada: Firm) -> None:
    parts = acceptance_status(ada.id, now=NOW)

    assert [part.status for part in parts] == [AcceptanceStatus.NOT_ACCEPTED] * 2
    assert [part.to_accept.number for part in parts if part.to_accept] == ["1.0", "1.0"]
    assert not has_accepted_everything(ada.id, now=NOW)


def test_nothing_published_is_nothing_accepted(system: None) -> None:
    firm = found_firm("early")

    assert [part.status for part in acceptance_status(firm.id, now=NOW)] == [AcceptanceStatus.NOT_PUBLISHED] * 2
    assert not has_accepted_everything(firm.id, now=NOW)


def test_a_minor_version_needs_no_new_acceptance(ada: Firm) -> None:
    accept_all(ada)
    publish_version(Kind.TERMS, "1.1", now=NOW + timedelta(days=1), effective_at=NOW + timedelta(days=31))

    assert acceptance_status(ada.id, now=NOW + timedelta(days=60))[0].status is AcceptanceStatus.SATISFIED
