"""Policies as the API shows and takes them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.policies.document import POLICY_KEYS
from api.policies.services import PolicySetting
from core.errors import FieldProblem, InvalidRequest, show_name

LIVE_TO_CHANGE = "Policies apply to live and test checks. Use a live key to change them."


class PolicyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: Annotated[Any, Meta(description="The new value, in the type of the policy.", examples=[40])]
    expected_version: Annotated[
        int | None,
        Meta(description="The change is rejected if the policies are no longer at this version.", examples=[3]),
    ] = None


class PolicyPreview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values that are not in force, to be tried on stored decisions."""

    values: Annotated[
        dict[str, Any],
        Meta(
            min_length=1,
            description="The new values by name, each in the type of the policy.",
            examples=[{"max_risk_score": 40}],
        ),
    ]
    days: Annotated[int, Meta(ge=1, le=90, description="How far back decisions are evaluated.", examples=[7])] = 7

    def need_known(self) -> None:
        """Raises InvalidRequest."""
        unknown = [name for name in self.values if name not in POLICY_KEYS]
        if unknown:
            detail = f"Policies: {', '.join(POLICY_KEYS)}."
            raise InvalidRequest(
                errors=tuple(FieldProblem(f"values.{show_name(name)}", "unknown_field", detail) for name in unknown)
            )


class PreviewGroup(msgspec.Struct, frozen=True):
    """Decisions about one model that come out differently for one reason."""

    model: Annotated[str, Meta(description="The model.", examples=["gpt-4o"])]
    reason: Annotated[
        str, Meta(description="What blocks them, before or after the change.", examples=["contains_personal_data"])
    ]
    was_allowed: Annotated[bool, Meta(description="Whether they were allowed before the change.", examples=[True])]
    decisions: Annotated[int, Meta(description="How many decisions are in this group.", examples=[12])]


class PolicyEffect(msgspec.Struct, frozen=True):
    """Of the latest decisions, how many would come out differently. Nothing was changed."""

    version: Annotated[int, Meta(description="The version before the change.", examples=[3])]
    looked_at: Annotated[int, Meta(description="How many of the latest decisions were evaluated.", examples=[2000])]
    newly_blocked: Annotated[int, Meta(description="Allowed before the change, and blocked after it.", examples=[12])]
    newly_allowed: Annotated[int, Meta(description="Blocked before the change, and allowed after it.", examples=[0])]
    groups: Annotated[
        tuple[PreviewGroup, ...], Meta(description="The decisions that change, in groups, the largest first.")
    ]


class PolicyChanged(msgspec.Struct, frozen=True):
    """The policy as it stands now; `version` is unchanged if the value was the same already."""

    version: Annotated[int, Meta(description="The version that is now active.", examples=[4])]
    policy: Annotated[PolicySetting, Meta(description="The policy after the change.")]
    effect: Annotated[
        PolicyEffect | None,
        Meta(description="How it changes the last week's decisions, if the key has decisions:read.", examples=[None]),
    ] = None
