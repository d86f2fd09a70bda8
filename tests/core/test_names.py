"""Lines that people give: what is kept of them, what is refused, and what somebody types to confirm."""

import pytest

from core.errors import InvalidRequest
from core.names import clean, fault_of_line, is_typed, normal_form, typable


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" edge ", "edge"),
        ("two  spaces", "two spaces"),
        ("\u00a0no\u2003break\u3000", "no break"),
        ("e\u0301tude", "étude"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("می‌خواهم", "می‌خواهم"),
        ("👩‍👩‍👧 family ❤️", "👩‍👩‍👧 family ❤️"),
        ("Müller & Söhne GmbH (Köln)", "Müller & Söhne GmbH (Köln)"),
        ("株式会社　日本", "株式会社 日本"),
        ("1\ufe0f\u20e3 first ‼\ufe0f ©\ufe0e", "1\ufe0f\u20e3 first ‼\ufe0f ©\ufe0e"),
    ],
)
def test_a_name_is_kept_in_its_normal_form(given: str, kept: str) -> None:
    assert clean(given) == kept
    assert fault_of_line(normal_form(given)) is None


@pytest.mark.parametrize(
    "given",
    [
        *("\u200b", "\u2800", "\u3164", "\u00ad", "\u202e", "\ufeff", "\u2060", "\u115f", "\u200d", "\ufe0f", "\u034f"),
        *("edge\u200b", "ed\u202ege", "e\u00addge", "a\u2066b\u2069", "a\u200eb", "a\u061cb", "a\u2800b", "x\u3164"),
        *(
            "a\nb",
            "a\tb",
            "a\x0bb",
            "a\x1fb",
            "a\x7fb",
            "a\x85b",
            "a\u2028b",
            "a\u2029b",
            "a\ud800",
            "a\ue000",
            "a\uffff",
        ),
        *("\u2066a\u2069", "\u2067a", "a\u2068b\u2069", "a\u2069", "\u2064", "a\u206ab", "a\ufff9b", "a\ufffcb"),
        *("a\ufe0fb", "a\ufe0f", "\ufe0fa", "1\ufe0f", "a\ufe0eb", "❤\ufe0f\ufe0f", "a b\ufe0f", "é\ufe0f"),
        *("a\u034fb", "a\u115fb", "a\u1160b", "a\uffa0", "a\u17b4b", "a\U0001d159b", "a\U0001d173b"),
        *("a\U000e0001b", "a\U000e0020", "🏴\U000e0067\U000e007f", "a\udfff", "\udc00a", "a\ud83d\ude00"),
        *("a\u200db", "a\U000e0041b", "a\U000e0101b", "a\u180eb", "", "   ", "\u00a0", "\u0301"),
    ],
)
def test_what_cannot_be_typed_or_seen_is_refused(given: str) -> None:
    with pytest.raises(InvalidRequest):
        clean(given)


@pytest.mark.parametrize(
    ("kept", "typed"),
    [
        (" edge ", "edge"),
        ("two  spaces", "two spaces"),
        ("ed\u200bge", "edge"),
        ("\u202eedge", "edge"),
        ("e\u0301tude", "étude"),
        ("étude", "e\u0301tude"),
        ("a\nb", "a b"),
        ("\u200b", "key_1"),
        ("\u3164\u2800", "key_1"),
        ("", "key_1"),
    ],
)
def test_a_name_from_before_can_still_be_typed(kept: str, typed: str) -> None:
    assert is_typed(typed, kept, otherwise="key_1")
    assert is_typed(typable(kept, otherwise="key_1"), kept, otherwise="key_1")


@pytest.mark.parametrize("typed", ["", None, "\u200b", "Edge", "edg", "key_1"])
def test_another_name_is_another(typed: str | None) -> None:
    assert not is_typed(typed, " edge ", otherwise="key_1")
