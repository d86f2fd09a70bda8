"""The format of a key: `aig_<live|test>_` + 27 base62 characters (160 bits) + their CRC32 in 6 base62 characters.

The checksum lets a mistyped or invented key be refused without a look-up, and lets scanners tell ours from noise.
Only the SHA-256 of the whole is ever stored: against 160 random bits a slow hash adds nothing.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from enum import StrEnum

import msgspec

from core.tokens import digest_of

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_LENGTH = 27
_CHECKSUM_LENGTH = 6
_SHAPE = re.compile(r"aig_(live|test)_[0-9A-Za-z]{33}", re.ASCII)


class KeyEnvironment(StrEnum):
    LIVE = "live"
    TEST = "test"


class Token(msgspec.Struct, frozen=True):
    """A freshly made key. `secret` is shown once and kept nowhere."""

    secret: str
    digest: bytes
    start: str
    last_four: str


def issue_token(environment: KeyEnvironment) -> Token:
    return token_of(environment, secrets.randbits(8 * secrets.DEFAULT_ENTROPY))


def token_of(environment: KeyEnvironment, number: int) -> Token:
    """The key that a number of at least 160 random bits stands for; always the same."""
    head = f"aig_{environment}_{_base62(number, _BODY_LENGTH)}"
    secret = head + _checksum(head)
    return Token(secret=secret, digest=digest_of(secret), start=secret[:13], last_four=secret[-4:])


def derived_token(environment: KeyEnvironment, purpose: bytes, *, secret_key: str) -> Token:
    """A key that every process knows by the app's secret, and that none stores; another one for each purpose."""
    digest = hmac.new(secret_key.encode(), purpose, hashlib.sha256).digest()
    return token_of(environment, int.from_bytes(digest))


def is_well_formed(secret: str) -> bool:
    """Whether `secret` has our shape and its checksum fits."""
    head, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return _SHAPE.fullmatch(secret) is not None and _checksum(head) == checksum


def _checksum(head: str) -> str:
    return _base62(zlib.crc32(head.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    """Its last digits."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def without_keys(text: str) -> str:
    """The text with every secret of ours in it made unreadable; people paste them where they do not belong."""
    return _SHAPE.sub(lambda found: f"aig_{found[1]}_(removed)", text)
