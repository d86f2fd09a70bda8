"""The main job: a question, its answer, and the record of it."""

from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from api.keys.token import KeyEnvironment, issue_token
from api.recording.recorder import Recorder
from api.runtime import Runtime
from core.db import acting_as_system, db, transaction
from core.settings import Durability
from tests.cast import HARMLESS, Caller, Member, another_key, organization_with_key


def test_a_harmless_operation_is_allowed_and_on_record(as_ada: Caller, ada: Member) -> None:
    answer = as_ada.check(metadata={"contains_personal_data": False, "gen_ai.usage.input_tokens": 120})

    assert answer.status_code == 200
    assert answer.json["allowed"] is True
    assert (answer.json["risk_score"], answer.json["reason"], answer.json["reasons"]) == (0, "ok", [])
    kept = as_ada.get(f"/v1/decisions/{answer.json['decision_id']}").json
    assert kept["allowed"] is True
    assert kept["metadata"] == {"contains_personal_data": False, "gen_ai.usage.input_tokens": 120}
    assert kept["key_id"] == ada.shown_key_id
    assert kept["request_id"] == answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert kept["policy_version"] == answer.json["policy_version"] == 1


def test_personal_data_is_blocked_with_a_reason_and_a_way_out(as_ada: Caller) -> None:
    answer = as_ada.check(metadata={"contains_pii": True}).json

    assert answer["allowed"] is False
    assert (answer["risk_score"], answer["reason"]) == (70, "contains_personal_data")
    (reason,) = answer["reasons"]
    assert (reason["policy"], reason["points"], reason["blocks"]) == ("block_personal_data", 70, True)
    assert "anonymize" in reason["fix"]


@pytest.mark.parametrize("spelling", ["is_external_model", "uses_external_model"])
def test_both_founding_spellings_of_an_external_model_count(as_ada: Caller, spelling: str) -> None:
    as_ada.patch("/v1/policies/block_external_models", {"value": True})

    answer = as_ada.check(metadata={spelling: True}).json

    assert (answer["allowed"], answer["risk_score"], answer["reason"]) == (False, 50, "external_model_detected")


def test_the_score_is_the_capped_sum_and_every_contribution_is_told(as_ada: Caller) -> None:
    as_ada.patch("/v1/policies/block_external_models", {"value": True})
    facts = {"contains_personal_data": True, "is_external_model": True, "is_large_dataset": True}

    answer = as_ada.check(operation="juggle", metadata=facts).json

    assert answer["risk_score"] == 100
    points = {reason["code"]: reason["points"] for reason in answer["reasons"]}
    assert points == {
        "contains_personal_data": 70,
        "external_model_detected": 50,
        "large_dataset": 30,
        "unknown_operation": 20,
    }


def test_below_the_threshold_is_allowed_and_still_explained(as_ada: Caller) -> None:
    answer = as_ada.check(operation="juggle").json

    assert (answer["allowed"], answer["risk_score"], answer["reason"]) == (True, 20, "ok")
    assert [reason["code"] for reason in answer["reasons"]] == ["unknown_operation"]


@pytest.mark.parametrize(
    ("metadata", "path", "words"),
    [
        (
            {"contains_personal_data": "false"},
            "metadata.contains_personal_data",
            "Expected true or false, got a string",
        ),
        ({"contains_personal_dta": True}, "metadata.contains_personal_dta", "Did you mean contains_personal_data?"),
        ({"department": "two words"}, "metadata.department", "no spaces"),
        ({"department": "x" * 129}, "metadata.department", "at most 128"),
        ({"data_classification": "secret"}, "metadata.data_classification", "public, internal"),
        ({"gen_ai.usage.input_tokens": 1.5}, "metadata.gen_ai.usage.input_tokens", "whole number"),
        ({"gen_ai.usage.input_tokens": -1}, "metadata.gen_ai.usage.input_tokens", "from 0"),
        ({"gen_ai": {"usage": 1}}, "metadata.gen_ai", "flat"),
        ({"contains_pii": True, "contains_personal_data": False}, "metadata.contains_personal_data", "Send it once"),
        ({f"fact_{n}": 1 for n in range(51)}, "metadata", "at most 50"),
        ([1], "metadata", "object"),
    ],
)
def test_a_bad_fact_is_named_with_what_to_do(as_ada: Caller, metadata: Any, path: str, words: str) -> None:
    answer = as_ada.check(metadata=metadata)

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    (fault,) = answer.json["errors"]
    assert fault["path"] == path
    assert words in fault["detail"]


def test_every_field_at_fault_is_named_at_once(as_ada: Caller) -> None:
    answer = as_ada.post("/v1/check", {"operation": 7, "modle": "x", "metadata": {"department": 1}})

    assert {fault["path"] for fault in answer.json["errors"]} == {"model", "operation", "modle", "metadata.department"}


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b'"x"'])
def test_json_that_is_no_object_is_refused(as_ada: Caller, body: bytes) -> None:
    assert as_ada.post("/v1/check", body).status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"\xff{}", 400, "invalid_json"),
        (b'{"model": NaN}', 400, "invalid_json"),
        (b'{"model": 1e999}', 400, "invalid_json"),
        (b'{"model": ' + b"9" * 5000 + b"}", 400, "invalid_json"),
        (b'{"model": "a", "model": "b"}', 400, "invalid_json"),
        (b"[" * 8000, 400, "invalid_json"),
        (b'{"model": "' + b"x" * 20000 + b'"}', 413, "too_large"),
        (b'{"model": "\\ud800", "operation": "chat"}', 422, "invalid_request"),
        (b'{"model": "a\\u0000b", "operation": "chat"}', 422, "invalid_request"),
    ],
)
def test_a_hostile_body_gets_a_problem_and_never_a_500(as_ada: Caller, body: bytes, status: int, code: str) -> None:
    answer = as_ada.post("/v1/check", body)

    assert (answer.status_code, answer.json["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/v1/check", "/v1/checks", "/v1/keys"])
def test_no_depth_of_nesting_is_a_500(as_ada: Caller, path: str) -> None:
    """Also not at the depths that one step can still follow and the next cannot."""
    for depth in [*range(20, 800, 60), *range(800, 1000, 4), 5_000]:
        deep = b'{"a":' * depth + b'{"prompt": 1}' + b"}" * depth

        assert as_ada.post(path, deep).status_code in {400, 413, 422}, depth


def test_another_content_type_is_refused(as_ada: Caller) -> None:
    answer = as_ada.post("/v1/check", b"model=x", content_type="application/x-www-form-urlencoded")

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "TRACE"])
def test_another_method_is_refused_with_those_allowed(as_ada: Caller, method: str) -> None:
    answer = as_ada.send(method, "/v1/check")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


def test_a_subject_is_kept_as_a_keyed_hash_that_finds_it_again(as_ada: Caller, as_cleo: Caller) -> None:
    mine = as_ada.check(subject="person-81").json["decision_id"]
    theirs = as_cleo.check(subject="person-81").json["decision_id"]

    found = as_ada.get("/v1/decisions?subject=person-81").json["decisions"]

    assert [decision["decision_id"] for decision in found] == [mine]
    other = as_cleo.get(f"/v1/decisions/{theirs}").json
    assert len(other["subject_hash"]) == 64
    assert other["subject_hash"] != found[0]["subject_hash"]
    assert "person-81" not in str(found)


def test_an_email_address_is_no_subject(as_ada: Caller) -> None:
    answer = as_ada.check(subject="ada@example.com")

    assert answer.status_code == 422
    assert "ada@example.com" not in answer.text


def test_a_batch_answers_each_question_on_its_own(as_ada: Caller) -> None:
    questions = [
        HARMLESS,
        {**HARMLESS, "metadata": {"contains_pii": True}},
        {**HARMLESS, "metadata": {"userPrompt": "x"}},
        {"model": "m"},
    ]

    results = as_ada.post("/v1/checks", {"checks": questions}).json["results"]

    assert [result["status"] for result in results] == [200, 200, 400, 422]
    assert [result["decision"]["allowed"] for result in results[:2]] == [True, False]
    assert results[0]["decision"]["decision_id"] != results[1]["decision"]["decision_id"]
    assert results[2]["problem"]["errors"][0]["path"] == "metadata.userPrompt"
    assert len(as_ada.get("/v1/decisions").json["decisions"]) == 2


@pytest.mark.parametrize("body", [{}, {"checks": []}, {"checks": {}}, {"checks": [HARMLESS] * 101}, [HARMLESS]])
def test_what_is_no_batch_is_refused_as_a_whole(as_ada: Caller, body: Any) -> None:
    answer = as_ada.post("/v1/checks", body)

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "checks")


def test_content_beside_the_questions_refuses_the_whole_batch(as_ada: Caller) -> None:
    answer = as_ada.post("/v1/checks", {"checks": [HARMLESS], "messages": ["x"]})

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (400, "messages")


def test_each_question_of_a_batch_counts_and_those_beyond_the_limit_are_refused(app: Flask) -> None:
    member = organization_with_key(app, rate_limit=3)

    answer = Caller(app.test_client(), member.secret).post("/v1/checks", {"checks": [HARMLESS] * 5})

    assert [result["status"] for result in answer.json["results"]] == [200, 200, 200, 429, 429]
    assert answer.headers["RateLimit-Remaining"] == "0"


def test_a_key_can_be_probed(as_ada: Caller, ada: Member) -> None:
    answer = as_ada.post("/api/evaluate")

    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["key"]["status"]) == ("ok", "active")
    assert answer.json["organization"]["slug"] == ada.slug
    assert answer.json["rate_limit"]["remaining"] == 9_999


def test_what_cannot_be_recorded_is_never_answered_as_allowed(as_ada: Caller, room: Runtime) -> None:
    class NoSink:
        def write(self, _rows: Any) -> None:
            raise psycopg.OperationalError

        def close(self) -> None:
            pass

    class NoSpool:
        def append(self, _lines: Any, **_options: Any) -> None:
            raise OSError(28, "No space left on device")

    room.batch_recorder = Recorder(NoSink(), NoSpool(), durability=Durability.DATABASE)  # type: ignore[arg-type]

    answer = as_ada.check()

    assert (answer.status_code, answer.json["code"]) == (503, "decision_not_recorded")
    assert "allowed" not in answer.json


def test_an_organization_without_policies_gets_no_answer(app: Flask, as_ada: Caller, ada: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("RESET ROLE"))
        db.session.execute(text("DELETE FROM policy_version WHERE organization_id = :id"), {"id": ada.organization_id})

    assert as_ada.check().status_code == 503


def test_an_unforeseen_error_is_a_500_without_details(as_ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any) -> None:
        raise RuntimeError("secret inner words")

    monkeypatch.setattr("api.checks.service.evaluate", explode)

    answer = as_ada.check()

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "secret inner words" not in answer.text


def test_one_caller_s_trouble_is_not_anothers(app: Flask, as_ada: Caller, ada: Member) -> None:
    test_key = another_key(app, ada, environment=KeyEnvironment.TEST)

    assert as_ada.post("/v1/check", b"{").status_code == 400
    assert Caller(app.test_client(), test_key.secret).check().json["environment"] == "test"


def test_a_body_that_ends_too_early_is_not_decided(as_ada: Caller) -> None:
    body = b'{"model": "m", "operation": "chat"}'

    answer = as_ada.post("/v1/check", body, environ_overrides={"CONTENT_LENGTH": "500"})

    assert (answer.status_code, answer.json["code"]) == (400, "cut_short")


def test_who_is_not_known_is_turned_away_before_the_body_is_waited_for(as_nobody: Caller) -> None:
    class Slow:
        def read(self, _size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    answer = as_nobody.post("/v1/check", b"{}", environ_overrides={"wsgi.input": Slow()})

    assert answer.status_code == 401


def test_an_email_address_is_no_model(as_ada: Caller) -> None:
    assert as_ada.check(model="ada@example.com").status_code == 422
    assert as_ada.check(model="claude@20260101").status_code == 200


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ({"temperature": 0.7, "top_p": 1}, {"gen_ai.request.temperature": 0.7, "gen_ai.request.top_p": 1}),
        ({"n": 2, "stream": True}, {"gen_ai.request.choice.count": 2, "gen_ai.request.stream": True}),
        ({"max_completion_tokens": 100}, {"gen_ai.request.max_tokens": 100}),
        ({"max_output_tokens": 100, "max_tokens": 100}, {"gen_ai.request.max_tokens": 100}),
        ({"top_k": 5, "seed": 1}, {"gen_ai.request.top_k": 5, "gen_ai.request.seed": 1}),
        ({"service_tier": "flex"}, {"gen_ai.request.service_tier": "flex"}),
    ],
)
def test_parameters_of_providers_requests_are_facts_under_their_plain_names(
    as_ada: Caller, facts: dict[str, Any], kept: dict[str, Any]
) -> None:
    decision_id = as_ada.check(metadata=facts).json["decision_id"]

    assert as_ada.get(f"/v1/decisions/{decision_id}").json["metadata"] == kept


def test_a_customers_own_fact_goes_before_an_alias_of_its_name(as_ada: Caller) -> None:
    assert as_ada.patch("/v1/policies/custom_facts", {"value": {"temperature": "token"}}).status_code == 200

    assert as_ada.check(metadata={"temperature": "warm"}).status_code == 200


@pytest.mark.parametrize("operation", ["chat_completion", "text_completion", "completion", "embedding", "embeddings"])
def test_founding_operations_are_known(as_ada: Caller, operation: str) -> None:
    assert as_ada.check(operation=operation).json["reasons"] == []


@pytest.mark.parametrize(
    "secret", [None, "nonsense", issue_token(KeyEnvironment.LIVE).secret], ids=["none", "nonsense", "unknown"]
)
def test_a_refused_key_is_called_invalid(app: Flask, secret: str | None) -> None:
    answer = Caller(app.test_client(), secret).check()

    assert answer.status_code == 401
    assert "invalid" in answer.json["detail"]


@pytest.mark.parametrize("path", ["/v1/check", "/v1/checks", "/api/evaluate", "/v1/keys"])
def test_options_names_the_methods_as_everywhere(as_nobody: Caller, path: str) -> None:
    answer = as_nobody.send("OPTIONS", path)

    assert answer.status_code == 200
    assert {"POST", "OPTIONS"} <= set(answer.headers["Allow"].split(", "))
