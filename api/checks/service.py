"""Answering a question: decide, record. What leaves here as allowed is on record."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import msgspec
from msgspec import UNSET

from api.authentication import Caller
from api.checks.schema import CheckAnswer
from api.policies.evaluator import BUILT_IN_CODES, CompiledPolicy, Outcome, evaluate
from api.policies.facts import CheckQuestion
from api.policies.fixes import Fixes, fixes_of
from api.policies.trials import ShadowFinding, bucket_key_of
from api.recording.recorder import Recorder
from api.recording.row import DecisionRow, encode_row
from core.clock import monotonic_s
from core.ids import ms_of, new_uuid, public_id
from core.observability import CHECKS, CHECKS_BLOCKED

LONGEST_LATENCY_US = 2**31 - 1
"""What the log's column holds: a slow sender's request may take longer."""

_COUNTERS = {
    (allowed, environment): CHECKS.labels("allowed" if allowed else "blocked", environment)
    for allowed in (True, False)
    for environment in ("live", "test")
}
_BLOCKED = {code: CHECKS_BLOCKED.labels(code) for code in BUILT_IN_CODES}
_BLOCKED_BY_A_RULE = CHECKS_BLOCKED.labels("other")


class Decided(msgspec.Struct, frozen=True):
    """An answer that may leave once its row is on record."""

    answer: CheckAnswer
    row: bytes
    shadow: tuple[ShadowFinding, ...] = ()


def decide(question: CheckQuestion, policy: CompiledPolicy, *, caller: Caller, started_s: float) -> Decided:
    """Decides one question; `started_s` is the monotonic time at which it came in."""
    subject_hash = _subject_hash(question, caller)
    outcome = (
        evaluate(policy, question.facts)
        if policy.on_trial is None
        else evaluate(policy, question.facts, bucket_key=bucket_key_of(subject_hash, caller.key.id))
    )
    decision_id = new_uuid()
    decided_at = iso_moment(decision_id)
    return Decided(
        answer=CheckAnswer(
            allowed=outcome.allowed,
            risk_score=outcome.risk_score,
            reason=outcome.reason,
            reasons=outcome.reasons,
            decision_id=public_id("dec", decision_id),
            request_id=caller.request_id,
            policy_version=policy.version,
            max_risk_score=policy.document.max_risk_score,
            environment=caller.key.environment,
            decided_at=decided_at,
            derivation=UNSET if outcome.derivation is None else outcome.derivation,
            on_unreachable=UNSET
            if policy.fail_modes is None
            else policy.fail_modes.of(question.facts.operation) or UNSET,
        ),
        row=_row(
            decision_id,
            decided_at,
            question,
            outcome,
            policy,
            subject_hash=subject_hash,
            caller=caller,
            started_s=started_s,
        ),
        shadow=outcome.shadow,
    )


def iso_moment(decision_id: UUID) -> str:
    """When a decision was made: UTC, to the millisecond."""
    seconds, milliseconds = divmod(ms_of(decision_id), 1000)
    return f"{_iso_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=16)
def _iso_second(seconds: int) -> str:
    """Of a whole second, in which many are made."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def fixes_for(question: CheckQuestion, policy: CompiledPolicy, *, caller: Caller) -> Fixes:
    """What would make a blocked question pass."""
    bucket_key = bucket_key_of(_subject_hash(question, caller), caller.key.id)
    return fixes_of(policy, question.facts, bucket_key=bucket_key)


def record(decided: Sequence[Decided], recorder: Recorder) -> None:
    """Puts decisions on record. Raises DecisionNotRecorded; then none of the answers may leave."""
    recorder.record([one.row for one in decided])


def count(decided: Sequence[Decided]) -> None:
    """Of answers that leave: counted apart from the recording, so that the two can be compared."""
    outcomes: dict[tuple[bool, str, str], int] = {}
    for one in decided:
        outcome = one.answer.allowed, one.answer.environment, one.answer.reason
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    for (allowed, environment, reason), times in outcomes.items():
        _COUNTERS[allowed, environment].inc(times)
        if not allowed:
            _BLOCKED.get(reason, _BLOCKED_BY_A_RULE).inc(times)


def hash_subject(pseudonym: str, *, secret: bytes) -> str:
    """How a subject is kept: HMAC-SHA-256 with the organization's own secret, in hexadecimal."""
    return hmac.new(secret, pseudonym.encode(), hashlib.sha256).hexdigest()


def _subject_hash(question: CheckQuestion, caller: Caller) -> str | None:
    return hash_subject(question.subject, secret=caller.organization.subject_secret) if question.subject else None


def _row(
    decision_id: UUID,
    decided_at: str,
    question: CheckQuestion,
    outcome: Outcome,
    policy: CompiledPolicy,
    *,
    subject_hash: str | None,
    caller: Caller,
    started_s: float,
) -> bytes:
    return encode_row(
        DecisionRow(
            id=decision_id,
            decided_at=decided_at,
            organization_id=caller.organization.id,
            api_key_id=caller.key.id,
            environment=caller.key.environment,
            model=question.facts.model,
            operation=question.facts.operation,
            metadata=question.facts.metadata,
            subject=subject_hash,
            risk_score=outcome.risk_score,
            allowed=outcome.allowed,
            reason=outcome.reason,
            reasons=outcome.reasons,
            policy_version=policy.version,
            latency_us=min(LONGEST_LATENCY_US, int((monotonic_s() - started_s) * 1_000_000)),
            request_id=caller.request_id,
            shadow=outcome.shadow or msgspec.UNSET,
            derivation=outcome.derivation,
        )
    )
