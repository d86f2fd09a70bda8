"""Keys that sign what others verify (Ed25519): as the settings give them, or derived from SECRET_KEY for a purpose."""

import base64
import hashlib
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@cache
def signing_key_of(given: str | None, secret_key: str, *, purpose: bytes) -> Ed25519PrivateKey:
    if given:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(given))
    seed = HKDF(SHA256(), 32, salt=None, info=purpose).derive(secret_key.encode())
    return Ed25519PrivateKey.from_private_bytes(seed)


def key_before(
    *, given: str | None, given_before: str | None, secret_key: str, secret_key_before: str | None, purpose: bytes
) -> Ed25519PrivateKey | None:
    """The one that the present key took over from, where the settings still have it."""
    if given_before:
        return signing_key_of(given_before, "", purpose=purpose)
    if given:
        return signing_key_of(None, secret_key, purpose=purpose)
    return signing_key_of(None, secret_key_before, purpose=purpose) if secret_key_before else None


def id_of(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:16]


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def new_key() -> str:
    """A value for a setting."""
    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
