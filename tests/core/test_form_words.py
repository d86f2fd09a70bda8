"""What a validator refuses is told in a form in the words of whoever fills it in."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from core.errors import fault_of
from core.forms import in_plain_words

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
