"""How recovery codes are hashed: without `SECRET_KEY`, which changes monthly, for a code lies in a drawer for years."""

import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from argon2.low_level import Type, hash_secret_raw


def hash_code(code: str, user_id: UUID) -> bytes:
    """One hash for a look-up, so salted by the person; a code has 80 random bits, so a quick setting will do."""
    return hash_secret_raw(code.encode(), user_id.bytes, 1, 8 * 1024, 1, 32, Type.ID)


def keyed_hashes_of(code: str, *, secret_keys: Sequence[str]) -> list[bytes]:
    """As codes were hashed at first: with the key of the day."""
    return [hmac.new(key.encode(), b"recovery code " + code.encode(), hashlib.sha256).digest() for key in secret_keys]
