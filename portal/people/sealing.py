"""How second factors are kept: secrets of apps sealed with SECRET_KEY, recovery codes hashed without it.

A key is changed every month, and a recovery code lies in a drawer for years, so it must not depend on one.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from argon2.low_level import Type, hash_secret_raw
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def seal(secret: str, *, secret_key: str) -> bytes:
    return _box(secret_key).encrypt(secret.encode())


def unseal(sealed: bytes, *, secret_keys: Sequence[str]) -> str | None:
    """None if none of the keys opens it."""
    try:
        return MultiFernet([_box(key) for key in secret_keys]).decrypt(sealed).decode()
    except InvalidToken:
        return None


def hash_code(code: str, user_id: UUID) -> bytes:
    """One hash for a look-up, so salted by the person; a code has 80 random bits, so a quick setting will do."""
    return hash_secret_raw(code.encode(), user_id.bytes, 1, 8 * 1024, 1, 32, Type.ID)


def keyed_hashes_of(code: str, *, secret_keys: Sequence[str]) -> list[bytes]:
    """As codes were hashed at first: with the key of the day."""
    return [hmac.new(key.encode(), b"recovery code " + code.encode(), hashlib.sha256).digest() for key in secret_keys]


def _box(secret_key: str) -> Fernet:
    derived = HKDF(SHA256(), 32, salt=None, info=b"second factor").derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
