"""The keys that sign bundles: programs pin the public one, and follow it to the next that it signed over to.

They are not those of the decision log, which a web process does not know. Imports no database.
"""

import base64
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from core import signing_keys
from core.settings import Settings
from core.signing_keys import id_of, public_bytes

KIND = "policy-bundle-key/1"
_PURPOSE = b"signing policy bundles"


class KeyStatement(msgspec.Struct, frozen=True, kw_only=True):
    kind: str = KIND
    public_key: str
    predecessor: str | None


_EXAMPLE = "xJIAdxxwIKZ6mbIURWnRgIQQW/841oBJ8OsgymjB5uo="
_EXAMPLE_SIGNATURE = "f4F0drJFtkZHnxlRGAtJ08EajdrEU4Yq8pSiBdEHYHsTsbW3nACwFN5tfD6L3ustjHv7ukDXfllUNd8E3P1sAQ=="
"""Of the statement below, by the key above."""


class BundleKey(msgspec.Struct, frozen=True):
    """One public key, and its statement of which was before it, signed by both."""

    id: Annotated[str, Meta(description="The first 16 digits of its SHA-256.", examples=["795580978d76939f"])]
    public_key: Annotated[
        str,
        Meta(description="Ed25519, in base64. Pin this.", examples=[_EXAMPLE]),
    ]
    statement: Annotated[
        str,
        Meta(
            description="The signed text: the key, and the ID of the previous key.",
            examples=[f'{{"kind":"policy-bundle-key/1","predecessor":null,"public_key":"{_EXAMPLE}"}}'],
        ),
    ]
    signature: Annotated[str, Meta(description="Signature by this key, in base64.", examples=[_EXAMPLE_SIGNATURE])]
    predecessor_signature: Annotated[
        str | None,
        Meta(description="Signature by the previous key, in base64, while both are in use.", examples=[None]),
    ]


class BundleKeys(msgspec.Struct, frozen=True):
    keys: Annotated[tuple[BundleKey, ...], Meta(description="The current key first.")]


def present_key(settings: Settings) -> Ed25519PrivateKey:
    return signing_keys.signing_key_of(settings.policy_signing_key, settings.secret_key, purpose=_PURPOSE)


def published(settings: Settings) -> BundleKeys:
    """The present key, and the one before while the settings have it."""
    present = present_key(settings)
    before = signing_keys.key_before(
        given=settings.policy_signing_key,
        given_before=settings.policy_signing_key_previous,
        secret_key=settings.secret_key,
        secret_key_before=settings.secret_key_previous,
        purpose=_PURPOSE,
    )
    if before is None:
        return BundleKeys((_stated(present, None),))
    return BundleKeys((_stated(present, before), _stated(before, None)))


def _stated(key: Ed25519PrivateKey, before: Ed25519PrivateKey | None) -> BundleKey:
    public = public_bytes(key)
    statement = KeyStatement(
        public_key=_base64(public), predecessor=id_of(public_bytes(before)) if before is not None else None
    )
    words = msgspec.json.encode(statement, order="sorted")
    return BundleKey(
        id=id_of(public),
        public_key=_base64(public),
        statement=words.decode(),
        signature=_base64(key.sign(words)),
        predecessor_signature=_base64(before.sign(words)) if before is not None else None,
    )


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
