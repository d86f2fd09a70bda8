"""Numbers as people read them, in Markdown."""

from collections.abc import Sequence
from statistics import median


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is text, the others are numbers."""
    marks = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, marks, *rows))


def with_spread(values: Sequence[float], form: str) -> str:
    """The median and, of several, the least and the greatest: `0.62 [0.58–0.66]`."""
    middle = format(median(values), form)
    return middle if len(values) == 1 else f"{middle} [{min(values):{form}}–{max(values):{form}}]"


def ratios(values: Sequence[float], others: Sequence[float]) -> str:
    """Round by round, so that what slows the whole machine down leaves them alone."""
    return with_spread([value / other for value, other in zip(values, others, strict=True)], ".2f")
