"""What somebody may have meant by a name that is not known."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process

LONGEST_GUESS = 64
"""A longer name is no slip of the pen; comparing it would cost more than a guess is worth."""
LEAST_LIKENESS = 60.0
"""Of 100, which is the same name."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, or None if none is."""
    if len(name) > LONGEST_GUESS:
        return None
    best = process.extractOne(name, list(known), scorer=fuzz.ratio, score_cutoff=LEAST_LIKENESS)
    return str(best[0]) if best else None
