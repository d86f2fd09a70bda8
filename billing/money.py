"""Amounts as Stripe counts them, written as people read them, and read as people write them.

Stripe counts most currencies in hundredths, some in whole units and some in thousandths.
https://docs.stripe.com/currencies
"""

import re
from decimal import Decimal

_WHOLE = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
_THOUSANDTHS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
_COUNTED_IN_HUNDREDTHS = frozenset(("isk", "ugx"))
"""Without hundredths since a while; Stripe still counts them, and they have to be zero."""

_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?")


class NotAnAmount(ValueError):
    """Its text says what it should be."""


def format_amount(minor: int | None, currency: str | None) -> str:
    """Such as `49.00 USD`, `7,000 JPY` or `1.250 KWD`."""
    code = (currency or "").lower()
    digits = _digits(code)
    amount = Decimal(minor or 0).scaleb(-digits)
    if code in _COUNTED_IN_HUNDREDTHS and amount == amount.to_integral_value():
        digits = 0
    return f"{amount:,.{digits}f} {code.upper()}".rstrip()


def parse_amount(written: str, currency: str | None) -> int:
    """What somebody wrote, such as `49`, `49.00` or `1.250`, as Stripe counts it. Raises NotAnAmount."""
    code = (currency or "").lower()
    found = _AMOUNT.fullmatch(written.strip())
    if found is None:
        raise NotAnAmount(f"Enter an amount such as {_example(code)}.")
    minor = Decimal(written.strip()).scaleb(_digits(code))
    if minor != minor.to_integral_value() or minor % _step(code):
        raise NotAnAmount(f"The smallest amount in {code.upper()} is {format_amount(_step(code), code)}.")
    return int(minor)


def _digits(code: str) -> int:
    if code in _WHOLE:
        return 0
    return 3 if code in _THOUSANDTHS else 2


def _step(code: str) -> int:
    """The smallest amount that can be paid: cards know no last digit of thousandths."""
    if code in _THOUSANDTHS:
        return 10
    return 100 if code in _COUNTED_IN_HUNDREDTHS else 1


def _example(code: str) -> str:
    return format_amount({0: 10, 2: 1_000, 3: 10_000}[_digits(code)], code).rpartition(" ")[0]
