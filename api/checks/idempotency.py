"""Checks under an idempotency key: which decision is answered, and when a key is refused."""

import hashlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

from msgspec import UNSET

from api.checks.schema import CheckAnswer
from api.checks.service import Decided, iso_moment
from api.recording.idempotency import Holder, Keyed
from api.recording.row import DecisionRow
from core.errors import AppError
from core.ids import public_id


class IdempotencyKeyReused(AppError):
    status, code, title = (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "This idempotency key was used for another request",
    )
    advice = "Send the same body with each retry, and a new key with each new request. Nothing was stored."


def keyed(decided: Decided, *, lineage_id: UUID, key: str, position: int, body: bytes) -> Keyed:
    """A decision as one that was asked under `key`; keys of a rotation are one. `position` counts within a batch."""
    named = f"{lineage_id.hex}:{position}:{key}".encode()
    return Keyed(
        key_digest=hashlib.sha256(named).hexdigest(),
        request_digest=hashlib.sha256(body).hexdigest(),
        max_risk_score=decided.answer.max_risk_score,
        row=decided.row,
    )


def settle(decided: Sequence[Decided], asked: Sequence[Keyed], holders: Mapping[str, Holder]) -> list[Decided]:
    """What is answered: each decision, or the earlier one that holds its key. Raises IdempotencyKeyReused."""
    return [_settle_one(one, keyed, holders[keyed.key_digest]) for one, keyed in zip(decided, asked, strict=True)]


def _settle_one(decided: Decided, asked: Keyed, holder: Holder) -> Decided:
    if holder.row is None:
        raise IdempotencyKeyReused("The decision under this key was deleted from your decision log. Send a new key.")
    if holder.request_digest != asked.request_digest:
        raise IdempotencyKeyReused
    if public_id("dec", holder.row.id) == decided.answer.decision_id:
        return decided
    answer = _answer_of(holder.row, holder.max_risk_score)
    return Decided(answer=answer, row=decided.row, shadow=holder.row.shadow or ())


def _answer_of(row: DecisionRow, max_risk_score: int) -> CheckAnswer:
    return CheckAnswer(
        allowed=row.allowed,
        risk_score=row.risk_score,
        reason=row.reason,
        reasons=row.reasons,
        decision_id=public_id("dec", row.id),
        request_id=row.request_id,
        policy_version=row.policy_version,
        max_risk_score=max_risk_score,
        environment=row.environment,
        decided_at=iso_moment(row.id),
        derivation=UNSET if row.derivation is None else row.derivation,
    )
