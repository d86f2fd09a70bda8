"""Past decisions under other policies: what would have been decided, worked out again from what is on record."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from api.decisions.models import Decision
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, Outcome, compile_policy, evaluate
from core.db import db

MOST_LOOKED_AT = 2_000


class Changed(msgspec.Struct, frozen=True):
    """A decision that comes out otherwise."""

    decision_id: UUID
    model: str
    operation: str
    was_allowed: bool
    outcome: Outcome


class Effect(msgspec.Struct, frozen=True):
    """Of the latest decisions that were looked at, how many would be allowed or blocked instead."""

    looked_at: int
    newly_blocked: int
    newly_allowed: int
    examples: tuple[Changed, ...]


def effect_of(
    organization_id: UUID, standing: PolicyDocument, wanted: PolicyDocument, *, since: datetime, examples: int = 5
) -> Effect:
    """The latest decisions since then, at most 2,000, judged by both; what was said at the time does not matter."""
    before, after = compile_policy(organization_id, 0, standing), compile_policy(organization_id, 0, wanted)
    rows = db.session.execute(
        select(Decision.id, Decision.model, Decision.operation, Decision.metadata_)
        .where(Decision.organization_id == organization_id, Decision.decided_at >= since)
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(MOST_LOOKED_AT)
    ).all()
    changed = []
    for row in rows:
        facts = facts_of(row)
        was, outcome = evaluate(before, facts), evaluate(after, facts)
        if outcome.allowed != was.allowed:
            changed.append(Changed(row.id, row.model, row.operation, was.allowed, outcome))
    return Effect(
        looked_at=len(rows),
        newly_blocked=_count(changed, was_allowed=True),
        newly_allowed=_count(changed, was_allowed=False),
        examples=tuple(changed[:examples]),
    )


def facts_of(row: Any) -> CheckFacts:
    """What was decided about, from a row of the log."""
    metadata = {name: tuple(value) if isinstance(value, list) else value for name, value in row.metadata_.items()}
    return CheckFacts(model=row.model, operation=row.operation, metadata=metadata)


def _count(changed: Iterable[Changed], *, was_allowed: bool) -> int:
    return sum(1 for one in changed if one.was_allowed == was_allowed)
