"""One thing that should be at Stripe, and how a thing differs from what it should be."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from billing.stripe_words import translated


class Part(msgspec.Struct, frozen=True):
    """`fault` says how it is not as it should be; `mend` makes it so."""

    name: str
    fault: Callable[[], str | None]
    mend: Callable[[], object]


def sync(wanted: list[Part]) -> list[str]:
    """Makes Stripe match; what was done, in words. A second run does nothing."""
    done = []
    for part in wanted:
        with translated():
            fault = part.fault()
            if fault is not None:
                part.mend()
                done.append(f"{part.name}: {fault}; mended")
    return done


def differences(wanted: list[Part]) -> list[str]:
    """What differs, in words."""
    with translated():
        return [f"{part.name}: {fault}" for part in wanted if (fault := part.fault()) is not None]


def differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Such as `interval is year, not month; tax behavior is inclusive, not exclusive`; empty if all is as wanted."""
    return "; ".join(
        f"{name.replace('_', ' ')} is {_said(found.get(name))}, not {_said(value)}"
        for name, value in wanted.items()
        if found.get(name) != value
    )


def _said(value: Any) -> str:
    return "none" if value in (None, "", []) else str(value)
