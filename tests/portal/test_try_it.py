"""Trying a check out, with a key of the session that nobody has to paste."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from api.keys import lookup
from api.keys.models import ApiKey
from core.clock import utc_now
from core.db import acting_as_system, db
from portal.customer.decisions.session_key import LIFE
from tests.cast import Member
from tests.people import Browser, Person, log_in

FORM = {"model": "gpt-4o", "operation": "chat", "metadata": "", "secret": ""}
SECRET = re.compile(r"aig_(?:live|test)_[0-9A-Za-z]{33}")


def session_keys(app: Flask, member: Member) -> list[ApiKey]:
    with app.app_context(), acting_as_system():
        query = select(ApiKey).where(
            ApiKey.organization_id == member.organization_id, ApiKey.name.startswith("Try it, ")
        )
        return list(db.session.scalars(query))


def ask(who: Person | Browser, **changes: str) -> Any:
    return who.post("/try-it", **{**FORM, **changes})


def test_a_check_needs_no_key_and_its_facts_are_chosen(app: Flask, ada: Member, developer: Person) -> None:
    page = ask(developer, contains_personal_data="true", department="hr").text

    decision_id = re.search(r"dec_[0-9a-f]{32}", page)
    assert decision_id is not None
    shown = developer.get(f"/decisions/{decision_id[0]}").text
    assert "Blocked" in shown
    assert "department" in shown
    assert SECRET.search(page) is None


def test_one_key_serves_a_session_and_ends_by_itself(app: Flask, ada: Member, developer: Person) -> None:
    ask(developer)
    ask(developer)

    [key] = session_keys(app, ada)
    assert (key.environment, key.scopes) == ("test", ["checks:write"])
    assert key.expires_at is not None
    assert utc_now() < key.expires_at <= utc_now() + LIFE + timedelta(seconds=1)


def test_another_session_of_the_same_person_gets_a_key_of_its_own(
    app: Flask, ada: Member, developer: Person, nobody: Browser
) -> None:
    log_in(nobody, developer.email)

    ask(developer)
    ask(nobody)

    assert len({key.token_hash for key in session_keys(app, ada)}) == 2


def test_who_has_revoked_the_key_is_told_by_the_response(app: Flask, ada: Member, developer: Person) -> None:
    ask(developer)
    [key] = session_keys(app, ada)
    developer.post(f"/keys/{key.id}/revoke", typed=key.name, reason="")

    page = ask(developer).text

    assert "key_revoked" in page or "revoked" in page
    assert "View in decision log" not in page


def test_a_plan_without_a_key_to_spare_asks_for_one(
    ada: Member, developer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "count_in_use", lambda *_, **__: 10**6)

    answer = ask(developer)

    assert answer.status_code == 422
    assert "API key limit" in answer.text


@pytest.mark.parametrize("metadata", ["[1]", "{", "nonsense", "[" * 5000])
def test_what_is_no_json_object_is_refused_at_its_field(developer: Person, metadata: str) -> None:
    answer = ask(developer, metadata=metadata)

    assert answer.status_code == 422
    assert "Enter a JSON object" in answer.text


def test_written_metadata_goes_before_what_was_chosen(developer: Person) -> None:
    page = ask(developer, contains_personal_data="true", metadata='{"contains_personal_data": false}').text

    assert "&#34;allowed&#34;: true" in page
