"""Addresses as servers take them, and those that we could never send to."""

import pytest
from flask import Flask

from core.addresses import AddressFault, for_the_wire, sendable, spellings
from tests.people import Browser, mails_to, sign_up


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@People.Example", "ada@people.example"),
        ("ada@Müller.example", "ada@xn--mller-kva.example"),
        ("ada@xn--mller-kva.example", "ada@xn--mller-kva.example"),
        ("ada@例え.jp", "ada@xn--r8jz45g.jp"),
        ("ada+news@people.example", "ada+news@people.example"),
    ],
)
def test_a_domain_is_kept_in_punycode(typed: str, kept: str) -> None:
    assert sendable(typed) == kept
    assert for_the_wire(typed).lower() == kept


@pytest.mark.parametrize("typed", ["müller@people.example", "用户@例え.jp", "δοκιμή@people.example"])
def test_other_letters_before_the_at_sign_are_refused_with_words(typed: str) -> None:
    with pytest.raises(AddressFault, match="before the @"):
        sendable(typed)


def test_both_spellings_are_one_address() -> None:
    assert spellings("ada@xn--mller-kva.example") == {"ada@xn--mller-kva.example", "ada@müller.example"}


def test_a_sign_up_with_such_a_domain_is_mailed_and_one_that_cannot_be_is_refused(app: Flask, nobody: Browser) -> None:
    refused = sign_up(nobody, email="nürn@people.example")
    sign_up(nobody, email="nora@müller.example")

    assert (refused.status_code, "before the @" in refused.text) == (422, True)
    assert len(mails_to(app, "nora@xn--mller-kva.example")) == 1


@pytest.fixture
def nobody(app: Flask) -> Browser:
    return Browser(app.test_client())
