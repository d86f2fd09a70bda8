"""Rules on trial: in shadow, or in force for a share of the subjects. What they say without effect is a finding.

Which side of a share a request is on depends on the rule and on whose request it is, and on nothing else: so it stays
the same with every request, and a past decision can be worked out again. Imports no database.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api.policies.contribution import Contribution
from api.policies.rule_set import RuleSet
from api.policies.rules import Rule, RuleState

_BUCKETS = 10_000


class ShadowFinding(msgspec.Struct, frozen=True):
    """What a rule without effect would have added."""

    code: Annotated[str, Meta(description="Code of the rule.", examples=["hr_needs_review"])]
    points: Annotated[int, Meta(description="Points it would have added to the risk score.", examples=[50])]
    blocks: Annotated[bool, Meta(description="Whether it would have been a hard block.", examples=[True])]
    would_block: Annotated[
        bool,
        Meta(description="True if the operation was allowed, and this rule would have blocked it.", examples=[True]),
    ]


def bucket_key_of(subject_hash: str | None, key_id: UUID) -> str:
    """Whose request it is: the subject's, or, where none was sent, the key's."""
    return subject_hash or key_id.hex


def is_in_share(code: str, percent: int, bucket_key: str) -> bool:
    digest = hashlib.blake2b(f"{code}:{bucket_key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _BUCKETS < percent * (_BUCKETS // 100)


def divided(
    rules: RuleSet, causes: Sequence[Contribution], bucket_key: str
) -> tuple[list[Contribution], list[Contribution]]:
    """Causes that have effect on this request, and those that do not."""
    if not causes:
        return [], []
    by_code = {compiled.rule.code: compiled.rule for compiled in rules.rules}
    in_force, in_shadow = list[Contribution](), list[Contribution]()
    for cause in causes:
        (in_force if _has_effect(by_code[cause.code], bucket_key) else in_shadow).append(cause)
    return in_force, in_shadow


def finding_of(cause: Contribution, room: int | None) -> ShadowFinding:
    """`room` is how many points were missing to the score that blocks; None where the operation was blocked anyway."""
    would_block = room is not None and (cause.blocks or cause.points >= room)
    return ShadowFinding(code=cause.code, points=cause.points, blocks=cause.blocks, would_block=would_block)


def _has_effect(rule: Rule, bucket_key: str) -> bool:
    return rule.state is RuleState.PERCENT and is_in_share(rule.code, rule.percent, bucket_key)
