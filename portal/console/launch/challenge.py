"""A number used once, and what only an installation with our secret makes of it: so we know our own address."""

import hmac
from collections.abc import Sequence

from core.tokens import new_token

PATH = "/.well-known/launch-challenge/"
LONGEST = 64
_PURPOSE = b"launch challenge\0"


def new_challenge() -> str:
    return new_token()


def response_to(challenge: str, *, secret_key: str) -> str:
    return hmac.digest(secret_key.encode(), _PURPOSE + challenge.encode(), "sha256").hex()


def is_ours(response: str, challenge: str, *, secret_keys: Sequence[str]) -> bool:
    """Whether one of the keys made it: while a new one is rolled out, another process may have the one before."""
    made = [response_to(challenge, secret_key=key) for key in secret_keys]
    return any(hmac.compare_digest(response.encode(), one.encode()) for one in made)
