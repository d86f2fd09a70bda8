"""The check on the front page is a real one: decided, logged, limited, and made of choices alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from api.decisions.models import Decision
from api.keys import services as keys
from api.keys.models import ApiKey
from core.accounts import Organization
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import parse_public_id
from core.throttle import limiter
from portal.console.measures import services as measures
from portal.public import showcase
from portal.public.forms import DATA, DEPARTMENTS, MODELS, RECORDS
from tests.people import Browser, Person

HARMLESS = {"model": "own", "data": "none", "records": "few", "department": "support"}


def ask(nobody: Browser, **changes: str) -> Any:
    return nobody.post("/ask", **{**HARMLESS, **changes})


def shown_id(page: str) -> str:
    return "dec_" + page.partition("dec_")[2][:32]


def test_a_harmless_call_is_allowed_and_on_record(app: Flask, nobody: Browser) -> None:
    page = ask(nobody).text

    assert "<strong>Allowed</strong>" in page
    with app.app_context(), acting_as_system():
        decision = db.session.scalars(
            select(Decision).where(Decision.id == parse_public_id("dec", shown_id(page)))
        ).one()
        organization = db.session.get_one(Organization, decision.organization_id)
    assert (organization.slug, decision.environment, decision.allowed) == (showcase.SLUG, "test", True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "personal"}, "The operation works on personal data."),
        ({"model": "external", "records": "many"}, "Risk 60/100 (threshold 50)"),
        ({"department": "hr"}, "HR results need human review before they are used."),
    ],
)
def test_what_a_policy_forbids_is_blocked_with_the_reason(nobody: Browser, changes: dict[str, str], words: str) -> None:
    page = ask(nobody, **changes).text

    assert "<strong>Blocked</strong>" in page
    assert words in page


def test_a_prompt_is_rejected_by_the_name_of_its_field(nobody: Browser) -> None:
    page = ask(nobody, data="prompt").text

    assert "Rejected (400)" in page
    assert "<code>metadata.prompt</code>" in page


def test_every_combination_is_answered(nobody: Browser) -> None:
    nobody.token()
    for model in MODELS:
        for data in DATA:
            page = ask(nobody, model=model, data=data, records="many", department="hr").text
            assert 'class="verdict' in page
    assert (set(RECORDS), set(DEPARTMENTS)) == ({"few", "many"}, {"support", "hr"})


@pytest.mark.parametrize("field", HARMLESS)
def test_nothing_but_the_choices_is_taken(app: Flask, nobody: Browser, field: str) -> None:
    before = decisions(app)

    answer = ask(nobody, **{field: "My own words"})

    assert answer.status_code == 422
    assert decisions(app) == before


def test_further_fields_go_nowhere(nobody: Browser) -> None:
    assert "My own words" not in ask(nobody, note="My own words", metadata="My own words").text


def test_a_form_of_another_site_is_refused(nobody: Browser) -> None:
    assert nobody.post_without_token("/ask", **HARMLESS).status_code == 400


def test_asking_again_makes_neither_another_organization_nor_another_key(app: Flask, nobody: Browser) -> None:
    ask(nobody)
    ask(nobody)

    with app.app_context(), acting_as_system():
        organization = db.session.scalars(select(Organization).where(Organization.slug == showcase.SLUG)).one()
        issued = db.session.scalars(select(ApiKey).where(ApiKey.organization_id == organization.id)).all()
    assert [(key.environment, key.scopes) for key in issued] == [("test", ["checks:write"])]


def test_a_revoked_key_turns_the_demo_off(app: Flask, nobody: Browser) -> None:
    ask(nobody)
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.scalars(select(Organization).where(Organization.slug == showcase.SLUG)).one()
        keys.revoke_all(organization.id, reason="abuse", by=SYSTEM, now=utc_now())

    answer = ask(nobody)

    assert answer.status_code == 503
    assert "The demo is turned off" in answer.text


def test_another_secret_of_the_app_has_another_key(app: Flask) -> None:
    with app.app_context(), acting_as_system(), transaction():
        first, second = (showcase.secret_for_visitors(secret_key=secret * 32, now=utc_now()) for secret in ("a", "b"))

    assert first != second


def test_it_counts_among_no_customers(app: Flask, nobody: Browser) -> None:
    with app.app_context(), acting_as_system():
        before = measures.counts()
    ask(nobody)

    with app.app_context(), acting_as_system():
        assert measures.counts() == before


@pytest.fixture
def limited() -> Iterator[None]:
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = False


@pytest.mark.usefixtures("limited")
def test_whoever_presses_on_and_on_is_told_to_wait(nobody: Browser) -> None:
    answers = [ask(nobody).status_code for _ in range(13)]

    assert answers == [200] * 12 + [429]


def test_members_can_look_at_the_front_page_too(owner: Person) -> None:
    assert owner.get("/").status_code == 303
    assert "Send check" in owner.get("/welcome").text


def decisions(app: Flask) -> int:
    with app.app_context(), acting_as_system():
        return db.session.scalar(select(func.count()).select_from(Decision)) or 0
