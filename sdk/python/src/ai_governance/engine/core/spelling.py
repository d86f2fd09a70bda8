# Made from core/spelling.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""What somebody may have meant by a name that is not known, by the standard library."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_GUESS = 64
"""A longer name is no slip of the pen; comparing it would cost more than a guess is worth."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, or None if none is."""
    if len(name) > LONGEST_GUESS:
        return None
    return next(iter(get_close_matches(name, list(known), n=1)), None)
