"""What a check says. Imports no database."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from core.settings import Settings


class Verdict(msgspec.Struct, frozen=True):
    """Green or red, what was seen, and, where it is red, what to do."""

    is_green: bool
    seen: str
    to_do: str = ""


class CheckContext(msgspec.Struct, frozen=True):
    """What a check may look at beside the database, in the system's scope."""

    settings: Settings
    now: datetime


CheckFunction = Callable[[CheckContext], Verdict]


def green(seen: str) -> Verdict:
    return Verdict(is_green=True, seen=seen)


def red(seen: str, *, to_do: str) -> Verdict:
    return Verdict(is_green=False, seen=seen, to_do=to_do)


def either(is_green: bool, seen: str, *, otherwise: str, to_do: str) -> Verdict:
    return green(seen) if is_green else red(otherwise, to_do=to_do)
