"""Policies that were stored by older versions: they go on working, or say what to do."""

from typing import Any

import pytest
from flask import Flask

from api.policies.document import KNOWN_OPERATIONS
from api.policies.models import PolicyVersion
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from tests.cast import Caller, Member

BEFORE = [name for name in KNOWN_OPERATIONS if name not in {"chat_completion", "embedding"}]


def keep_version(app: Flask, member: Member, document: dict[str, Any], version: int = 2) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            PolicyVersion(
                organization_id=member.organization_id,
                version=version,
                document=document,
                created_at=utc_now(),
                created_by_kind="system",
            )
        )


@pytest.mark.parametrize("operation", ["chat_completion", "chat-completion", "embedding"])
@pytest.mark.parametrize("listed", [BEFORE, [*BEFORE, "tagging"], ["chat", "embeddings"]])
def test_founding_operations_are_known_to_lists_kept_from_before_them(
    app: Flask, as_ada: Caller, ada: Member, listed: list[str], operation: str
) -> None:
    keep_version(app, ada, {"known_operations": listed})

    answer = as_ada.check(operation=operation).json

    assert (answer["policy_version"], answer["risk_score"], answer["reasons"]) == (2, 0, [])


def test_a_list_without_chat_does_not_know_its_founding_spelling(app: Flask, as_ada: Caller, ada: Member) -> None:
    keep_version(app, ada, {"known_operations": ["translation"]})

    assert as_ada.check(operation="chat_completion").json["risk_score"] == 20


def rule_of(*conditions: str, code: str = "mine") -> dict[str, Any]:
    return {"code": code, "when": {"all": list(conditions)}, "message": "m", "fix": "f"}


def test_a_stored_condition_in_capitals_holds(app: Flask, as_ada: Caller, ada: Member) -> None:
    keep_version(app, ada, {"rules": [rule_of('operation == "Chat"')]})

    assert as_ada.check(operation="chat").json["reason"] == "mine"
    assert as_ada.patch("/v1/policies/max_risk_score", {"value": 60}).status_code == 200


def test_a_stored_rule_that_would_be_refused_now_stands_in_no_other_changes_way(
    app: Flask, as_ada: Caller, ada: Member
) -> None:
    keep_version(app, ada, {"rules": [rule_of('(operation == "Chat") == (department == "hr")')]})

    assert as_ada.patch("/v1/policies/max_risk_score", {"value": 60}).status_code == 200


def test_a_stored_rule_that_cannot_work_is_named_by_a_refused_change(app: Flask, as_ada: Caller, ada: Member) -> None:
    keep_version(app, ada, {"rules": [rule_of("is_external_model"), rule_of("not a condition (", code="broken")]})

    [fault] = as_ada.patch("/v1/policies/max_risk_score", {"value": 60}).json["errors"]

    assert fault["path"] == "rules[1].when"
    assert fault["detail"].startswith("Rule broken: The condition is not valid")
    assert fault["detail"].endswith("Change this rule or remove it.")


def test_a_rule_that_loses_its_fact_is_named(app: Flask, as_ada: Caller, ada: Member) -> None:
    keep_version(app, ada, {"rules": [rule_of('tier == "gold"')], "custom_facts": {"tier": "token"}})

    [fault] = as_ada.patch("/v1/policies/custom_facts", {"value": {}}).json["errors"]

    assert fault["path"] == "rules[0].when.all[0]"
    assert fault["detail"].startswith("Rule mine: At character 1: unknown fact tier.")


def test_a_version_from_before_decides_as_it_did(app: Flask, as_ada: Caller, ada: Member) -> None:
    keep_version(app, ada, {"block_personal_data": False, "block_external_models": False})

    personal = as_ada.check(metadata={"contains_personal_data": True}).json
    external = as_ada.check(metadata={"is_external_model": True}).json

    assert (personal["allowed"], personal["risk_score"]) == (False, 70)
    assert (external["allowed"], external["risk_score"]) == (False, 50)
