"""Decisions that an SDK made in our place: decided again by us, and in the log with both outcomes.

It could not reach us, and they are decided by the policies in force; or it decided by a signed bundle, and they are
decided by the policies of that revision, by which there can be no difference.

The SDK names each by a UUID version 7, whose time is when it decided. Ours has the same time, and an id worked out from
that name, so the log's own uniqueness keeps one row however often it is sent. Where the check did reach us, and only
our answer was lost, that decision stands, and none is added.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.authentication import Caller
from api.checks import idempotency, service
from api.checks.reading import Reader
from api.checks.schema import CheckRequest
from api.policies.compiled_rules import ConditionRefused
from api.policies.compiling import compile_policy
from api.policies.evaluator import CompiledPolicy
from api.policies.services import find_version
from api.recording.idempotency import Holder, Keyed, KeyedRecorder
from api.strict_json import MAX_NAMED_IN_BATCH
from api.vocabulary import MAX_BATCH
from core import audit
from core.clock import monotonic_s
from core.errors import AppError, FieldProblem, InvalidRequest, NotFound, Problem, fault_of
from core.ids import derived_uuid, first_uuid_at, public_id
from core.observability import LOCAL_DECISIONS, SDK_DECISIONS
from core.patterns import whole
from core.sample_ids import CLIENT_ID, DECISION_ID, REQUEST_ID

LATEST = timedelta(days=7)
AHEAD = timedelta(minutes=5)
MOST_POLICIES_KEPT = 256
_UUID_7 = whole("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_OF_THE_CHECK = frozenset(CheckRequest.__struct_fields__)


class UnavailableMode(StrEnum):
    """By what the SDK decided in our place."""

    BLOCK = "block"
    ALLOW_AND_REPORT = "allow_and_report"
    CUSTOM = "custom"
    LOCAL = "local"
    """It could have asked, and decided by a signed bundle of the policies."""


_LOCAL = UnavailableMode.LOCAL


class SdkDecision(CheckRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A check as it would have been sent, and what the SDK decided in our place."""

    id: Annotated[
        str,
        Meta(
            pattern=_UUID_7,
            description="Your ID for the decision: a version 7 UUID created when it was made, at most 7 days ago.",
            examples=[CLIENT_ID],
        ),
    ]
    allowed: Annotated[bool, Meta(description="What the SDK decided.", examples=[False])]
    mode: Annotated[
        UnavailableMode, Meta(description="The on_unavailable setting that decided, or local.", examples=["local"])
    ]
    sent_under: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=255,
                description="The Idempotency-Key of the check, if it differs from id.",
                examples=["order-4711"],
            ),
        ]
        | None
    ) = None
    policy_version: (
        Annotated[int, Meta(ge=1, description="For local: the policy version that decided.", examples=[7])] | None
    ) = None
    position: Annotated[int, Meta(ge=0, lt=MAX_BATCH, description="Which check of a batch it was.", examples=[0])] = 0


class Reconciliation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    decisions: Annotated[
        tuple[SdkDecision, ...],
        Meta(min_length=1, max_length=MAX_BATCH, description="Decisions that were made without the service."),
    ]


class ReconciledItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one: the decision in the log, or the `problem` for which there is none."""

    status: Annotated[int, Meta(description="200, or the status of the problem.", examples=[200])]
    id: Annotated[str | None, Meta(description="Your ID for the decision.", examples=[CLIENT_ID])] = None
    decision_id: Annotated[str | None, Meta(description="The decision in the log.", examples=[DECISION_ID])] = None
    decided_by: Annotated[
        str | None,
        Meta(description="sdk, or service if your check had arrived and only the response was lost.", examples=["sdk"]),
    ] = None
    allowed: Annotated[bool | None, Meta(description="What your policies decide.", examples=[False])] = None
    agrees: Annotated[bool | None, Meta(description="Whether the SDK decided the same.", examples=[True])] = None
    problem: Annotated[Problem | None, Meta(description="Why there is no decision.", examples=[None])] = None


class ReconciliationAnswer(msgspec.Struct, frozen=True):
    """Results in the order sent."""

    results: Annotated[tuple[ReconciledItem, ...], Meta(description="One result per decision, in the order sent.")]
    request_id: Annotated[str, Meta(description="Quote it when you contact support.", examples=[REQUEST_ID])]


class Reconciled(msgspec.Struct, frozen=True):
    items: tuple[ReconciledItem, ...]
    local: frozenset[int]
    """Those that were decided by a bundle, by their index."""


class _Proposed(msgspec.Struct, frozen=True):
    given: SdkDecision
    decided: service.Decided
    keyed: Keyed


def items_of(parsed: Any) -> list[Any]:
    """Raises InvalidRequest."""
    items = parsed.get("decisions") if isinstance(parsed, dict) and set(parsed) == {"decisions"} else None
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_BATCH:
        detail = f"Send an object with decisions, a list of 1 to {MAX_BATCH}."
        raise InvalidRequest(errors=(FieldProblem("decisions", "invalid_value", detail),))
    return items


def reconcile(
    items: Sequence[Any],
    refusals: dict[int, AppError],
    *,
    caller: Caller,
    reader: Reader,
    recorder: KeyedRecorder,
    base_url: str,
    now: datetime,
) -> Reconciled:
    """Puts each on record that is not yet. Raises DecisionNotRecorded; then all may be sent again."""
    proposed: dict[int, _Proposed] = {}
    for index, item in enumerate(items):
        if index not in refusals:
            try:
                proposed[index] = _propose(item, caller=caller, reader=reader, now=now)
            except AppError as refusal:
                refusals[index] = refusal
    holders = recorder.record([one.keyed for one in proposed.values()]) if proposed else {}
    results = {index: _result(one, holders[one.keyed.key_digest]) for index, one in proposed.items()}
    for index, refused in refusals.items():
        problem = refused.problem(request_id=caller.request_id, base_url=base_url)
        results[index] = ReconciledItem(status=problem.status, problem=problem)
    local = frozenset(index for index, one in proposed.items() if one.given.mode is UnavailableMode.LOCAL)
    return Reconciled(tuple(results[index] for index in range(len(items))), local)


def note(reconciled: Reconciled, *, caller: Caller, now: datetime) -> None:
    """On the audit log: how many were decided without us, and how often we differ.

    Of those that a bundle decided, as many as checks are, only a difference is told: there must not be any.
    """
    local = [reconciled.items[index].agrees for index in reconciled.local]
    LOCAL_DECISIONS.labels("same").inc(local.count(True))
    LOCAL_DECISIONS.labels("different").inc(local.count(False))
    others = [one.agrees for index, one in enumerate(reconciled.items) if index not in reconciled.local]
    settled = [agrees for agrees in others if agrees is not None] + [False] * local.count(False)
    if not settled:
        return
    SDK_DECISIONS.labels("same").inc(settled.count(True))
    SDK_DECISIONS.labels("different").inc(settled.count(False))
    counted = {
        "decisions": len(settled),
        "different": settled.count(False),
        "agreement": "same" if all(settled) else "differs",
    }
    audit.write(caller.organization.id, "decisions.reconciled", by=caller.actor, now=now, after=counted)


def _propose(item: Any, *, caller: Caller, reader: Reader, now: datetime) -> _Proposed:
    check = {name: value for name, value in item.items() if name in _OF_THE_CHECK} if isinstance(item, dict) else item
    policy = _policy_of(item, caller)
    question = reader.read_parsed(check, policy, most_named=MAX_NAMED_IN_BATCH)
    try:
        given = msgspec.convert(item, SdkDecision)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=(fault_of(error),)) from error
    earliest, latest = first_uuid_at(now - LATEST), first_uuid_at(now + AHEAD)
    if not earliest <= UUID(given.id) <= latest:
        detail = f"Its time is more than {LATEST.days} days ago, or in the future. Check the clock of the machine."
        raise InvalidRequest(errors=(FieldProblem("id", "invalid_value", detail),))
    assert policy is not None  # noqa: S101  without one no question is read
    decided = service.decide(question, policy, caller=caller, started_s=monotonic_s())
    lineage_id = caller.key.lineage_id
    row = msgspec.json.decode(decided.row) | _named(given, policy, lineage_id, now)
    return _Proposed(
        given=given,
        decided=decided,
        keyed=idempotency.keyed(
            msgspec.structs.replace(decided, row=msgspec.json.encode(row)),
            lineage_id=lineage_id,
            key=given.sent_under or given.id,
            position=given.position,
            body=b"",
        ),
    )


def _policy_of(item: Any, caller: Caller) -> CompiledPolicy | None:
    """By which it is decided again: the policies in force, or those of the bundle. Raises InvalidRequest."""
    present = caller.organization.policy
    if not isinstance(item, dict) or item.get("mode") != UnavailableMode.LOCAL or present is None:
        return present
    version = item.get("policy_version")
    if version == present.version:
        return present
    found = _policy_at(caller.organization.id, version) if isinstance(version, int) and version > 0 else None
    if found is None:
        detail = "Send the policy version of the bundle that decided."
        raise InvalidRequest(errors=(FieldProblem("policy_version", "invalid_value", detail),))
    return found


@lru_cache(maxsize=MOST_POLICIES_KEPT)
def _policy_at(organization_id: UUID, version: int) -> CompiledPolicy | None:
    """None for one that there never was, or that cannot be compiled any more. A version never changes."""
    try:
        return compile_policy(organization_id, version, find_version(organization_id, version).document)
    except (NotFound, ConditionRefused):
        return None


def _named(given: SdkDecision, policy: CompiledPolicy, lineage_id: UUID, now: datetime) -> dict[str, Any]:
    """Of the row: an id that is always the same for the same decision of the same key, and what the SDK decided."""
    named = hashlib.sha256(lineage_id.bytes + given.id.encode()).digest()
    ours = derived_uuid(at_ms=UUID(given.id).int >> 80, noise=int.from_bytes(named) >> (256 - 74))
    sdk = {
        "client_decision_id": given.id,
        "allowed": given.allowed,
        "mode": given.mode,
        "reconciled_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    declared = policy.fail_modes.of(given.operation) if policy.fail_modes and given.mode is not _LOCAL else None
    if declared is not None:
        sdk["declared"] = declared
    return {"id": str(ours), "decided_at": service.iso_moment(ours), "latency_us": 0, "sdk": sdk}


def _result(proposed: _Proposed, holder: Holder) -> ReconciledItem:
    """A decision that was deleted since is not made again."""
    row, given = holder.row, proposed.given
    if row is None:
        return ReconciledItem(status=200, id=given.id)
    is_ours = row.id == UUID(msgspec.json.decode(proposed.keyed.row)["id"])
    return ReconciledItem(
        status=200,
        id=given.id,
        decision_id=public_id("dec", row.id),
        decided_by="sdk" if is_ours else "service",
        allowed=row.allowed,
        agrees=row.allowed == given.allowed,
    )
