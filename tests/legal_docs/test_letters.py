"""Letters that documents are printed in."""

import pytest

from legal_docs.documents.emails import is_printable, spelled_out

FOREIGN = [
    "株式会社日本",
    "カタカナ",
    "주식회사",
    "علي",
    "ﻋﻠﻲ",
    "דוד",
    "सुनील",
    "สมชาย",
    "ລາວ ກໍ",
    "👩 Ada",
    "😀 Ada",
    "Ada ☺\ufe0f",
    "𝔄𝔡𝔞",
    "x\u0304\u0301",
    "Ada\u034f",
    "Ada \ue000",
    "Ada \uf6c5",
    "Ada \U000f0000",
    "Ada\u200b",
    "\u2066Ada\u2069",
]
"""Of other scripts, joined from parts, in planes that are not copied, or without a meaning."""


@pytest.mark.parametrize("name", ["Søren Łukasz", "Ωμέγα", "Наталья", "Mu\u0308ller", "Đặng Thị", "O’Brien – “x” €"])
def test_latin_greek_and_cyrillic_letters_are_printed(name: str) -> None:
    assert is_printable(name)


@pytest.mark.parametrize("name", FOREIGN)
def test_others_are_known_not_to_be(name: str) -> None:
    assert not is_printable(name)


def test_a_letter_without_a_shape_is_spelled_out_in_what_was_signed_before() -> None:
    assert spelled_out("Ada 株 & Co\n") == "Ada [U+682A] & Co\n"


def test_decomposed_letters_are_printed_as_one() -> None:
    assert spelled_out("Mu\u0308ller") == "Müller"
