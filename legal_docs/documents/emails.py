"""Which letters the documents can be printed in. The fonts know Latin, Greek and Cyrillic ones, from left to right."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFont

FONTS = Path(__file__).parents[1] / "fonts"
FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
ADVICE = (
    "Use Latin, Greek or Cyrillic letters, because the documents are printed in them. Write names as in a passport or"
    " an English register extract."
)
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_SHAPED = frozenset({"Mn", "Mc", "Me", "Cf"})
"""Signs that join others; the printer sets one beside the other."""
_OF_NOBODY = frozenset({"Cc", "Cn", "Co", "Cs"})
"""Signs without a meaning that everybody knows; a font may have a shape for them all the same."""
_LAST_THAT_IS_COPIED = 0xFFFF
"""Whoever copies a later one out of the printed document gets other signs."""


def is_printable(text: str) -> bool:
    """Whether it stands in a document as it was written."""
    return not any(map(_is_foreign, unicodedata.normalize("NFC", text)))


def spelled_out(text: str) -> str:
    """With a number in the place of each letter that has no shape: it can be looked up, and is not lost in silence."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(sign if _has_shape(sign) else f"[U+{ord(sign):04X}]" for sign in composed)


@lru_cache(maxsize=4_096)
def _is_foreign(sign: str) -> bool:
    is_turned = unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT
    is_of_others = unicodedata.category(sign) in _SHAPED | _OF_NOBODY and not sign.isspace()
    return is_turned or is_of_others or not _has_shape(sign)


def _has_shape(sign: str) -> bool:
    if ord(sign) > _LAST_THAT_IS_COPIED:
        return False
    return sign.isspace() or all(ord(sign) in glyphs for glyphs in _glyphs())


@lru_cache(maxsize=1)
def _glyphs() -> tuple[Mapping[int, int], ...]:
    return tuple(TTFont(name, FONTS / f"{name}.ttf").face.charToGlyph for name in (FONT, BOLD))
