"""A head: its text, which is what is signed, and its signature. Knows no database.

The text is JSON with sorted names and without spaces; readers verify the bytes as they stand and write none themselves.
"""

import hashlib
from datetime import datetime
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.ids import public_id

KIND = "decision-log-head/1"
NO_HEAD = bytes(32)
"""In place of the hash of the head before the first."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """`erased`: spans of positions whose rows were erased since the head before. Positions count from 1."""

    kind: str = KIND
    organization: str
    sequence: int
    first: int
    rows: int
    total: int
    oldest: datetime | None
    newest: datetime | None
    root: str
    previous: str
    erased: tuple[tuple[int, int], ...]
    purged_before: datetime | None
    restored_at: datetime | None
    signed_at: datetime
    key: str


def name_of(organization_id: UUID) -> str:
    return public_id("org", organization_id)


def text_of(head: Head) -> str:
    return msgspec.json.encode(head, order="sorted").decode()


def read(text: str) -> Head | None:
    """None for what is no head."""
    try:
        return msgspec.json.decode(text.encode(), type=Head)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def hash_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def sign(text: str, key: Ed25519PrivateKey) -> bytes:
    return key.sign(text.encode())


def is_signed(text: str, signature: bytes, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def spans_of(positions: list[int]) -> tuple[tuple[int, int], ...]:
    """1, 2, 3, 7 as (1, 3), (7, 7)."""
    spans: list[tuple[int, int]] = []
    for position in sorted(positions):
        if spans and spans[-1][1] == position - 1:
            spans[-1] = (spans[-1][0], position)
        else:
            spans.append((position, position))
    return tuple(spans)
