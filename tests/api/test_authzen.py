"""AuthZEN 1.0: the cases of its certification profile, and what we promise beyond it."""

from typing import Any

import pytest
from flask import Flask

from api.keys.scopes import Scope
from tests.api.authzen import (
    ACTIVE,
    ADMIN,
    ALICE,
    ALICE_READS,
    ARCHIVED,
    BOB,
    BOB_WRITES,
    DELETE,
    OTHER,
    READ,
    RECORD,
    WRITE,
    Asked,
    adopt_policy,
    without,
)
from tests.cast import Caller, Member, another_key

ONE, MANY = "/access/v1/evaluation", "/access/v1/evaluations"
TIME = "2025-06-27T18:03-07:00"


@pytest.fixture
def pep(as_ada: Caller) -> Caller:
    """An enforcement point, whose decision point has the fixture."""
    adopt_policy(as_ada)
    return as_ada


def decisions_of(answer: Any) -> list[bool]:
    return [one["decision"] for one in answer.json["evaluations"]]


def ids_in(answer: Any) -> list[str | None]:
    return [one["context"].get("decision_id") for one in answer.get("evaluations", [answer])]


DECIDED: dict[str, tuple[Asked, bool]] = {
    "2.2.1 alice reads": (ALICE_READS, True),
    "2.2.2 bob writes": (BOB_WRITES, False),
    "2.2.3 context": ({**ALICE_READS, "context": {"time": TIME, "ip": "192.168.1.1"}}, True),
    "2.2.4 archived": ({"subject": ALICE, "action": WRITE, "resource": ARCHIVED}, False),
    "2.2.5 archived, as admin": ({"subject": ADMIN, "action": WRITE, "resource": ARCHIVED}, True),
    "2.2.6 soft delete": ({**ALICE_READS, "action": DELETE[True]}, True),
    "2.2.7 hard delete": ({**ALICE_READS, "action": DELETE[False]}, False),
    "2.2.8 further properties": (
        {
            "subject": {**ALICE, "properties": {"department": "Sales", "role": "manager"}},
            "action": {**READ, "properties": {"method": "GET"}},
            "resource": {**RECORD, "properties": {"status": "active", "owner": "bob"}},
        },
        True,
    ),
    "2.2.9 unknown members": ({**ALICE_READS, "foo": "bar", "futureField": {"nested": True}}, True),
    "1.4.2 alice writes": ({**ALICE_READS, "action": WRITE}, True),
    "1.4.3 bob reads": ({**BOB_WRITES, "action": READ}, True),
}


def test_the_certification_profiles_decisions_and_their_repetition(pep: Caller) -> None:
    for name, (asked, decision) in DECIDED.items():
        answers = [pep.post(ONE, asked) for _ in range(3)]

        assert {answer.status_code for answer in answers} == {200}, name
        assert {answer.content_type for answer in answers} == {"application/json"}, name
        assert [answer.json["decision"] for answer in answers] == [decision] * 3, name


REFUSED: dict[str, Any] = {
    **{
        f"2.4 without {path}": without(ALICE_READS, path)
        for path in ("subject", "action", "resource", "subject.type", "subject.id", "resource.type", "resource.id")
    },
    "2.4.2 without action.name": {**ALICE_READS, "action": {}},
    "2.4.6 subject is a string": {**ALICE_READS, "subject": "alice"},
    "2.4.6 action.name is a number": {**ALICE_READS, "action": {"name": 123}},
    "2.4.4 malformed": b"{",
    "2.4.5 empty": b"",
    "properties are a list": {**ALICE_READS, "subject": {**ALICE, "properties": []}},
    "context is a string": {**ALICE_READS, "context": ""},
    "not an object": [ALICE_READS],
    "a fact of another type": {**ALICE_READS, "context": {"contains_personal_data": "yes"}},
    "facts that contradict": {**ALICE_READS, "context": {"contains_pii": True, "contains_personal_data": False}},
    "an email address": {**ALICE_READS, "subject": {"type": "user", "id": "alice@example.com"}},
}


@pytest.mark.parametrize("path", [ONE, MANY])
def test_what_is_not_valid_is_400_and_leaves_no_decision(pep: Caller, path: str) -> None:
    for name, asked in REFUSED.items():
        answer = pep.post(path, asked)

        assert answer.status_code == 400, name
        assert answer.json["code"] in {"invalid_evaluation", "invalid_json"}, name
    assert pep.post(path, ALICE_READS, content_type="text/plain").json["code"] == "evaluation_not_json"
    assert pep.get("/v1/decisions").json["decisions"] == []


def test_a_refusal_names_the_members_that_were_sent(pep: Caller) -> None:
    asked = {
        "subject": {"type": "user", "id": "two words", "properties": {"department": 7}},
        "action": {"name": "no such thing"},
        "resource": {"type": "model", "id": "gpt 4o", "properties": {"gen_ai": {"usage": {"input_tokens": -1}}}},
        "context": {"contains_personal_data": "yes"},
    }

    answer = pep.post(ONE, asked)

    assert [one["path"] for one in answer.json["errors"]] == [
        "resource.id",
        "action.name",
        "subject.id",
        "subject.properties.department",
        "resource.properties.gen_ai.usage.input_tokens",
        "context.contains_personal_data",
    ]


BATCHES: dict[str, tuple[Asked, list[bool]]] = {
    "3.2.1 two resources": (
        {"subject": ALICE, "action": READ, "evaluations": [{"resource": RECORD}, {"resource": OTHER}]},
        [True, True],
    ),
    "3.2.2 two actions": (
        {"subject": BOB, "resource": RECORD, "evaluations": [{"action": READ}, {"action": WRITE}]},
        [True, False],
    ),
    "3.2.3 properties": (
        {"subject": ALICE, "action": WRITE, "evaluations": [{"resource": ACTIVE}, {"resource": ARCHIVED}]},
        [True, False],
    ),
    "3.2.4 subjects": (
        {"action": WRITE, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {"subject": ADMIN}]},
        [False, True],
    ),
    "3.2.5 no defaults": ({"evaluations": [ALICE_READS, BOB_WRITES]}, [True, False]),
    "3.2.6 context": (
        {
            "subject": ALICE,
            "action": READ,
            "context": {"time": TIME},
            "evaluations": [{"resource": RECORD}, {"resource": OTHER, "context": {"time": TIME, "source": "batch"}}],
        },
        [True, True],
    ),
    "3.2.7 the default's type": (
        {
            "subject": ALICE,
            "action": WRITE,
            "resource": {"type": "record"},
            "evaluations": [{"resource": without(ACTIVE, "type")}, {"resource": ARCHIVED}],
        },
        [True, False],
    ),
    "3.4.1 one without resource": (
        {"subject": ALICE, "action": READ, "evaluations": [{"resource": RECORD}, {}]},
        [True, False],
    ),
    "a default's properties are replaced with it": (
        {
            "subject": ADMIN,
            "action": WRITE,
            "evaluations": [{"resource": ARCHIVED, "subject": BOB}, {"resource": ARCHIVED}],
        },
        [False, True],
    ),
    "an item that is no object": ({**ALICE_READS, "evaluations": [7, {}]}, [False, True]),
}


def test_the_certification_profiles_batches(pep: Caller) -> None:
    for name, (asked, decisions) in BATCHES.items():
        answer = pep.post(MANY, asked)

        assert answer.status_code == 200, name
        assert decisions_of(answer) == decisions, name
        assert "decision" not in answer.json, name


@pytest.mark.parametrize("more", [{}, {"evaluations": []}], ids=["3.4.2 no list", "3.4.3 an empty list"])
def test_no_evaluations_are_a_single_one(pep: Caller, more: dict[str, Any]) -> None:
    answer = pep.post(MANY, {**ALICE_READS, **more}).json

    assert (answer["decision"], set(answer)) == (True, {"decision", "context"})


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_a_semantic_ends_a_batch_and_only_what_ran_is_on_record(
    pep: Caller, semantic: str, decisions: list[bool]
) -> None:
    items = [ALICE_READS, BOB_WRITES, ALICE_READS]

    answer = pep.post(MANY, {"evaluations": items, "options": {"evaluations_semantic": semantic}})

    assert decisions_of(answer) == decisions
    assert len(pep.get("/v1/decisions").json["decisions"]) == len(decisions)


@pytest.mark.parametrize(
    "asked",
    [
        {"evaluations": [ALICE_READS], "options": {"evaluations_semantic": "first"}},
        {"evaluations": [ALICE_READS], "options": []},
        {"evaluations": {}},
        {"evaluations": [ALICE_READS] * 101},
    ],
    ids=["unknown semantic", "options", "not a list", "too many"],
)
def test_a_batch_that_is_not_valid_is_refused_as_a_whole(pep: Caller, asked: dict[str, Any]) -> None:
    assert pep.post(MANY, asked).json["code"] == "invalid_evaluation"


def test_each_evaluation_is_one_decision_in_the_log_with_its_reasons(pep: Caller, ada: Member) -> None:
    answer = pep.post(ONE, {**BOB_WRITES, "foo": "bar", "context": {"department": "support", "ticket": "T-1"}})

    context = answer.json["context"]
    kept = pep.get(f"/v1/decisions/{context['decision_id']}").json
    assert (context["reason"], context["risk_score"], context["policy_version"]) == ("writes_of_bob", 50, 4)
    assert [one["code"] for one in context["reasons"]] == ["writes_of_bob"]
    assert (kept["model"], kept["operation"], kept["allowed"]) == ("record-1", "write", False)
    assert kept["metadata"] == {"subject.id": "bob", "department": "support"}
    assert kept["request_id"] == context["request_id"]
    assert kept["key_id"] == ada.shown_key_id


def test_the_context_has_what_the_policies_declare_for_an_outage(pep: Caller) -> None:
    pep.patch("/v1/policies/on_unreachable", {"value": [{"mode": "block", "operations": ["write"]}]})

    items = pep.post(MANY, {"evaluations": [ALICE_READS, BOB_WRITES]}).json["evaluations"]

    assert [item["context"].get("on_unreachable") for item in items] == [None, "block"]


def test_a_request_id_comes_back_as_it_was_sent_and_is_not_kept(pep: Caller) -> None:
    sent = "ä long id; of (somebody) " * 20

    answer = pep.post(ONE, ALICE_READS, headers={"X-Request-ID": sent})
    refused = pep.post(ONE, {}, headers={"X-Request-ID": sent})

    assert answer.headers["X-Request-Id"] == refused.headers["X-Request-Id"] == sent
    kept = pep.get(f"/v1/decisions/{answer.json['context']['decision_id']}").text
    assert "somebody" not in kept
    assert pep.post(ONE, ALICE_READS).headers["X-Request-Id"].startswith("req_")


def test_a_retry_under_one_idempotency_key_is_the_same_decision(pep: Caller) -> None:
    batch = {"evaluations": [ALICE_READS, {}, BOB_WRITES]}
    for path, asked in ((ONE, ALICE_READS), (MANY, batch), (MANY, ALICE_READS)):
        first, again = (pep.post(path, asked, headers={"Idempotency-Key": f"k-{len(asked)}-{path}"}) for _ in range(2))

        assert again.headers["Idempotency-Replayed"] == "true"
        assert ids_in(first.json) == ids_in(again.json)
    assert len(pep.get("/v1/decisions").json["decisions"]) == 4


def test_content_is_refused_wherever_it_hides(pep: Caller) -> None:
    words = {"prompt": "Dear Ms Jones"}
    for asked in ({**ALICE_READS, **words}, {**ALICE_READS, "context": {"deep": words}}):
        for path in (ONE, MANY):
            answer = pep.post(path, asked)

            assert (answer.status_code, answer.json["code"]) == (400, "content_refused")
            assert "Jones" not in answer.text
    items = [ALICE_READS, {**ALICE_READS, "foo": words}]
    answer = pep.post(MANY, {"evaluations": items, "foo": "bar"})
    assert decisions_of(answer) == [True, False]
    assert answer.json["evaluations"][1]["context"]["error"]["code"] == "content_refused"
    assert pep.post(MANY, {"evaluations": items, **words}).json["code"] == "content_refused"


def test_evaluations_beyond_the_limit_are_denied_one_by_one(app: Flask, ada: Member) -> None:
    caller = Caller(app.test_client(), another_key(app, ada, rate_limit=2).secret)

    answer = caller.post(MANY, {**ALICE_READS, "evaluations": [{}] * 3})

    assert decisions_of(answer) == [True, True, False]
    assert answer.json["evaluations"][2]["context"]["error"]["status"] == 429
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert caller.post(ONE, ALICE_READS).status_code == 429


def test_who_may_not_check_may_not_evaluate(app: Flask, ada: Member, as_nobody: Caller) -> None:
    reader = Caller(app.test_client(), another_key(app, ada, scopes=(Scope.DECISIONS_READ,)).secret)

    for path in (ONE, MANY):
        assert as_nobody.post(path, ALICE_READS).status_code == 401
        assert reader.post(path, ALICE_READS).json["code"] == "missing_scope"
        assert reader.get(path).status_code == 405


@pytest.mark.parametrize("path", ["", "/ada-and-co", "/of-nobody"])
def test_the_metadata_names_the_decision_point_that_was_asked_for(app: Flask, as_nobody: Caller, path: str) -> None:
    answer = as_nobody.get(f"/.well-known/authzen-configuration{path}")

    base_url = answer.json["policy_decision_point"].removesuffix(path)
    assert base_url == "http://127.0.0.1:8000"
    assert answer.json["access_evaluation_endpoint"] == f"{base_url}{ONE}"
    assert answer.json["access_evaluations_endpoint"] == f"{base_url}{MANY}"


def test_what_cannot_be_a_short_name_has_no_metadata(as_nobody: Caller) -> None:
    answer = as_nobody.get("/.well-known/authzen-configuration/No%20Body")

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
