"""Amounts in every kind of currency: as people read and write them, and as Stripe counts them."""

import pytest

from billing.money import NotAnAmount, format_amount, parse_amount


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (4_900, "usd", "49.00 USD"),
        (-500, "eur", "-5.00 EUR"),
        (123_456_789, "usd", "1,234,567.89 USD"),
        (7_000, "jpy", "7,000 JPY"),
        (7_000, "KRW", "7,000 KRW"),
        (1_250, "kwd", "1.250 KWD"),
        (500, "isk", "5 ISK"),
        (0, "usd", "0.00 USD"),
        (None, "jpy", "0 JPY"),
        (4_900, None, "49.00"),
    ],
)
def test_an_amount_is_shown_with_the_digits_of_its_currency(minor: int | None, currency: str, shown: str) -> None:
    assert format_amount(minor, currency) == shown


@pytest.mark.parametrize(
    ("written", "currency", "minor"),
    [
        ("49", "usd", 4_900),
        ("0.29", "usd", 29),
        (" 10.5 ", "usd", 1_050),
        ("70.00", "jpy", 70),
        ("7000", "jpy", 7_000),
        ("1.25", "kwd", 1_250),
        ("5", "isk", 500),
    ],
)
def test_an_amount_is_read_as_stripe_counts_its_currency(written: str, currency: str, minor: int) -> None:
    assert parse_amount(written, currency) == minor


@pytest.mark.parametrize(
    ("written", "currency"),
    [
        ("49.001", "usd"),
        ("70.50", "jpy"),
        ("1.255", "kwd"),
        ("5.50", "isk"),
        *(
            (written, "usd")
            for written in ("", "x", "-1", "1e3", "NaN", "Infinity", "1,000", "1.", ".5", "٤٩", "9" * 40)
        ),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(written: str, currency: str) -> None:
    with pytest.raises(NotAnAmount):
        parse_amount(written, currency)
