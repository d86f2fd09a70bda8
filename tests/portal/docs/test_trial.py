"""Whoever may create keys can try an endpoint on its page, with a test key that is kept nowhere."""

from typing import Any

import pytest
from flask import Flask

from api.keys.token import KeyEnvironment
from tests.cast import Member, another_key, organization_with_key
from tests.people import Browser, Person

CHECK, LIST, EXPORT, SHOW = (
    f"/docs/api/{slug}" for slug in ("run-a-check", "list-decisions", "export-decisions", "get-a-decision")
)
BODY = '{"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": true}}'


@pytest.fixture
def testing(app: Flask, ada: Member) -> Member:
    return another_key(app, ada, environment=KeyEnvironment.TEST)


def test_a_check_is_sent_and_its_decision_shown(testing: Member, developer: Person) -> None:
    page = developer.post(CHECK, secret=testing.secret, body=BODY).text

    assert "&#34;reason&#34;: &#34;contains_personal_data&#34;" in page
    assert testing.secret not in page


def test_lists_and_files_are_shown_too(testing: Member, developer: Person) -> None:
    developer.post(CHECK, secret=testing.secret, body=BODY)

    listed = developer.post(LIST, secret=testing.secret, parameters="allowed=false&limit=1").text
    exported = developer.post(EXPORT, secret=testing.secret, parameters="format=csv").text

    assert "&#34;next_cursor&#34;: null" in listed
    assert "decision_id,decided_at" in exported


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        (CHECK, {"body": "nonsense"}, "invalid_json"),
        (SHOW, {"part": "../keys"}, "not_found"),
        (LIST, {"parameters": "nonsense=1"}, "invalid_request"),
    ],
)
def test_a_request_that_is_wrong_shows_the_problem(
    testing: Member, developer: Person, path: str, fields: dict[str, str], code: str
) -> None:
    answer: Any = developer.post(path, secret=testing.secret, **fields)

    assert answer.status_code == 200
    assert f"&#34;code&#34;: &#34;{code}&#34;" in answer.text


@pytest.mark.parametrize("path", [CHECK, SHOW])
def test_what_is_missing_is_asked_for_at_its_field(testing: Member, developer: Person, path: str) -> None:
    answer: Any = developer.post(path, secret=testing.secret)

    assert answer.status_code == 422
    assert 'class="invalid-feedback"' in answer.text


@pytest.mark.parametrize("secret", ["", "hello", "live"])
def test_only_a_test_key_is_sent(ada: Member, developer: Person, secret: str) -> None:
    answer = developer.post(CHECK, secret=ada.secret if secret == "live" else secret, body=BODY)

    assert answer.status_code == 422
    assert ada.secret not in answer.text
    assert "contains_personal_data&#34;" in answer.text  # what was typed is still there


def test_a_key_of_others_answers_for_others_alone(app: Flask, developer: Person) -> None:
    """Who holds a key may use it anywhere; the page gives them no more than the key does."""
    other = organization_with_key(app, environment=KeyEnvironment.TEST)

    page = developer.post(LIST, secret=other.secret, parameters="limit=1").text

    assert "&#34;decisions&#34;: []" in page


def test_whoever_may_not_create_keys_is_not_offered_it(viewer: Person, developer: Person, nobody: Browser) -> None:
    assert "Send request" in developer.get(CHECK).text
    assert "Send request" not in viewer.get(CHECK).text
    assert "Send request" not in nobody.get(CHECK).text
    assert viewer.post(CHECK, secret="x").status_code == 403
    assert nobody.post(CHECK, secret="x").status_code == 303


def test_what_needs_no_key_cannot_be_tried_with_one(testing: Member, developer: Person) -> None:
    assert developer.post("/docs/api/get-health", secret=testing.secret).status_code == 404
    assert developer.post("/docs/api/of-nobody", secret=testing.secret).status_code == 404
