"""Making the bundle of an API key. Every process makes the same bytes, so that nothing has to be kept or shared.

Imports no database: what is signed is what decides in this process.
"""

import base64
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.bundles import signing_keys
from api.policies.bundle import Bundle, content_of
from api.policies.evaluator import CompiledPolicy
from api.snapshots.records import KeyFields
from core.ids import public_id
from core.settings import Settings
from core.signing_keys import id_of, public_bytes

SIGNED_EVERY = timedelta(hours=1)
HOLDS_FOR = timedelta(hours=24)
"""After it was signed again: so long an SDK decides while it can't reach us, and a revoked key while it never asks."""
MOST_KEPT = 2_000


class SignedBundle(msgspec.Struct, frozen=True):
    body: bytes
    signature: str


def bundle_for(
    key: KeyFields, digest: bytes, policy: CompiledPolicy, settings: Settings, *, now: datetime
) -> SignedBundle:
    """`digest` is that of the key's secret: who holds it sees that the bundle is for this key and no other."""
    signing_key = signing_keys.present_key(settings)
    return _signed(_Held(policy), _Holder(key.id, digest.hex()[:16], key.environment), signing_key, _begin_of_hour(now))


def etag_of(key: KeyFields, policy: CompiledPolicy, settings: Settings, *, now: datetime) -> str:
    """Of the bundle that would be served now, which is not made for it."""
    signing_key = id_of(public_bytes(signing_keys.present_key(settings)))
    return f'"{policy.version}-{_begin_of_hour(now):%Y%m%d%H}-{signing_key}-{key.id.hex}"'


class _Holder(msgspec.Struct, frozen=True):
    key_id: UUID
    fingerprint: str
    environment: str


class _Held:
    """A compiled policy as a key of the cache: the same object is the same policy."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.policy is self.policy

    def __hash__(self) -> int:
        return hash((self.policy.organization_id.int, self.policy.version))


@lru_cache(maxsize=MOST_KEPT)
def _signed(held: _Held, holder: _Holder, signing_key: Ed25519PrivateKey, issued_at: datetime) -> SignedBundle:
    bundle = Bundle(
        organization=public_id("org", held.policy.organization_id),
        key_id=public_id("key", holder.key_id),
        key_fingerprint=holder.fingerprint,
        environment=holder.environment,
        revision=held.policy.version,
        issued_at=issued_at,
        not_after=issued_at + SIGNED_EVERY + HOLDS_FOR,
        signing_key=id_of(public_bytes(signing_key)),
        **content_of(held.policy),
    )
    body = msgspec.json.encode(bundle)
    return SignedBundle(body, f"{bundle.signing_key}={base64.b64encode(signing_key.sign(body)).decode()}")


def _begin_of_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
