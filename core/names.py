"""Names and other single lines that people give: one normal form, which can be typed and seen. Knows no database.

Spaces at the ends are dropped and others made one; composed and decomposed letters are the same. What cannot be seen or
turns the direction of text is refused, but for the joiners that scripts and emoji need between their signs.
"""

import unicodedata

from core.errors import FieldProblem, InvalidRequest

_JOINERS = frozenset("\u200c\u200d")
_VARIATIONS = frozenset("\ufe0e\ufe0f")
_KEYCAP, _ON_KEYCAPS = "\u20e3", frozenset("0123456789#*")
_AS_EMOJI = frozenset("\u203c\u2049\u3030\u303d")
"""Signs of punctuation that are emoji too."""
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\U0001d159")
"""Letters and signs with nothing to see."""
_NO_TEXT = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})

NOTHING_TO_SEE = "Use at least one visible character."
FORBIDDEN = "Use one line without control, invisible or text-direction characters."


def normal_form(text: str) -> str:
    """What is kept of a line: NFC, with single spaces of one kind. Asks nothing else of it."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def fault_of_line(text: str) -> str | None:
    """What is wrong with a line that somebody gives; nothing is wrong with an empty one."""
    if any(_is_forbidden(text, place) for place in range(len(text))):
        return FORBIDDEN
    return NOTHING_TO_SEE if text.strip() and not any(map(_is_seen, text)) else None


def clean(text: str, *, path: str = "name") -> str:
    """The normal form. Raises InvalidRequest that names the field."""
    fault = fault_of_line(text) or (None if text.strip() else NOTHING_TO_SEE)
    if fault is not None:
        raise InvalidRequest(errors=(FieldProblem(path, "not_a_name", fault),))
    return normal_form(text)


def typable(kept: str, *, otherwise: str) -> str:
    """What somebody types to confirm that they mean it. Rows from before names were looked at may hold anything:
    of those it is what can be seen, or `otherwise` where that is nothing."""
    seen = "".join(" " if sign.isspace() else sign for place, sign in enumerate(kept) if not _is_dropped(kept, place))
    return normal_form(seen) if any(map(_is_seen, seen)) else otherwise


def is_typed(typed: str | None, kept: str, *, otherwise: str) -> bool:
    """Whether this is the name, as far as eyes and keyboards can tell."""
    return typable(typed or "", otherwise="") == typable(kept, otherwise=otherwise)


def _is_dropped(text: str, place: int) -> bool:
    return not text[place].isspace() and _is_forbidden(text, place)


def _is_forbidden(text: str, place: int) -> bool:
    sign = text[place]
    if sign in _JOINERS:
        return not _joins(text, place)
    if sign in _VARIATIONS:
        return not _varies(text, place)
    return sign in _BLANKS or unicodedata.category(sign) in _NO_TEXT or _is_selector(sign)


def _joins(text: str, place: int) -> bool:
    """Between two signs of a script or of an emoji; no keyboard puts one between Latin letters."""
    around = text[place - 1 : place] + text[place + 1 : place + 2]
    return len(around) == len("ab") and not any(sign.isascii() or sign in _JOINERS for sign in around)


def _varies(text: str, place: int) -> bool:
    """After what is a sign and an emoji; after a letter there is nothing to choose, and nothing to see."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    is_keycap = before in _ON_KEYCAPS and after == _KEYCAP
    return bool(before) and (is_keycap or before in _AS_EMOJI or unicodedata.category(before)[0] == "S")


def _is_selector(sign: str) -> bool:
    """Of a glyph's variant, for which an emoji has two that count."""
    return "\ufe00" <= sign <= "\ufe0d" or "\u180b" <= sign <= "\u180f" or "\U000e0100" <= sign <= "\U000e01ef"


def _is_seen(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LNPS" and sign not in _BLANKS and sign not in _VARIATIONS
