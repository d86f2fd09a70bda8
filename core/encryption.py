"""Sealing what the software has to read again, so that a copy of the database alone opens nothing.

Each purpose has a key of its own, derived from `SECRET_KEY`. While that is changed, what the one before sealed can
still be read, and is sealed anew.
"""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def encrypt(purpose: str, text: str, *, secret_key: str) -> bytes:
    return _box(purpose, secret_key).encrypt(text.encode())


def decrypt(purpose: str, sealed: bytes, *, secret_keys: Sequence[str]) -> str | None:
    """None if none of the keys opens it."""
    try:
        return MultiFernet([_box(purpose, key) for key in secret_keys]).decrypt(sealed).decode()
    except InvalidToken:
        return None


def encrypted_anew(purpose: str, sealed: bytes, *, secret_keys: Sequence[str]) -> bytes | None:
    """Sealed with the first key what only another opens; None where there is nothing to do, or nothing to be done."""
    if decrypt(purpose, sealed, secret_keys=secret_keys[:1]) is not None:
        return None
    text = decrypt(purpose, sealed, secret_keys=secret_keys)
    return None if text is None else encrypt(purpose, text, secret_key=secret_keys[0])


def _box(purpose: str, secret_key: str) -> Fernet:
    derived = HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
