"""Commitments and the Merkle tree (RFC 6962, 2.1) over them. Knows no database."""

import hashlib
from collections.abc import Sequence

SALT_BYTES = 16
ID_BYTES = 16
HASH_BYTES = 32
ERASED = bytes(SALT_BYTES)
"""In place of a salt that is gone with its row."""


def commitment_of(record: bytes, salt: bytes) -> bytes:
    """Says nothing about a record to whoever has no salt, however few values its fields may have."""
    return hashlib.sha256(salt + record).digest()


def leaf_of(decision_id: bytes, commitment: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + decision_id + commitment).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Level by level from the left; a last node without a neighbor rises as it is, which gives RFC 6962's tree."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def pieces(packed: bytes, size: int) -> list[bytes]:
    """Values of one size that stand behind each other."""
    return [packed[start : start + size] for start in range(0, len(packed), size)]
