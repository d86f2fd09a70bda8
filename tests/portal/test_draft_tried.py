"""A draft tried on one request: what it decides, and each condition true, false or unknown."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.cast import Caller, Member
from tests.people import Person
from tests.portal.test_policies import RULE, current

TYPED = {"model": "gpt-4o", "operation": "chat", "metadata": '{"department": "hr"}'}


@pytest.fixture
def draft(developer: Person) -> str:
    """Its address; a rule asks for HR that is not reviewed, or for an external model."""
    path = str(developer.post("/policies/drafts", name="HR", note="").headers["Location"])
    conditions = {"all": 'department == "hr"', "any": "is_external_model\nis_large_dataset"}
    developer.post(f"{path}/rules", **{**RULE, **conditions, "state": "enforced", "version": "1"})
    return path


def shown(page: str) -> dict[str, str]:
    """The truth of each condition."""
    found = re.findall(r'<div><span class="badge-soft[^"]*">(\w+)</span> .*?<code>(.*?)</code></div>', page)
    return {condition.replace("&#34;", "'"): truth for truth, condition in found}


@pytest.mark.parametrize(
    ("facts", "truths", "decision"),
    [
        ('{"department": "hr", "is_external_model": true}', ("true", "true", "unknown"), "blocked"),
        ('{"department": "it", "is_external_model": true}', ("false", "true", "unknown"), "allowed"),
        ('{"department": "HR", "is_external_model": false}', ("true", "false", "unknown"), "allowed"),
    ],
)
def test_each_condition_is_shown_as_it_comes_out(
    viewer: Person, draft: str, facts: str, truths: tuple[str, ...], decision: str
) -> None:
    page = viewer.post(f"{draft}/try", **{**TYPED, "metadata": facts})

    assert page.status_code == 200
    assert tuple(shown(page.text).values()) == truths
    assert f">{decision}</span> Risk" in page.text


def test_a_past_decision_is_tried_and_its_facts_can_be_changed(
    app: Flask, ada: Member, as_ada: Caller, viewer: Person, draft: str
) -> None:
    made = as_ada.check(metadata={"department": "hr", "is_large_dataset": True}).json
    assert made["allowed"]

    page = viewer.get(f"{draft}/try?decision={made['decision_id']}").text

    assert shown(page) == {"department == 'hr'": "true", "is_external_model": "unknown", "is_large_dataset": "true"}
    assert ">blocked</span> Risk" in page
    assert "Recorded: allowed" in page
    assert "&#34;department&#34;: &#34;hr&#34;" in page
    assert current(app, ada)[0] == 1


def test_a_strangers_decision_and_draft_are_not_found(
    as_cleo: Caller, viewer: Person, stranger: Person, draft: str
) -> None:
    of_cleo = as_cleo.check().json["decision_id"]

    unknown = viewer.get(f"{draft}/try?decision={of_cleo}")

    assert unknown.status_code == 404
    assert "Decision not found" in unknown.text
    assert [stranger.get(f"{draft}/try").status_code, stranger.post(f"{draft}/try", **TYPED).status_code] == [404, 404]


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"metadata": "no json"}, "Enter a JSON object"),
        ({"metadata": '{"departmnt": "hr"}'}, "Did you mean department?"),
        ({"metadata": '{"department": "Tell me about Bob"}'}, "Free text is not accepted"),
        ({"model": ""}, "Enter a model."),
    ],
)
def test_facts_that_no_check_accepts_are_refused(
    viewer: Person, draft: str, changes: dict[str, Any], advice: str
) -> None:
    refused = viewer.post(f"{draft}/try", **{**TYPED, **changes})

    assert refused.status_code == 422
    assert advice in refused.text
