"""What somebody may have meant by a condition that is no CEL: where it goes wrong, why, and what to write instead.

The engine says at which character it gave up. Mostly that is a habit from another language, which has a name here.
Imports no database.
"""

import re
from typing import NamedTuple


class Hint(NamedTuple):
    place: int
    advice: str


_UNDERLYING = re.compile(r"ERROR: <input>:(\d+):(\d+)")
_TEXT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|//[^\n]*")
_NOT_IN = "Did you mean !(… in […])?"
_HABITS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (r"[“”„‟«»‘’‚‛]", 'Use straight quotes, such as "hr".'),
        (r"!==", "!== does not exist. Did you mean !=?"),
        (r"===", "=== does not exist. Did you mean ==?"),
        (r"=~", "Regular expressions can't be used. Use startsWith, endsWith or contains."),
        (r"=<", "=< does not exist. Did you mean <=?"),
        (r"=>", "=> does not exist. Did you mean >=?"),
        (r"(?<![=!<>])=(?![=~<>])", "A single = does not compare. Did you mean ==?"),
        (r"<>", "<> does not exist. Did you mean !=?"),
        (r"(?<!&)&(?!&)", "A single & does not join conditions. Did you mean &&?"),
        (r"(?<!\|)\|(?!\|)", "A single | does not join conditions. Did you mean ||?"),
        (r"\bnot\s+in\b|!\s*in\b", _NOT_IN),
        (r"\bis\s+not\b", "Did you mean !=?"),
        (r"(?<=\s)(?:is|eq|equals)\b(?=\s)", "Did you mean ==?"),
        (r"\band\b", "Did you mean &&?"),
        (r"\bor\b", "Did you mean ||?"),
        (r"\bnot\b", "Did you mean !?"),
        (r"(?<=\s)(?:like|contains|includes)\b(?!\s*\()", 'Did you mean .contains("…")?'),
        (r"(?<=\s)(?:starts\s*with|begins\s+with)\b(?!\s*\()", 'Did you mean .startsWith("…")?'),
        (r"(?<=\s)(?:ends\s*with)\b(?!\s*\()", 'Did you mean .endsWith("…")?'),
        (r";", "Remove the semicolon."),
        (r"(?<![\w.])\d[\d.]*[km]\b", "Write numbers as digits, such as 10000."),
        (r"(?:==|!=|<=|>=|<|>|&&|\|\||\bin)\s*$", "Nothing follows this."),
        (r"^\s*(?:==|!=|<=|>=|<|>|&&|\|\||in\b)", "Nothing comes before this."),
    )
)
_PAIRS = {")": "(", "]": "["}


def not_valid(condition: str, said: str) -> str:
    """The refusal of a condition of which the engine `said` that it does not parse."""
    place, advice = _hint_of(condition) or Hint(_place_of(condition, said), "This does not belong in a condition.")
    return f"The condition is not valid at {whereabouts(condition, place)}. {advice}"


def bare(condition: str) -> str:
    """Of the same length, without what stands in quotes and comments."""
    return _TEXT.sub(lambda found: "_" * len(found[0]), condition)


def whereabouts(condition: str, place: int) -> str:
    """As people count: from one, and by lines only where there are several."""
    line = condition.count("\n", 0, place)
    character = place - (condition.rfind("\n", 0, place) + 1) + 1
    return f"line {line + 1}, character {character}" if "\n" in condition.strip() else f"character {character}"


def _hint_of(condition: str) -> Hint | None:
    """The first thing that is wrong, of those that have a name."""
    text = bare(condition)
    hints = [Hint(found.start(), advice) for pattern, advice in _HABITS if (found := pattern.search(text))]
    hints += [hint for hint in (_open_quote(text), _bracket(text)) if hint is not None]
    return min(hints, default=None)


def _open_quote(text: str) -> Hint | None:
    place = re.search(r"[\"']", text)
    return Hint(place.start(), "This text has no closing quote.") if place else None


def _bracket(text: str) -> Hint | None:
    opened: list[tuple[str, int]] = []
    for place, character in enumerate(text):
        if character in "([":
            opened.append((character, place))
        elif character in ")]" and (not opened or opened.pop()[0] != _PAIRS[character]):
            return Hint(place, f"Nothing opens this {character}.")
    return Hint(opened[0][1], f"Nothing closes this {opened[0][0]}.") if opened else None


def _place_of(condition: str, said: str) -> int:
    found = _UNDERLYING.search(said)
    if found is None:
        return 0
    lines = condition.split("\n")
    before = sum(len(line) + 1 for line in lines[: int(found[1]) - 1])
    return min(before + int(found[2]) - 1, max(len(condition) - 1, 0))
