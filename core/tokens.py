"""Secrets that are given out once, of which only the hash is kept: sessions, links in mails, API keys."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits, as letters that may stand in an address."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """SHA-256. A slow hash would add nothing: nobody can guess so many random bits."""
    return hashlib.sha256(secret.encode()).digest()
