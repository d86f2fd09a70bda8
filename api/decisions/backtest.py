"""Past decisions under other policies: what would have been decided, worked out again from what is on record."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from api.decisions.models import Decision
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, CompiledPolicy, Outcome, evaluate
from api.policies.fixes import Fixes, fixes_of
from api.policies.trials import bucket_key_of
from core.db import db

MOST_LOOKED_AT = 2_000
MOST_GROUPS = 10
EXAMPLES_OF_A_GROUP = 3


class Changed(msgspec.Struct, frozen=True):
    """A decision that comes out otherwise."""

    decision_id: UUID
    model: str
    operation: str
    was_allowed: bool
    reason: str
    """What blocks it, before or after the change."""


class Group(msgspec.Struct, frozen=True):
    """Decisions about one model that come out otherwise for one reason."""

    model: str
    reason: str
    was_allowed: bool
    decisions: int
    examples: Sequence[Changed]


class Effect(msgspec.Struct, frozen=True):
    """Of the latest decisions that were looked at, how many would be allowed or blocked instead."""

    looked_at: int
    newly_blocked: int
    newly_allowed: int
    groups: Sequence[Group]
    """The largest first, at most ten."""


def effect_of(organization_id: UUID, active: PolicyDocument, wanted: PolicyDocument, *, since: datetime) -> Effect:
    """The latest decisions since then, at most 2,000, judged by both; what was said at the time does not matter."""
    before, after = compile_policy(organization_id, 0, active), compile_policy(organization_id, 0, wanted)
    rows = db.session.execute(
        select(
            Decision.id,
            Decision.model,
            Decision.operation,
            Decision.metadata_,
            Decision.subject,
            Decision.api_key_id,
        )
        .where(Decision.organization_id == organization_id, Decision.decided_at >= since)
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(MOST_LOOKED_AT)
    ).all()
    changed = []
    for row in rows:
        was, outcome = judged_again(before, row), judged_again(after, row)
        if outcome.allowed != was.allowed:
            reason = outcome.reason if was.allowed else was.reason
            changed.append(Changed(row.id, row.model, row.operation, was.allowed, reason))
    return Effect(
        looked_at=len(rows),
        newly_blocked=_count(changed, was_allowed=True),
        newly_allowed=_count(changed, was_allowed=False),
        groups=_groups_of(changed),
    )


def judged_again(policy: CompiledPolicy, row: Any) -> Outcome:
    """What a policy says of a row of the log."""
    return evaluate(policy, facts_of(row), bucket_key=_bucket_key(row))


def _bucket_key(row: Any) -> str:
    return bucket_key_of(row.subject.hex() if row.subject else None, row.api_key_id)


def facts_of(row: Any) -> CheckFacts:
    """What was decided about, from a row of the log."""
    metadata = {name: tuple(value) if isinstance(value, list) else value for name, value in row.metadata_.items()}
    return CheckFacts(model=row.model, operation=row.operation, metadata=metadata)


def fixes_now(policy: CompiledPolicy, row: Any) -> Fixes:
    """What would have made a decision pass under these policies."""
    return fixes_of(policy, facts_of(row), bucket_key=_bucket_key(row))


def _count(changed: Iterable[Changed], *, was_allowed: bool) -> int:
    return sum(1 for one in changed if one.was_allowed == was_allowed)


def _groups_of(changed: Iterable[Changed]) -> list[Group]:
    of_group: dict[tuple[str, str, bool], list[Changed]] = defaultdict(list)
    for one in changed:
        of_group[one.model, one.reason, one.was_allowed].append(one)
    groups = [Group(*key, len(alike), alike[:EXAMPLES_OF_A_GROUP]) for key, alike in of_group.items()]
    return sorted(groups, key=lambda group: -group.decisions)[:MOST_GROUPS]
