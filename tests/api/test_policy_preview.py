"""Trying policy values on past decisions, without putting them in force."""

from typing import Any

import pytest
from flask import Flask

from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from tests.cast import Caller, Member, another_key

PATH = "/v1/policies/preview"
STRICTER = {"values": {"block_external_models": True}}


def test_a_preview_counts_what_would_change_and_changes_nothing(as_ada: Caller, as_cleo: Caller) -> None:
    for caller in (as_ada, as_ada, as_cleo):
        caller.check(metadata={"is_external_model": True})
    as_ada.check()

    effect = as_ada.post(PATH, STRICTER).json

    assert (effect["version"], effect["looked_at"]) == (1, 3)
    assert (effect["newly_blocked"], effect["newly_allowed"]) == (2, 0)
    assert effect["groups"] == [
        {"model": "gpt-4o", "reason": "external_model_detected", "was_allowed": True, "decisions": 2}
    ]
    assert as_ada.check(metadata={"is_external_model": True}).json["allowed"] is True


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"values": {"no_such_policy": 1}}, "values.no_such_policy"),
        ({"values": {"max_risk_score": 0}}, "values.max_risk_score"),
        ({"values": {}}, "values"),
        ({**STRICTER, "days": 0}, "days"),
        ({**STRICTER, "prompt": "Dear Ms Jones"}, "body"),
    ],
)
def test_what_cannot_be_tried_is_refused_by_name(as_ada: Caller, body: Any, path: str) -> None:
    refused = as_ada.post(PATH, body)

    assert refused.status_code == 422
    assert [one["path"] for one in refused.json["errors"]] == [path]


def test_a_preview_needs_both_scopes_and_a_live_key(app: Flask, ada: Member) -> None:
    for scopes in ((Scope.POLICIES_READ,), (Scope.DECISIONS_READ,)):
        caller = Caller(app.test_client(), another_key(app, ada, scopes=scopes).secret)
        assert caller.post(PATH, STRICTER).json["code"] == "missing_scope"
    testing = Caller(app.test_client(), another_key(app, ada, environment=KeyEnvironment.TEST).secret)
    assert testing.post(PATH, STRICTER).json["code"] == "wrong_environment"
