"""What happens when something fails is what the policies declare, and is shown in the reply and in the log."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from flask import Flask

from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, Outcome, evaluate
from api.policies.fail_modes import OnUnreachable, Unreachable, fail_modes_of
from api.policies.rules import OnError, OnMissing, Rule, RuleEffect, When
from tests.api.test_reconciliation import entry, sent
from tests.cast import Caller

RULE = {"code": "many", "when": {"all": ["dataset_record_count > 5"]}, "message": "Too many.", "on_missing": "skip"}
DECLARED = [{"mode": "block", "operations": ["fine-tuning", "chat"]}, {"mode": "allow_and_report"}]


def outcome_of(metadata: dict[str, Any], **options: Any) -> Outcome:
    """Of a rule whose condition can't be evaluated where the count of records is a truth value, as in an old row."""
    rule = Rule(code="many", when=When(all=("dataset_record_count > 5",)), message="Too many.", **options)
    document = PolicyDocument(rules=(rule,), points_large_dataset=0)
    return evaluate(compile_policy(UUID(int=0), 1, document), CheckFacts("gpt-4o", "chat", metadata))


@pytest.mark.parametrize(
    ("on_error", "on_missing", "expected"),
    [
        (None, OnMissing.BLOCK, (False, 50, "many")),
        (None, OnMissing.SKIP, (True, 0, "ok")),
        (OnError.BLOCK, OnMissing.SKIP, (False, 50, "many")),
        (OnError.ADD_RISK, OnMissing.BLOCK, (False, 50, "many")),
        (OnError.SKIP, OnMissing.BLOCK, (True, 0, "ok")),
    ],
)
def test_a_condition_that_cannot_be_evaluated_does_what_the_rule_declares(
    on_error: OnError | None, on_missing: OnMissing, expected: tuple[bool, int, str]
) -> None:
    outcome = outcome_of({"dataset_record_count": True}, on_error=on_error, on_missing=on_missing)

    assert (outcome.allowed, outcome.risk_score, outcome.reason) == expected
    assert [cause.fail_mode for cause in outcome.reasons] == ["on_error"] * len(outcome.reasons)
    assert bool(outcome.reasons) is not (on_error is None and on_missing is OnMissing.SKIP)


def test_points_for_an_error_are_no_hard_block() -> None:
    facts = {"dataset_record_count": True}

    added = outcome_of(facts, on_error=OnError.ADD_RISK, points=20, effect=RuleEffect.BLOCK)

    assert (added.allowed, added.risk_score) == (True, 20)
    assert "could not be evaluated" in added.reasons[0].message


@pytest.mark.parametrize("on_error", [None, *OnError])
def test_a_missing_fact_is_no_error(on_error: OnError | None) -> None:
    blocked = outcome_of({}, on_error=on_error, on_missing=OnMissing.BLOCK)

    assert (blocked.allowed, blocked.reasons[0].fail_mode) == (False, "on_missing")
    assert outcome_of({}, on_error=on_error, on_missing=OnMissing.SKIP).reasons == ()


def test_a_rule_that_applies_names_no_fail_mode() -> None:
    outcome = outcome_of({"dataset_record_count": 6}, on_error=OnError.BLOCK)

    assert outcome.reasons[0].fail_mode is msgspec.UNSET
    assert b"fail_mode" not in msgspec.json.encode(outcome.reasons)


def test_a_fail_mode_is_found_by_the_operation_in_normal_form() -> None:
    modes = fail_modes_of(msgspec.convert(DECLARED, tuple[OnUnreachable, ...]))
    assert modes is not None

    assert [modes.of(name) for name in ("Fine_Tuning", "chat", "embeddings")] == ["block", "block", "allow_and_report"]
    only = fail_modes_of((OnUnreachable(Unreachable.BLOCK, ("chat",)),))
    assert only is not None
    assert only.of("embeddings") is None
    assert fail_modes_of(()) is None


def test_the_reply_and_the_bundle_say_what_is_declared_and_nothing_where_nothing_is(as_ada: Caller) -> None:
    before = as_ada.check().json
    assert as_ada.patch("/v1/policies/on_unreachable", {"value": DECLARED}).status_code == 200

    batch = as_ada.post("/v1/checks", {"checks": [{"model": "m", "operation": "embeddings"}]}).json
    bundle = as_ada.get("/v1/policy/bundle").json

    assert "on_unreachable" not in before
    assert as_ada.check().json["on_unreachable"] == "block"
    assert batch["results"][0]["decision"]["on_unreachable"] == "allow_and_report"
    assert bundle["policies"]["on_unreachable"] == DECLARED


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("on_unreachable", [{"mode": "allow"}], "value[0].mode"),
        ("on_unreachable", [{"operations": ["chat"]}], "value[0].mode"),
        ("on_unreachable", [{"mode": "block", "operations": ["two words"]}], "value[0].operations[0]"),
        (
            "on_unreachable",
            [{"mode": "block", "operations": ["fine_tuning", "fine-tuning"]}],
            "value[0].operations[1]",
        ),
        ("on_unreachable", [{"mode": "block"}, {"mode": "block"}], "value[1].operations"),
        ("rules", [{**RULE, "on_error": "ignore"}], "value[0].on_error"),
    ],
)
def test_a_mode_that_is_none_is_refused_with_its_path(as_ada: Caller, key: str, value: Any, path: str) -> None:
    refused = as_ada.patch(f"/v1/policies/{key}", {"value": value})

    assert refused.status_code == 422
    assert [fault["path"] for fault in refused.json["errors"]] == [path]


def test_the_log_says_which_fail_mode_decided(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/rules", {"value": [{**RULE, "on_missing": "block", "on_error": "add_risk"}]})

    check = as_ada.check().json
    kept = as_ada.get(f"/v1/decisions/{check['decision_id']}").json

    assert check["reasons"][0]["fail_mode"] == kept["reasons"][0]["fail_mode"] == "on_missing"
    assert as_ada.get("/v1/policies").json["policies"]
    [rules] = [one["value"] for one in as_ada.get("/v1/policies").json["policies"] if one["key"] == "rules"]
    assert rules[0]["on_error"] == "add_risk"


def test_a_reconciled_decision_says_what_was_declared_for_it(app: Flask, as_ada: Caller) -> None:
    [before] = sent(as_ada, entry())
    as_ada.patch("/v1/policies/on_unreachable", {"value": DECLARED})

    [after] = sent(as_ada, entry(allowed=True, mode="allow_and_report"))

    assert "declared" not in as_ada.get(f"/v1/decisions/{before['decision_id']}").json["sdk"]
    kept = as_ada.get(f"/v1/decisions/{after['decision_id']}").json["sdk"]
    assert (kept["mode"], kept["declared"]) == ("allow_and_report", "block")
