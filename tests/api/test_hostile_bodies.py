"""No body costs much more than an honest one of its size, and no refusal is long."""

import json
import time
from typing import Any

import pytest

from api.content.refusal import parse_batch_without_content, parse_without_content
from api.policies.facts import read_question
from api.v1.check_calls import MAX_BATCH_BYTES, MAX_CHECK_BYTES
from api.vocabulary import BUILT_IN, MAX_FACTS, Fact, FactType
from core.errors import AppError
from core.spelling import nearest
from tests.cast import HARMLESS, Caller

MOST_CPU_S = 0.5
"""For a megabyte; what follows took from 3.7 to 103 seconds."""
CUSTOM = {f"team_fact_number_{index}": Fact(f"team_fact_number_{index}", FactType.BOOLEAN, "") for index in range(100)}
VOCABULARY = {**BUILT_IN, **CUSTOM}


def a_name(index: int, length: int = 64) -> str:
    return f"unknown_{index}_".ljust(length, "x")


def question(names: list[str]) -> dict[str, Any]:
    return {"model": "gpt-4o", "operation": "chat", "metadata": dict.fromkeys(names, 1)}


def batch(items: list[Any]) -> bytes:
    return json.dumps({"checks": items}, ensure_ascii=False).encode()[:MAX_BATCH_BYTES]


HOSTILE_BATCHES = {
    "unknown names": batch([question([a_name(50 * row + at) for at in range(MAX_FACTS)]) for row in range(20)]),
    "unknown names in every question": batch(
        [question([a_name(50 * row + at) for at in range(MAX_FACTS)]) for row in range(100)]
    ),
    "names at the top": json.dumps({a_name(index, 9): 1 for index in range(50_000)}).encode(),
    "prompts": b'{"checks": [' + b",".join([b'{"prompt":1}'] * 80_000) + b"]}",
    "prompts in one question": batch([{f"prompt{index}": 1 for index in range(8_000)}]),
    "names that grow when they are made plain": batch([question([str(i) + "\ufdfa" * 3_000 for i in range(110)])]),
    "short names that grow": batch([question([str(i) + "\ufdfa" * 50 for i in range(50)]) for _ in range(100)]),
    "empty lists": b'{"checks": [' + b",".join([b"[]"] * 340_000) + b"]}",
    "empty objects": b'{"checks": [' + b",".join([b"{}"] * 340_000) + b"]}",
    "colons": b'{"checks": ["' + rb"\":" * 300_000 + b'"]}',
    "levels": b'{"checks": ' + b"[" * 500_000,
}


def judged(body: bytes) -> list[AppError]:
    """The refusals of a batch's items, or the one of the batch, as a call meets them."""
    try:
        parsed, refusals = parse_batch_without_content(body, items_under="checks")
    except AppError as refusal:
        return [refusal]
    found = list(refusals.values())
    for item in parsed.get("checks", [])[:100] if isinstance(parsed, dict) else ():
        try:
            read_question(item, VOCABULARY, most_named=5)
        except AppError as refusal:
            found.append(refusal)
    return found


@pytest.mark.parametrize("kind", HOSTILE_BATCHES)
def test_a_hostile_batch_costs_little_and_is_refused_shortly(kind: str) -> None:
    began_s = time.thread_time()
    refusals = judged(HOSTILE_BATCHES[kind])
    took_s = time.thread_time() - began_s

    assert refusals
    assert took_s < MOST_CPU_S
    assert all(len(refusal.errors) <= 20 for refusal in refusals)
    assert sum(len(json.dumps(str(refusal.errors))) for refusal in refusals) < 200_000


@pytest.mark.parametrize("character", ["x", "\ufdfa"])
def test_a_hostile_question_costs_little(character: str) -> None:
    body = json.dumps({str(index) + character * 40: 1 for index in range(250)}, ensure_ascii=False).encode()
    began_s = time.thread_time()
    with pytest.raises(AppError) as refused:
        read_question(parse_without_content(body[:-1][:MAX_CHECK_BYTES].rpartition(b",")[0] + b"}"), VOCABULARY)

    assert time.thread_time() - began_s < MOST_CPU_S / 5
    assert len(refused.value.errors) <= 20


def test_a_full_honest_batch_is_read() -> None:
    facts = {f"team_fact_number_{index}": True for index in range(MAX_FACTS)}
    items = [{"model": "a:b:c", "operation": "chat", "metadata": facts, "subject": "p-1"} for _ in range(100)]

    parsed, refusals = parse_batch_without_content(batch(items), items_under="checks")

    assert refusals == {}
    assert [read_question(item, VOCABULARY).facts.metadata for item in parsed["checks"]] == [facts] * 100


def test_a_name_too_long_for_a_fact_is_content(as_ada: Caller) -> None:
    answer = as_ada.check(metadata={"a" * 165: 1})

    assert (answer.status_code, answer.json["code"]) == (400, "content_refused")


def test_too_many_fields_are_refused_with_what_to_do(as_ada: Caller) -> None:
    answer = as_ada.post("/v1/check", {**HARMLESS, "metadata": {f"f{index}": 1 for index in range(300)}})

    assert (answer.status_code, answer.json["code"]) == (400, "too_many_names")
    assert str(MAX_FACTS) in answer.json["detail"]


def test_only_the_first_fields_at_fault_are_named(as_ada: Caller) -> None:
    answer = as_ada.check(metadata={a_name(index): 1 for index in range(MAX_FACTS)})

    assert answer.status_code == 422
    assert len(answer.json["errors"]) == 20


def test_a_slip_of_the_pen_is_still_understood() -> None:
    assert nearest("contains_personaldata", VOCABULARY) == "contains_personal_data"
    assert nearest("zzz", VOCABULARY) is None
