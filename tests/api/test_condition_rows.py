"""Conditions as rows of a form and back: nothing changes its meaning, and nothing is lost."""

from random import Random

import pytest

from api.policies.conditions.checking import check_condition, ground_of
from api.policies.conditions.rows import (
    OPERATORS,
    Operator,
    Row,
    RowRefused,
    cel_of,
    row_of,
    row_of_form,
    rows_of,
    shown_number,
)
from api.policies.conditions.typing import KINDS
from api.policies.document import PolicyDocument
from api.policies.trees import Kind
from tests.api import conditions

POLICY = PolicyDocument(custom_facts=conditions.CUSTOM)
GROUND = ground_of(POLICY)
FACTS = {variable: KINDS[fact.type] for variable, fact in GROUND.facts.items()}
FREE_TEXTS = [name for name, kind in FACTS.items() if kind is Kind.TEXT and not GROUND.facts[name].choices]
_TOKENS = ("eu", "gpt-4o*", "gpt-4o", "a_b", "7", "true", "A.b:c")


def _values(random: Random, fact: str, operator: Operator) -> tuple[str, ...]:
    match FACTS[fact]:
        case Kind.BOOLEAN:
            return (random.choice(("true", "false")),)
        case Kind.INTEGER:
            return (str(random.choice((1, 10_000, random.randrange(1, 10**15)))),)
        case Kind.NUMBER:
            return (shown_number(random.choice((1, -2, random.uniform(-1_000, 1_000)))),)
        case Kind.TEXTS:
            return ("email",)
    words = GROUND.facts[fact].choices or _TOKENS
    most = 3 if operator in {Operator.ONE_OF, Operator.NONE_OF} else 1
    return tuple(random.sample(words, random.randrange(1, most + 1)))


@pytest.mark.parametrize("seed", range(20))
def test_from_rows_to_cel_and_back_is_the_identity(seed: int) -> None:
    random = Random(seed)
    for _ in range(100):
        fact = random.choice(list(FACTS))
        operator = random.choice(OPERATORS[FACTS[fact]])
        row = Row(fact, operator, _values(random, fact, operator))
        typed = row_of_form(row.fact, row.operator, ", ".join(row.values), FACTS)

        written = cel_of(row, FACTS)

        assert (typed, row_of(written, FACTS)) == (row, row)
        if not (fact == "pii_types" or ("*" in written and operator not in _OPEN)):
            check_condition(written, GROUND)


_OPEN = (Operator.IS, Operator.IS_NOT, Operator.ONE_OF, Operator.NONE_OF)


@pytest.mark.parametrize("seed", range(20))
def test_what_the_builder_shows_of_a_condition_means_the_same(seed: int) -> None:
    """Whatever it can't show stays word for word."""
    random = Random(seed)
    for _ in range(100):
        written = conditions.condition(random)
        [shown] = rows_of([written], FACTS)
        if isinstance(shown, Row):
            again = row_of(cel_of(shown, FACTS), FACTS)
            assert again == shown
        else:
            assert shown == written


@pytest.mark.parametrize(
    ("written", "row"),
    [
        ('"hr" == department', Row("department", Operator.IS, ("hr",))),
        ("5 < dataset_record_count", Row("dataset_record_count", Operator.MORE, ("5",))),
        ("is_external_model != true", Row("is_external_model", Operator.IS, ("false",))),
        ("score == 1.50", Row("score", Operator.IS, ("1.5",))),
        ("!('a' in teams)", Row("teams", Operator.LACKS, ("a",))),
        ("department == 5", None),
        ("department", None),
        ("score in [1]", None),
        ('department == "a" // why', None),
        ('department == "a" || urgent', None),
        ("department == data_region", None),
        ("teams == ['a']", None),
        ("unknown_fact", None),
    ],
)
def test_only_a_comparison_of_one_fact_is_a_row(written: str, row: Row | None) -> None:
    assert row_of(written, FACTS) == row


@pytest.mark.parametrize(
    ("fact", "operator", "value", "advice"),
    [
        ("", "is", "x", "Choose a fact."),
        ("department", "more", "x", "Choose an operator that fits department."),
        ("department", "is", "", "Enter a value for department."),
        ("department", "one_of", " , ", "Enter a value for department."),
        ("department", "is", '"hr"', "without quotes"),
        ("dataset_record_count", "more", "10k", "Enter a whole number"),
        ("score", "more", "1e5", "Enter a number"),
        ("urgent", "is", "yes", "urgent is true or false."),
    ],
)
def test_a_row_that_is_no_condition_says_what_to_enter(fact: str, operator: str, value: str, advice: str) -> None:
    with pytest.raises(RowRefused, match=advice):
        row_of_form(fact, operator, value, FACTS)
