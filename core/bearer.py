"""Tokens of our own settings, as machines send them: `Authorization: Bearer …` (RFC 6750), and no other way."""

import hmac
from collections.abc import Iterable


def bears(authorization: str | None, tokens: Iterable[str | None]) -> bool:
    """Whether one of the tokens that are set was sent. The scheme is written in any letters (RFC 9110)."""
    scheme, _, given = (authorization or "").strip().partition(" ")
    is_bearer, sent = scheme.lower() == "bearer", given.strip().encode("utf-8", "surrogateescape")
    fits = [hmac.compare_digest(sent, token.encode()) for token in tokens if token]
    return is_bearer and any(fits)
