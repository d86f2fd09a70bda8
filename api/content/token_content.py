"""Content that dresses as a token: personal numbers, encoded text, sentences without spaces, addresses that carry data.

An honest name, version, id or code passes; each kind of fact has room for what is usual in it. Imports no database.
"""

import re
from functools import lru_cache

from api.content.credentials import has_credential
from api.content.encoded_text import UUID, encoded
from api.content.personal_numbers import (
    HASH,
    has_card,
    has_iban,
    has_italian_number,
    has_national_number,
    has_phone,
    has_social_security_number,
    is_bare_phone,
)
from api.content.token_room import CODES, Room

MAX_CACHED_TOKEN = 64
MOST_SEPARATORS = 24
FEWEST_DIGITS = 6
"""No personal number has fewer."""


_DETAILS = {
    "card": "This looks like a card number. Send the type as a code, such as credit_card.",
    "iban": "This looks like an IBAN. Send the type as a code, such as iban.",
    "ssn": "This looks like a social security number. Send the type as a code, such as us_ssn.",
    "national": "This looks like a national ID number. Send the type as a code, such as national_id.",
    "phone": "This looks like a phone number. Send the type as a code, such as phone. Prefix internal codes "
    "with letters, such as CC-4711.",
    "credential": "This looks like an API key or another secret. Never send secrets. If it is in use, revoke it.",
    "email": "This looks like an email address. Send the type as a code, or use your own pseudonym.",
    "url": "This URL has a path that could carry data. Send a short name for the resource.",
    "blob": "This looks like encoded data. Send a short code.",
    "sentence": "This looks like a sentence. Send a short code, such as invoice_review.",
    "host": "Send only a host name or IP address, such as api.example.com, without scheme or path.",
}


class _Found(Exception):
    """Raised, so that what is refused never stays in the cache."""


def problem_of(token: str, room: Room) -> str | None:
    """What to send instead of this token, or None where it is honest. The token is not repeated."""
    try:
        if room.is_pseudonym or len(token) > MAX_CACHED_TOKEN:
            _look.__wrapped__(token, room)  # a pseudonym is forgotten once the request is answered
        else:
            _look(token, room)
    except _Found as found:
        return _DETAILS[str(found)]
    return None


@lru_cache(maxsize=8192)
def _look(token: str, room: Room) -> None:
    kind = _kind_of(token, room)
    if kind is not None:
        raise _Found(kind)


def _kind_of(token: str, room: Room) -> str | None:
    if room.is_host and not _is_host(token):
        return "host"
    if has_credential(token, may_be_id=room.is_opaque):
        return "credential"
    if sum(map(token.count, "._:/+-")) > MOST_SEPARATORS:
        return "sentence"
    return _personal(token, room) or _address(token, room) or encoded(token, room)


_CLUSTER = re.compile(rf"\d(?:[._:/+\-]{{0,3}}\d){{{FEWEST_DIGITS - 1}}}")


def _personal(token: str, room: Room) -> str | None:
    if sum(map(token.count, "0123456789")) < FEWEST_DIGITS:
        return None
    rest = HASH.sub("hash", UUID.sub("uuid", token))
    if has_iban(rest):
        return "iban"
    if not room.is_version and has_italian_number(rest):
        return "national"
    return _of_digits(rest, room) if _CLUSTER.search(rest) else None


def _of_digits(token: str, room: Room) -> str | None:
    if has_card(token, is_opaque=room.is_opaque):
        return "card"
    if not room.is_version and has_social_security_number(token):
        return "ssn"
    if has_phone(token, is_version=room.is_version) or (room.is_word and is_bare_phone(token)):
        return "phone"
    return None if room.is_version or not has_national_number(token) else "national"


_PROVIDERS = (
    "gmail|googlemail|outlook|hotmail|yahoo|gmx|icloud|protonmail|proton|aol|web|live|msn|mail|yandex|qq|t-online"
)
_AT_HINTS = ("at", "@", *_PROVIDERS.split("|"))
_AT = re.compile(
    rf"""
    ^mailto:
    | [a-z0-9] [._:/+\-]+ at [._:/+\-]+ [a-z0-9\-]+
      (?: (?:\.[a-z]{{2,3}})? \. (?:[a-z]{{2}}|com|org|net|edu|gov|info|io|dev|biz)
        | [._:\-]dot[._:\-][a-z]{{2,4}} | [_\-](?:com|org|net) ) $
    | [a-z0-9] [._:/+\-] at [._:/+\-] (?:{_PROVIDERS}) (?![a-z])
    | [a-z0-9] [._:/+\-]+ (?:{_PROVIDERS}) [._\-] (?:com|net|org|de|fr|co|ch|it|es|ru|me) (?![a-z0-9])
    | [a-z0-9] at (?:gmail|googlemail|hotmail|yahoo|icloud|protonmail|gmx) (?:dot|[._\-])? (?:com|net|org|de|fr|co) $
    | @ (?: (?:{_PROVIDERS}) | [a-z0-9\-]+-(?:com|org|net|de|fr|io|eu) ) $
    """,
    re.VERBOSE,
)
"""Of a token in lower case."""
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*://[^/]*/?|^www\.[^/]+/?")
LONGEST_PATH = 48
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?")
_PORT = re.compile(r"\d{1,5}")
_IPV6 = re.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}")


def _address(token: str, room: Room) -> str | None:
    lowered = token.lower()
    if not room.is_host and any(hint in lowered for hint in _AT_HINTS) and _AT.search(lowered):
        return "email"
    start = _URL.match(token)
    if start and (len(token) - start.end() > LONGEST_PATH or encoded(token[start.end() :], CODES)):
        return "url"
    return None


def _is_host(token: str) -> bool:
    if _IPV6.fullmatch(token):
        return True
    host, colon, port = token.partition(":")
    if colon and not _PORT.fullmatch(port):
        return False
    return all(map(_LABEL.fullmatch, host.removesuffix(".").split(".")))
