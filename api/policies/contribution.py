"""One cause of a decision, as it is stored, answered and described."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

HIGHEST_SCORE = 100


class FailMode(StrEnum):
    """Which of a rule's fail modes decided."""

    ON_MISSING = "on_missing"
    ON_ERROR = "on_error"


class Contribution(msgspec.Struct, frozen=True):
    """One cause: the points it added, whether it blocks by itself, and what the caller could change."""

    code: Annotated[str, Meta(description="Stable code of the reason.", examples=["contains_personal_data"])]
    policy: Annotated[str, Meta(description="The policy or rule it comes from.", examples=["block_personal_data"])]
    points: Annotated[int, Meta(description="Points it added to the risk score.", examples=[70])]
    blocks: Annotated[
        bool, Meta(description="Whether it blocks regardless of the score (hard block).", examples=[True])
    ]
    message: Annotated[
        str, Meta(description="What was found, in one sentence.", examples=["The operation works on personal data."])
    ]
    fix: Annotated[
        str,
        Meta(
            description="How to fix it.",
            examples=["Remove or anonymize the personal data, then send contains_personal_data: false."],
        ),
    ]
    fail_mode: (
        Annotated[
            FailMode,
            Meta(
                description=(
                    "Only if a fact is missing or a condition could not be evaluated: which fail mode of the rule "
                    "decided, on_missing or on_error."
                ),
                examples=["on_missing"],
            ),
        ]
        | UnsetType
    ) = UNSET


def stored_contributions(stored: Sequence[Any]) -> tuple[Contribution, ...]:
    """As they are on record. One that is written otherwise than today is shown with what it has."""
    return tuple(map(_stored, stored))


def _stored(cause: Any) -> Contribution:
    try:
        return msgspec.convert(cause, Contribution)
    except msgspec.ValidationError:
        parts = cause if isinstance(cause, dict) else {"code": cause}
        return Contribution(
            code=str(parts.get("code", "unknown")),
            policy=str(parts.get("policy", "unknown")),
            points=parts["points"] if isinstance(parts.get("points"), int) else 0,
            blocks=parts.get("blocks") is True,
            message=str(parts.get("message", "")),
            fix=str(parts.get("fix", "")),
        )
