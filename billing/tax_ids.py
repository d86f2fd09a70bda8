"""The kinds of tax ids that Stripe knows, by the names it has for them: all that its SDK lists."""

from typing import Any, Literal, get_args, get_origin

from babel import Locale
from stripe.params import CustomerCreateTaxIdParams

_REGIONS = {"eu": "European Union"}
_TERRITORIES = Locale("en").territories

OF_VALUE_ADDED_TAX = frozenset({"eu_vat", "eu_oss_vat", "gb_vat", "no_vat", "no_voec", "ch_vat", "ch_uid", "li_vat"})
"""Where the one who buys a service from abroad may owe the tax on it."""


def _literals(hint: Any) -> frozenset[str]:
    if get_origin(hint) is Literal:
        return frozenset(get_args(hint))
    return frozenset().union(*map(_literals, get_args(hint)))


def _label(kind: str) -> str:
    """Such as `Norway: VAT (no_vat)`."""
    region, _, name = kind.partition("_")
    place = _REGIONS.get(region) or _TERRITORIES.get(region.upper(), region.upper())
    return f"{place}: {name.replace('_', ' ').upper()} ({kind})"


TAX_IDS: dict[str, str] = dict(
    sorted(
        ((kind, _label(kind)) for kind in _literals(CustomerCreateTaxIdParams.__annotations__["type"])),
        key=lambda one: one[1],
    )
)
