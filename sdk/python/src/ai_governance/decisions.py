"""What the service answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ai_governance.errors import ApiError, BlockedError

SERVICE, SDK = "service", "sdk"
SERVICE_UNAVAILABLE = "service_unavailable"


@dataclass(frozen=True)
class CheckRequest:
    """One check: what is to be done, as facts. Content has no place in it."""

    model: str
    operation: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None

    def to_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "operation": self.operation, "metadata": dict(self.metadata)}
        if self.subject is not None:
            body["subject"] = self.subject
        return body


@dataclass(frozen=True)
class Reason:
    """One reason, with its points and how to fix it."""

    code: str
    policy: str
    points: int
    blocks: bool
    message: str
    fix: str
    fail_mode: str | None = None
    """"on_missing" or "on_error" where nobody knows whether the rule applies, and its fail mode decided."""

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Reason:
        return cls(**{name: given[name] for name in cls.__dataclass_fields__ if name != "fail_mode" or name in given})


@dataclass(frozen=True)
class Decision:
    """Whether the operation may go ahead.

    `decided_by` is "service", or "sdk" where the service could not be reached: then `decision_id`, `risk_score` and
    `policy_version` are None until the decision is reconciled under `client_decision_id`.
    """

    allowed: bool
    reason: str
    decided_by: str
    client_decision_id: str
    reasons: tuple[Reason, ...] = ()
    risk_score: int | None = None
    decision_id: str | None = None
    request_id: str | None = None
    policy_version: int | None = None
    max_risk_score: int | None = None
    environment: str | None = None
    decided_at: str | None = None
    shadow: tuple[Mapping[str, Any], ...] = ()
    derivation: Mapping[str, Any] | None = None
    would_pass: Mapping[str, Any] | None = None
    on_unreachable: str | None = None
    """What the policies declare for the operation while the service can't be reached."""
    is_replayed: bool = False
    is_spooled: bool = False
    unavailable_because: str | None = None

    @property
    def fixes(self) -> tuple[str, ...]:
        """What would change the answer."""
        return tuple(reason.fix for reason in self.reasons if reason.fix)

    def raise_if_blocked(self) -> Decision:
        """Gives back itself. Raises BlockedError where the operation must not go ahead."""
        if not self.allowed:
            raise BlockedError(self)
        return self

    @classmethod
    def from_json(cls, given: Mapping[str, Any], *, client_decision_id: str, is_replayed: bool = False) -> Decision:
        """Raises KeyError or TypeError where the answer is not one."""
        if not isinstance(given["allowed"], bool):
            raise TypeError("allowed is not a boolean")
        return cls(
            allowed=given["allowed"],
            reason=given["reason"],
            decided_by=SERVICE,
            client_decision_id=client_decision_id,
            reasons=tuple(map(Reason.from_json, given["reasons"])),
            risk_score=given["risk_score"],
            decision_id=given["decision_id"],
            request_id=given["request_id"],
            policy_version=given["policy_version"],
            max_risk_score=given["max_risk_score"],
            environment=given["environment"],
            decided_at=given["decided_at"],
            shadow=tuple(given.get("shadow") or ()),
            derivation=given.get("derivation"),
            would_pass=given.get("would_pass"),
            on_unreachable=given.get("on_unreachable"),
            is_replayed=is_replayed,
        )


@dataclass(frozen=True)
class BatchResult:
    """One of a batch: its decision, or the error for which there is none."""

    decision: Decision | None = None
    error: ApiError | None = None

    def unwrap(self) -> Decision:
        """The decision. Raises the error in its place."""
        if self.decision is not None:
            return self.decision
        raise self.error or RuntimeError("a result without a decision or an error")


@dataclass(frozen=True)
class DecisionRecord:
    """One decision of the decision log. `decided_by` is "sdk" for one that was reconciled; `sdk` then says what the
    SDK had decided."""

    decision_id: str
    decided_at: str
    environment: str
    key_id: str
    model: str
    operation: str
    metadata: Mapping[str, Any]
    subject_hash: str | None
    risk_score: int
    allowed: bool
    reason: str
    reasons: tuple[Reason, ...]
    policy_version: int
    latency_us: int
    request_id: str
    shadow: tuple[Mapping[str, Any], ...] = ()
    derivation: Mapping[str, Any] | None = None
    decided_by: str = SERVICE
    sdk: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> DecisionRecord:
        known = {name: given[name] for name in cls.__dataclass_fields__ if name in given}
        known["reasons"] = tuple(map(Reason.from_json, given["reasons"]))
        return cls(**{**known, "shadow": tuple(given.get("shadow") or ())})


@dataclass(frozen=True)
class ApiKey:
    """An API key as the service shows it; `secret` only where it was just created."""

    id: str
    name: str
    environment: str
    scopes: tuple[str, ...]
    details: Mapping[str, Any]
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def from_json(cls, given: Mapping[str, Any], *, secret: str | None = None) -> ApiKey:
        return cls(
            id=given["id"],
            name=given["name"],
            environment=given["environment"],
            scopes=tuple(given["scopes"]),
            details=given,
            secret=secret,
        )


@dataclass(frozen=True)
class Policies:
    """All policies of the organization at one version."""

    version: int
    values: Mapping[str, Any]
    details: Mapping[str, Any]

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Policies:
        values = {policy["key"]: policy["value"] for policy in given["policies"]}
        return cls(version=given["version"], values=values, details=given)


@dataclass(frozen=True)
class PolicyDraft:
    """Policies that have no effect until they are published."""

    id: str
    name: str
    status: str
    revision: int
    base_version: int
    values: Mapping[str, Any]
    details: Mapping[str, Any]

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> PolicyDraft:
        return cls(
            id=given["id"],
            name=given["name"],
            status=given["status"],
            revision=given["revision"],
            base_version=given["base_version"],
            values=given["policies"],
            details=given,
        )
