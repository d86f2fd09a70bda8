"""What is left of a password without the words that everybody knows of a person: name, address, organization.

Pure: no database, no web.
"""

import re
import unicodedata
from collections.abc import Iterable

_FEWEST_LETTERS = 3
_LOOKS_LIKE = str.maketrans("01!|34@5$7l", "oiiieaassti")
"""Signs that stand for letters; `l` is among them because `1` stands for both."""
_PARTS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+")
_LONGEST = 64


def without_own_words(password: str, own_words: Iterable[str]) -> str | None:
    """None if none of them is in it, however it is spelled, joined or separated."""
    plain = _plain(password)
    looks = plain.translate(_LOOKS_LIKE)
    is_left = [sign.isalnum() for sign in looks]
    joined = [index for index, left in enumerate(is_left) if left]
    text = "".join(looks[index] for index in joined)
    found = False
    for word in _words(own_words):
        for match in re.finditer(re.escape(word), text):
            found = True
            for index in joined[match.start() : match.end()]:
                is_left[index] = False
    return "".join(sign for sign, left in zip(plain, is_left, strict=True) if left) if found else None


def _words(texts: Iterable[str]) -> set[str]:
    words: set[str] = set()
    for text in texts:
        short = text[:_LONGEST]
        for word in (*re.findall(r"[^\W_]+", short), *_PARTS.findall(short), *re.findall(r"[^\W_]+", _plain(short))):
            looks = "".join(sign for sign in _plain(word).translate(_LOOKS_LIKE) if sign.isalnum())
            if len(looks) >= _FEWEST_LETTERS:
                words |= {looks, looks[::-1]}
    return words


def _plain(text: str) -> str:
    """In small letters without accents."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in split if not unicodedata.combining(sign))
