# Made from api/content/encoded_text.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""Text that is encoded or joined until it fits into a token: base64, base32, hexadecimal, words without spaces."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from ai_governance.engine.api.content.token_room import Room

SHORTEST, SHORTEST_BASE32, SHORTEST_HEX = 12, 16, 16
"""Of what is looked at; anything shorter says little."""
UUID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE)
_SPLIT = re.compile(r"[._:/+@\-]+")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_SEGMENTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_HASH_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})
LONGEST_WORD = 40
MOST_OF_A_WORD = 2.6
"""Characters of one case in a row: words have more on average, encoded data has fewer."""

MOST_LONE_LETTERS = 8
SHORTEST_MEAN = 3
"""Letters of a word, on the average of a sentence in camel case; an id has fewer."""
FEWEST_WORDS, FEW_WORDS = 3, 4
"""Of a sentence that is told from a code; of one with so few words a little less says as much."""
_FLAGS = frozenset({"is", "are", "has", "have", "had", "was", "were", "needs", "ist", "sind"})
"""First in a name of few words, they ask whether something is so."""
_GIVEN_NAMES = (
    "john james robert michael william david richard joseph thomas charles daniel matthew andrew kevin brian peter "
    "bob jim mike tom mary anna maria linda susan sarah emily emma laura julia jennifer elizabeth karen nancy lisa "
    "hans klaus wolfgang stefan andreas juergen sabine petra monika pierre marie claire luis carlos jose ana ahmed "
    "mohammed fatima priya ravi"
)
_IN_NAMES = frozenset(
    {*_GIVEN_NAMES.split(), "now", "my", "our", "me", "la", "le", "el", "i", "a", "an", "das", "der", "die", "nous"}
)
_MODEL_FACTOR = 4
"""Names of models have many parts, but hardly ever a verb."""
_WEIGHTS = {
    **dict.fromkeys(_GIVEN_NAMES.split(), 2),
    **dict.fromkeys(("today", "tomorrow", "yesterday", "now", "heute", "morgen", "gestern"), 2),
    **dict.fromkeys(("i", "a", "who"), 2),
    **dict.fromkeys(("an", "the", "my", "our", "me", "you", "please", "this", "that", "will", "why"), 3),
    **dict.fromkeys(("die", "und", "la", "le", "el", "por", "para", "nous"), 3),
    **dict.fromkeys(("is", "are", "not", "wants", "needs", "says", "about", "der", "das"), 4),
    **dict.fromkeys(
        ("has", "have", "had", "was", "were", "his", "her", "he", "she", "they", "their", "him", "them"), 5
    ),
    **dict.fromkeys(("ich", "ist", "sind", "haben", "wurde", "mein", "meine", "seine", "ihre", "bitte", "nicht"), 5),
    **dict.fromkeys(("je", "vous", "elle", "sont", "avec", "tiene"), 5),
}
"""How much a word tells a sentence from a code."""


def encoded(token: str, room: Room) -> str | None:
    if any(_text_of(match.group().replace("-", ""), room) for match in UUID.finditer(token)):
        return "blob"
    plain = UUID.sub("", token)
    pieces = [piece for piece in _SPLIT.split(plain) if piece]
    longest = max(map(len, pieces), default=0)
    if longest >= SHORTEST and any(_is_blob(piece, room) for piece in pieces if len(piece) >= SHORTEST):
        return "blob"
    if len(plain) >= SHORTEST and _has_hidden_text(plain, room):
        return "blob"
    if not room.is_pseudonym and len(plain) >= SHORTEST and _is_sentence(pieces, room):
        return "sentence"
    return None


def _is_blob(piece: str, room: Room) -> bool:
    if _text_of(piece, room):
        return True
    if room.is_pseudonym:
        return False
    if piece.isalpha() and (piece.islower() or piece.isupper() or piece.istitle()):
        return len(piece) > LONGEST_WORD
    if _HEX.fullmatch(piece) and len(piece) in _HASH_LENGTHS:
        return not (room.is_opaque or room.is_model)
    if piece.isdigit():
        return len(piece) >= max(room.run, 24)
    segments = len(_SEGMENTS.findall(piece))
    return len(piece) >= room.run and (len(piece) / segments < MOST_OF_A_WORD or len(piece) > LONGEST_WORD)


def _has_hidden_text(token: str, room: Room) -> bool:
    """Base64 whose own characters are separators elsewhere."""
    if not any(mark in token for mark in "+/-_"):
        return False
    return any(bool(_text_of(part, room)) for part in re.split("[.:@]+", token) if len(part) >= SHORTEST)


def _text_of(piece: str, room: Room) -> str | None:
    return next((text for text in _decoded(piece) if _is_text(text, room)), None)


def _is_text(text: str, room: Room) -> bool:
    if room.is_opaque:
        return any(character in text for character in " @{")  # an id may well be made of a kind and a number
    return True


def _decoded(piece: str) -> Iterator[str]:
    """What the piece says as hex, base64 or base32, where it says anything."""
    if len(piece) % 2 == 0 and len(piece) >= SHORTEST_HEX and not piece.isdigit() and _HEX.fullmatch(piece):
        yield from filter(None, [_readable(bytes.fromhex(piece))])
    has_both_cases = not (piece.islower() or piece.isupper())
    if has_both_cases and len(piece) % 4 != 1:
        yield from _by(base64.b64decode, piece.replace("-", "+").replace("_", "/"), 4)
    if piece.isupper() and len(piece) >= SHORTEST_BASE32:
        yield from _by(base64.b32decode, piece, 8)


def _by(decode: Callable[[str], bytes], piece: str, block: int) -> Iterator[str]:
    try:
        text = _readable(decode(piece + "=" * (-len(piece) % block)))
    except binascii.Error:
        return
    if text:
        yield text


def _readable(raw: bytes) -> str | None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    letters = sum(character.isalnum() or character in " .,@_-" for character in text)
    return text if text.isprintable() and letters >= 0.8 * len(text) else None


def _words_of(piece: str) -> list[str]:
    words = _WORDS.findall(piece) if piece.isalpha() else []
    return words if len(words) * SHORTEST_MEAN <= len(piece) and words else [piece]


def _is_sentence(pieces: list[str], room: Room) -> bool:
    is_split = not room.is_model or len(pieces) == 1  # TheBloke is a name
    words = [word for piece in pieces for word in (_words_of(piece) if is_split else [piece])]
    if len(words) < FEWEST_WORDS:
        return False
    if sum(len(word) == 1 and word.isalpha() for word in words) >= MOST_LONE_LETTERS:
        return True
    is_short = len(words) <= FEW_WORDS
    telling = words[1:] if is_short and words[0].lower() in _FLAGS else words
    weight = 0 if room.is_host else sum(_WEIGHTS.get(word.lower(), 0) for word in telling)
    if room.is_model:
        weight = _MODEL_FACTOR * sum(_WEIGHTS.get(word.lower(), 0) for word in words if word.lower() not in _IN_NAMES)
    return len(words) + weight >= room.words - is_short
