"""The quick way to read a check accepts nothing that the other way refuses, and reads the same."""

import os
from datetime import date
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.checks.distinct_values import MOST_VALUES, DistinctValues
from api.checks.quick_reading import QuickReader
from api.checks.reading import Reader
from api.content.refusal import ContentRefused, parse_without_content
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.facts import CheckQuestion, read_question
from api.vocabulary import FactType
from core.errors import AppError, InvalidRequest
from tests.api import bodies
from tests.api.conditions import CUSTOM

BODIES = int(os.environ.get("GENERATED_BODIES", "20000"))
"""A million take some minutes."""
POLICY = compile_policy(UUID(int=7), 1, PolicyDocument(custom_facts=CUSTOM))
HONEST = {"model": "gpt-4o", "operation": "chat", "metadata": {"department": "support", "max_tokens": 800}}


def slowly(body: bytes) -> CheckQuestion | None:
    """None where it is refused."""
    try:
        return read_question(parse_without_content(body), POLICY.facts)
    except AppError:
        return None


def a_reader(today: date = date(2026, 11, 28)) -> QuickReader:
    return QuickReader(POLICY, DistinctValues(today=lambda: today))


def test_what_is_read_quickly_is_read_alike_by_the_other_way() -> None:
    random, reader = Random(11), a_reader()
    quick = refused = 0
    for _ in range(BODIES):
        body = bodies.body(random)
        read, expected = reader.read(body), slowly(body)
        assert read is None or _same(read, expected), body
        quick += read is not None
        refused += expected is None

    assert quick > 0.25 * BODIES
    assert refused > 0.1 * BODIES


def test_a_batch_is_read_quickly_only_if_each_of_its_checks_is() -> None:
    random, reader = Random(12), a_reader()
    quick = 0
    for _ in range(BODIES // 20):
        some = [bodies.body(random) for _ in range(random.randrange(1, 4))]
        read = reader.read_batch(b'{"checks":[' + b",".join(some) + b"]}")
        one_by_one = [reader.read(body) for body in some]
        assert read is None or all(map(_same, read, one_by_one)), some
        quick += read is not None

    assert quick > 0.1 * (BODIES // 20)


def _same(read: CheckQuestion, expected: CheckQuestion | None) -> bool:
    """Also in the types of numbers and in the order of the facts, which the log shows."""
    return expected is not None and msgspec.json.encode(read) == msgspec.json.encode(expected)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"gpt-4o","operation":"chat"}',
        b'{"model" :"a","model":"gpt-4o","operation":"chat"}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"department" :"a","department":"b"}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"prompt":"hello"}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"d\\u0065partment":"a"}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"nowhere":{"department":"a"}}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"temperature":1e400}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"temperature":NaN}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"max_tokens":-1}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"max_tokens":true}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"urgent":1}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"department":"4111111111111111"}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"dataset_record_count":4111111111111111}}',
        b'{"model":"gpt-4o","operation":"chat","metadata":{"temperature":1,"gen_ai.request.temperature":2}}',
        b'{"model":"gpt-4o","operation":"chat","subject":"max@example.com"}',
        b'{"model":"gpt-4o","operation":"chat","metadata":[]}',
        b'{"model":"gpt-4o","operation":"chat"} {}',
        b'{"model":"gpt-4o","operation":"chat","metadata":' + b"[" * 5_000,
        b"[]",
        b"",
        b"\xff",
    ],
)
def test_what_is_not_plainly_well_is_left_to_the_other_way(body: bytes) -> None:
    assert a_reader().read(body) is None


def test_a_request_with_the_usual_aliases_is_read_quickly() -> None:
    read = a_reader().read(msgspec.json.encode(HONEST))

    assert read is not None
    assert read.facts.metadata == {"department": "support", "gen_ai.request.max_tokens": 800}


def test_a_custom_fact_takes_precedence_over_an_alias() -> None:
    policy = compile_policy(UUID(int=7), 1, PolicyDocument(custom_facts={"stream": FactType.TOKEN}))
    body = b'{"model":"gpt-4o","operation":"chat","metadata":{"stream":"north"}}'
    read = QuickReader(policy, DistinctValues()).read(body)

    assert read is not None
    assert read.facts.metadata == {"stream": "north"}


def test_new_values_are_counted_each_day_also_those_that_are_known() -> None:
    day = [date(2026, 11, 28)]
    values = DistinctValues(today=lambda: day[0])
    reader = QuickReader(POLICY, values)
    body = msgspec.json.encode(HONEST)
    reader.read(body)
    reader.read(body)
    assert values._kept == 3
    day[0] = date(2026, 11, 29)
    values.forget_yesterday()
    reader.read(body)

    assert values._kept == 3


def test_a_fact_with_too_many_values_is_refused_as_before() -> None:
    reader = Reader(DistinctValues())
    for number in range(MOST_VALUES):
        reader.read(_of_department(f"team-{number}x"), POLICY)

    with pytest.raises(InvalidRequest) as refused:
        reader.read(_of_department("one-more"), POLICY)
    assert [error.code for error in refused.value.errors] == ["too_many_values"]
    assert reader.read(_of_department("team-5x"), POLICY).facts.metadata == {"department": "team-5x"}


def test_what_the_quick_way_leaves_is_refused_with_its_path() -> None:
    with pytest.raises(ContentRefused) as refused:
        Reader(DistinctValues()).read(b'{"model":"a","operation":"b","metadata":{"prompt":"c"}}', POLICY)
    assert [error.path for error in refused.value.errors] == ["metadata.prompt"]


def _of_department(department: str) -> bytes:
    question: dict[str, Any] = {"model": "gpt-4o", "operation": "chat", "metadata": {"department": department}}
    return msgspec.json.encode(question)
