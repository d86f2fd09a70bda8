"""Sealing what the software has to read again, so that a copy of the database alone opens nothing."""

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def seal_for(purpose: str, *, secret_key: str) -> Fernet:
    """Each purpose has a key of its own, derived from the one secret of the installation."""
    derived = HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
