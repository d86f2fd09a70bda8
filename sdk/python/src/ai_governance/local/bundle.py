"""A bundle of signed policies: verified, and for how long it may decide."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from ai_governance.engine.api.policies.bundle import CLOCKS_DIFFER_S, Bundle, ForTheService, policy_from
from ai_governance.engine.api.policies.evaluator import CompiledPolicy
from ai_governance.engine.api.policies.trees import Beyond
from ai_governance.engine.core.clock import monotonic_s, unix_ms
from ai_governance.local.keys import Keys, is_signed

_NOBODY = UUID(int=0)


class Refused(Exception):
    """Why a bundle can't be used."""


class UnknownKey(Refused):
    """It is signed by a key that is not trusted, or not yet."""


@dataclass(frozen=True)
class Held:
    """A bundle that was verified. `policy` is None where only the service can decide, for the reason `why_not`."""

    bundle: Bundle
    bucket_key: str
    policy: CompiledPolicy | None
    why_not: str
    not_before_s: float
    not_after_s: float
    holds_until_s: float
    """On the clock that never goes back."""

    def fault_of_time(self) -> str | None:
        now_s = unix_ms() / 1000
        if now_s < self.not_before_s:
            return "the clock of this machine is wrong"
        if now_s > self.not_after_s or monotonic_s() > self.holds_until_s:
            return "the policies have expired"
        return None

    def is_older_than(self, other: Held) -> bool:
        return (self.bundle.revision, self.bundle.issued_at) < (other.bundle.revision, other.bundle.issued_at)


def verified(body: bytes, signature: str, keys: Keys, *, fingerprint: str) -> Held:
    """Raises Refused, or UnknownKey where the keys that are published may help. Nothing is read that is not signed."""
    key_id, _, signed = signature.partition("=")
    key = keys.get(key_id)
    if key is None:
        raise UnknownKey("it is signed by an unknown key")
    if not is_signed(key, signed, body):
        raise Refused("its signature is wrong")
    try:
        bundle = msgspec.json.decode(body, type=Bundle)
    except msgspec.MsgspecError as error:
        raise Refused("it is of a newer format: update ai-governance-client") from error
    if bundle.key_fingerprint != fingerprint:
        raise Refused("it is for another API key")
    policy, why_not = _policy_of(bundle)
    not_after_s = bundle.not_after.timestamp()
    held = Held(
        bundle=bundle,
        bucket_key=bundle.key_id.removeprefix("key_"),
        policy=policy,
        why_not=why_not,
        not_before_s=bundle.issued_at.timestamp() - CLOCKS_DIFFER_S,
        not_after_s=not_after_s,
        holds_until_s=monotonic_s() + max(0.0, not_after_s - unix_ms() / 1000),
    )
    if fault := held.fault_of_time():
        raise Refused(fault)
    return held


def _policy_of(bundle: Bundle) -> tuple[CompiledPolicy | None, str]:
    try:
        return policy_from(bundle, _NOBODY), ""
    except ForTheService as error:
        return None, str(error)
    except (msgspec.ValidationError, Beyond, KeyError):
        return None, "the policies are newer than this client: update ai-governance-client"
