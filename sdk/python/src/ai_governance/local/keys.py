"""Which keys may sign policies: those that the program pins, and those that they signed over to."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ai_governance.errors import ConfigurationError

Keys = Mapping[str, Ed25519PublicKey]
KIND = "policy-bundle-key/1"
MOST_PUBLISHED = 16


def pinned(public_keys: Sequence[str]) -> Keys:
    """By id. Raises ConfigurationError."""
    try:
        return {id_of(raw): Ed25519PublicKey.from_public_bytes(raw) for raw in map(base64.b64decode, public_keys)}
    except ValueError as error:
        raise ConfigurationError("bundle_keys has to list Ed25519 public keys in base64") from error


def followed(trusted: Keys, published: Any) -> Keys:
    """Those that are trusted, with those that one of them signed over to."""
    found = dict(trusted)
    entries = published["keys"][:MOST_PUBLISHED]
    for _ in entries:
        for entry in entries:
            stated = json.loads(entry["statement"])
            before = found.get(stated["predecessor"] or "")
            raw = base64.b64decode(entry["public_key"])
            is_same = stated["kind"] == KIND and stated["public_key"] == entry["public_key"]
            if before and is_same and is_signed(before, entry["predecessor_signature"], entry["statement"].encode()):
                found.setdefault(id_of(raw), Ed25519PublicKey.from_public_bytes(raw))
    return found


def is_signed(key: Ed25519PublicKey, signature: str | None, body: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature or ""), body)
    except (InvalidSignature, ValueError):
        return False
    return True


def id_of(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:16]
