"""The record of Article 30: whole for us, and each customer's own part."""

import re

import pytest
from sqlalchemy import text

from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.db import acting_for, db
from legal_docs.documents.kinds import Kind
from legal_docs.processing import services as processing
from legal_docs.register import services as register
from tests.legal_docs.scene import HOST, MAILER, NOW, SETTINGS, Firm, accept_all, found_firm, publish_version


def whole() -> str:
    return processing.whole_record(SETTINGS, now=NOW)


def test_the_record_says_who_we_are_and_who_is_in_charge(system: None) -> None:
    assert "Harbour \\& Sons Ltd" in whole()
    assert "privacy\\_team@harbour.example" in whole()


def test_every_customer_under_contract_is_a_controller_with_contact_and_agreement(ada: Firm, cleo: Firm) -> None:
    accept_all(ada)

    rows = [line for line in whole().splitlines() if "S.A." in line]

    assert len(rows) == 2
    assert "Nikos Contact, Contact@ada-and-co.example | 22 November 2026 | 90 days | no |" in rows[0]
    assert "not accepted" in rows[1]


@pytest.mark.parametrize("status", [OrganizationStatus.SANDBOX, OrganizationStatus.CLOSED])
def test_who_has_no_contract_is_not_in_it(ada: Firm, status: OrganizationStatus) -> None:
    db.session.get_one(Organization, ada.id).status = status.value
    db.session.flush()

    assert "ada-and-co.example" not in whole()
    assert "At present there is no customer under contract." in whole()


def test_recipients_and_transfers_come_from_the_register(system: None) -> None:
    for entry in (HOST, MAILER):
        register.list_first(entry, by=SYSTEM, now=NOW)

    assert "Mailer Inc." in whole()
    assert "first an adequacy decision; if that does not apply or falls, standard contractual clauses" in whole()


def test_a_change_of_a_setting_changes_the_record(ada: Firm) -> None:
    db.session.execute(text("UPDATE organization SET retention_days = 365 WHERE id = :id"), {"id": ada.id})
    db.session.expire_all()

    assert "| 365 days |" in whole()


def test_purposes_and_time_limits_are_those_of_the_privacy_policy(system: None) -> None:
    policy = publish_version(Kind.PRIVACY, "1.0").markdown
    tables = re.findall(r"(?:^\|.*\n)+", policy, re.MULTILINE)

    assert len(tables) == 2
    assert all(table in whole() for table in tables)


def test_a_customer_s_part_names_nobody_else_and_nothing_of_ours(ada: Firm, cleo: Firm) -> None:
    with acting_for(ada.id):
        part = processing.part_of(ada.id, SETTINGS, now=NOW)

    assert "ada-and-co.example" in part
    assert "cleo-ltd.example" not in part
    assert "As controller" not in part


def test_one_without_details_is_named_as_its_members_call_it(published: None) -> None:
    found_firm("bare", with_details=False)

    assert "| Bare | not stated (not stated) | not stated | not accepted |" in whole()


def test_it_can_be_printed(ada: Firm) -> None:
    pdf = processing.as_pdf(whole(), SETTINGS, now=NOW)

    assert pdf.startswith(b"%PDF")
    assert pdf == processing.as_pdf(whole(), SETTINGS, now=NOW)
