"""What a validator refuses is told in a form in the words of whoever fills it in."""

from typing import Annotated, Any

import msgspec
import pytest
from flask import Flask
from msgspec import Meta
from wtforms import TextAreaField

from core.errors import FieldProblem, fault_of
from core.forms import Form, in_plain_words

REFUSED = [
    (int, "x", "Enter a number."),
    (float, "x", "Enter a number."),
    (bool, 7, "Choose one of the two."),
    (Annotated[int, Meta(ge=1)], 0, "Enter at least 1."),
    (Annotated[int, Meta(le=100)] | None, 101, "Enter at most 100."),
    (Annotated[str, Meta(max_length=2)], "abc", "Use at most 2 characters."),
    (Annotated[str, Meta(min_length=1)], "", "This field is required."),
    (Annotated[list[int], Meta(max_length=1)], [1, 2], "Enter at most 1."),
]


@pytest.mark.parametrize(("shape", "value", "words"), REFUSED)
def test_a_refusal_says_what_to_enter(shape: Any, value: object, words: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, shape)

    assert in_plain_words(fault_of(refused.value).detail) == words


def test_a_fault_in_a_text_of_many_lines_says_which_is_meant(app: Flask) -> None:
    class Networks(Form):
        networks = TextAreaField()
        facts = TextAreaField()

    with app.test_request_context(method="POST"):
        form = Networks()
        form.blame([FieldProblem("networks[1]", "x", "No network."), FieldProblem("facts.team", "x", "Unknown fact.")])

    assert form.networks.errors == ["Line 2: No network."]
    assert form.facts.errors == ["team: Unknown fact."]
