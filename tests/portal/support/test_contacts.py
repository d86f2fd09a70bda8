"""The ways to reach us: each with its time, none that is not set, Slack for pilots alone."""

from datetime import timedelta

import msgspec
import pytest
from flask import Flask

from core import current
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Settings
from core.settings_rules import faults_of
from portal.support.severities import SLA_TARGETS, Severity
from tests.cast import Member
from tests.people import Person
from tests.portal.support.scene import opened

ADDRESSES = {
    "support_email": "help@provider.example",
    "security_email": "security@provider.example",
    "legal_email": "legal@provider.example",
    "contracts_email": "contracts@provider.example",
    "on_call_phone": "+353 1 555 0100",
}


def give(app: Flask, monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> None:
    settings: Settings = app.extensions[current.EXTENSION]
    monkeypatch.setitem(app.extensions, current.EXTENSION, msgspec.structs.replace(settings, **changes))


def end_pilot_in(app: Flask, member: Member, days: int) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, member.organization_id).pilot_ends_at = utc_now() + timedelta(days=days)


def test_every_contact_says_when_it_answers(
    app: Flask, ada: Member, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(app, monkeypatch, **ADDRESSES)
    end_pilot_in(app, ada, days=30)

    page = owner.get("/support").text

    assert [part for part in ADDRESSES.values() if part not in page] == []
    for promised in (
        "within 24 hours",
        "within 5 business days",
        "within 3 business days",
        "within 1 hour",
        "CRITICAL:",
    ):
        assert promised in page
    assert "Monday to Friday, 09:00 to 18:00 UTC" in page


def test_only_what_is_set_is_named(app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    give(app, monkeypatch, **dict.fromkeys(ADDRESSES))

    assert "mailto:" not in owner.get("/support").text.split("More help")[1]


def test_contracts_go_to_the_legal_mailbox_where_they_have_none(
    app: Flask, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(app, monkeypatch, **{**ADDRESSES, "contracts_email": None})

    assert owner.get("/support").text.count("mailto:legal@provider.example") == 2


@pytest.mark.parametrize("days", [-1, 1])
def test_slack_is_offered_during_the_pilot_alone(app: Flask, ada: Member, owner: Person, days: int) -> None:
    end_pilot_in(app, ada, days=days)

    assert ("Slack" in owner.get("/support").text) == (days > 0)


def test_a_contracts_address_that_nobody_can_reach_is_refused_in_production(app: Flask) -> None:
    settings: Settings = app.extensions[current.EXTENSION]

    named = {
        fault.setting
        for fault in faults_of(msgspec.structs.replace(settings, contracts_email="nobody"), as_production=True)
    }
    silent = {fault.setting for fault in faults_of(settings, as_production=True)}

    assert ("CONTRACTS_EMAIL" in named, "CONTRACTS_EMAIL" in silent) == (True, False)


def test_the_organizations_page_shows_its_requests_and_nobody_elses(
    app: Flask, ada: Member, cleo: Member, operator: Person
) -> None:
    ticket_id = opened(app, ada.organization_id, now=utc_now(), severity=Severity.CRITICAL)

    of_ada, of_cleo = (operator.get(f"/console/organizations/{one.organization_id}").text for one in (ada, cleo))

    assert f'href="/console/support/{ticket_id}"' in of_ada
    assert "Checks are refused" in of_ada
    assert "Checks are refused" not in of_cleo
    assert "No tickets yet." in of_cleo


def test_every_severity_is_explained_with_examples_and_its_hours(owner: Person) -> None:
    page = " ".join(owner.get("/support").text.split())

    for promise in SLA_TARGETS.values():
        assert promise.examples in page
        hours = promise.response // timedelta(hours=1)
        assert f"{hours} hour{'' if hours == 1 else 's'}<" in page
