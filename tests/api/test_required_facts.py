"""Facts that callers must state: for all requests or some, with what their author chose where they are missing."""

from typing import Any

import pytest

from api.model_catalogue.entries import LATEST
from tests.cast import Caller


def require(caller: Caller, *required: dict[str, Any]) -> Any:
    return caller.patch("/v1/policies/required_facts", {"value": list(required)})


@pytest.mark.parametrize(
    ("if_missing", "allowed", "score", "blocks"),
    [
        ({"if_missing": "block"}, False, 0, True),
        ({"if_missing": "add_risk", "points": 20}, True, 20, False),
        ({"if_missing": "add_risk", "points": 60}, False, 60, False),
        ({"if_missing": "report"}, True, 0, False),
    ],
)
def test_what_happens_without_a_required_fact_is_its_authors_choice(
    as_ada: Caller, if_missing: dict[str, Any], allowed: bool, score: int, blocks: bool
) -> None:
    assert require(as_ada, {"fact": "purpose", **if_missing}).status_code == 200

    answer = as_ada.check(metadata={}).json

    assert (answer["allowed"], answer["risk_score"]) == (allowed, score)
    [reason] = answer["reasons"]
    assert (reason["code"], reason["policy"], reason["blocks"]) == ("fact_missing", "required_facts", blocks)
    assert reason["fix"] == "Send purpose."
    assert as_ada.check(metadata={"purpose": "x"}).json["reasons"] == []


@pytest.mark.parametrize(
    ("asked", "is_required"),
    [
        ({"operation": "Fine-Tuning", "metadata": {"application": "HELPDESK"}}, True),
        ({"operation": "chat", "metadata": {"application": "helpdesk"}}, False),
        ({"operation": "fine_tuning", "metadata": {"application": "other"}}, False),
        ({"operation": "fine_tuning", "metadata": {}}, False),
    ],
)
def test_a_fact_may_be_required_of_some_operations_and_applications(
    as_ada: Caller, asked: dict[str, Any], is_required: bool
) -> None:
    required = {"fact": "purpose", "if_missing": "block", "operations": ["fine_tuning"], "applications": ["Helpdesk"]}
    require(as_ada, required)

    assert as_ada.check(**asked).json["allowed"] is not is_required


def test_a_fact_that_is_derived_is_not_missing(as_ada: Caller) -> None:
    require(as_ada, {"fact": "is_external_model", "if_missing": "block"})
    as_ada.patch("/v1/policies/model_catalogue", {"value": LATEST})

    assert as_ada.check(model="gpt-4o", metadata={}).json["allowed"] is True
    assert as_ada.check(model="own-model", metadata={}).json["reason"] == "fact_missing"


@pytest.mark.parametrize(
    ("required", "path", "words"),
    [
        ([{"fact": "purpose"}], "value[0].if_missing", "This field is required."),
        ([{"fact": "porpose", "if_missing": "block"}], "value[0].fact", "Did you mean purpose?"),
        ([{"fact": "zzzzzz", "if_missing": "block"}], "value[0].fact", "custom_facts"),
        ([{"fact": "purpose", "if_missing": "maybe"}], "value[0].if_missing", ""),
        ([{"fact": "purpose", "if_missing": "block"}] * 2, "value[1]", "already"),
        ([{"fact": "purpose", "if_missing": "add_risk", "points": 101}], "value[0].points", ""),
    ],
)
def test_a_requirement_that_cannot_be_is_refused_with_its_place(
    as_ada: Caller, required: list[dict[str, Any]], path: str, words: str
) -> None:
    answer = require(as_ada, *required)

    assert answer.status_code == 422
    [fault] = answer.json["errors"]
    assert fault["path"] == path
    assert words in fault["detail"]


def test_a_custom_fact_that_is_required_is_not_removed(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/custom_facts", {"value": {"tier": "token"}})
    require(as_ada, {"fact": "tier", "if_missing": "report"})

    answer = as_ada.patch("/v1/policies/custom_facts", {"value": {}})

    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "unknown_fact")
