"""The shapes of questions and answers. The OpenAPI document is generated from them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.model_catalogue.derivation import Derivation
from api.policies.contribution import Contribution
from api.policies.fail_modes import Unreachable
from api.policies.fixes import Fixes
from api.policies.trials import ShadowFinding
from api.vocabulary import MAX_BATCH, MAX_FACTS, MODEL_NAME, OPERATION_NAME, TOKEN
from core.errors import Problem
from core.sample_ids import DECISION_ID, KEY_ID, MOMENT, REQUEST_ID


class CheckRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question. `metadata` states facts by the names of the vocabulary; content is refused."""

    model: Annotated[str, Meta(pattern=MODEL_NAME, description="The model to call.", examples=["gpt-4o"])]
    operation: Annotated[
        str, Meta(pattern=OPERATION_NAME, description="What the model is used for.", examples=["summarization", "chat"])
    ]
    metadata: (
        Annotated[
            dict[str, Any],
            Meta(
                max_length=MAX_FACTS,
                description="Typed facts, such as contains_personal_data or gen_ai.usage.input_tokens.",
                examples=[{"contains_personal_data": True, "department": "support"}],
            ),
        ]
        | None
    ) = None
    subject: (
        Annotated[
            str,
            Meta(
                pattern=TOKEN,
                description="A pseudonym of the data subject; stored as a keyed hash only.",
                examples=["patient-7f3a"],
            ),
        ]
        | None
    ) = None


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 100 questions; each is answered or refused on its own, and each counts against the limit."""

    checks: Annotated[
        tuple[CheckRequest, ...],
        Meta(min_length=1, max_length=MAX_BATCH, description="The checks. Each succeeds or fails on its own."),
    ]


class CheckAnswer(msgspec.Struct, frozen=True):
    """The answer. It is on record under `decision_id` before it is sent."""

    allowed: Annotated[
        bool,
        Meta(
            description="Whether the operation may go ahead. Base your decision on this field only.", examples=[False]
        ),
    ]
    risk_score: Annotated[int, Meta(ge=0, le=100, description="Sum of all points, at most 100.", examples=[70])]
    reason: Annotated[
        str,
        Meta(description="ok, or the code of the most important reason.", examples=["contains_personal_data"]),
    ]
    reasons: Annotated[tuple[Contribution, ...], Meta(description="Every reason, with its points and how to fix it.")]
    decision_id: Annotated[str, Meta(description="The decision in your decision log.", examples=[DECISION_ID])]
    request_id: Annotated[str, Meta(description="Quote it when you contact support.", examples=[REQUEST_ID])]
    policy_version: Annotated[int, Meta(description="The policy version that decided.", examples=[3])]
    max_risk_score: Annotated[int, Meta(description="The risk score at which the policy blocks.", examples=[50])]
    environment: Annotated[str, Meta(description="live or test, the same as the key.", examples=["test"])]
    decided_at: Annotated[str, Meta(description="UTC, to the millisecond.", examples=[MOMENT])]
    shadow: Annotated[
        tuple[ShadowFinding, ...] | msgspec.UnsetType,
        Meta(description="With include=shadow: what shadow rules would have added.", examples=[[]]),
    ] = msgspec.UNSET
    would_pass: Annotated[
        Fixes | UnsetType,
        Meta(description="With include=fixes, for single checks only: what would make a blocked operation pass."),
    ] = UNSET
    derivation: (
        Annotated[
            Derivation,
            Meta(description="What was derived from the model catalogue. Only if your policies use it."),
        ]
        | UnsetType
    ) = UNSET
    on_unreachable: (
        Annotated[
            Unreachable,
            Meta(
                description=(
                    "What a client does with this operation while it can't reach the service. Only if your policies "
                    "declare it."
                ),
                examples=["block"],
            ),
        ]
        | UnsetType
    ) = UNSET


class BatchItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer of a batch: `decision`, or the `problem` for which there is none."""

    status: Annotated[int, Meta(description="200 with a decision, or the status of the problem.", examples=[200])]
    decision: Annotated[CheckAnswer | None, Meta(description="The decision, as for a single check.")] = None
    problem: Annotated[Problem | None, Meta(description="Why there is no decision.", examples=[None])] = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """Answers in the order of the questions."""

    results: Annotated[tuple[BatchItem, ...], Meta(description="One result per check, in the order sent.")]
    request_id: Annotated[str, Meta(description="Quote it when you contact support.", examples=[REQUEST_ID])]


class LimitState(msgspec.Struct, frozen=True):
    scope: Annotated[
        str,
        Meta(
            description="Which limit you will reach first: key, or organization (all its keys together).",
            examples=["key"],
        ),
    ]
    limit: Annotated[int, Meta(description="Requests allowed per window.", examples=[100])]
    remaining: Annotated[int, Meta(description="Requests left in the window.", examples=[97])]
    window_s: Annotated[float, Meta(description="Length of the window in seconds.", examples=[60.0])]
    reset_s: Annotated[float, Meta(description="Seconds until the oldest request leaves the window.", examples=[41.2])]
    backend: Annotated[str, Meta(description="Where requests are counted: redis, or memory.", examples=["redis"])]


class OrganizationFacts(msgspec.Struct, frozen=True):
    slug: Annotated[str, Meta(description="The organization ID, as on the Organization page.", examples=["acme-4f2a"])]
    name: Annotated[str, Meta(description="Name of the organization.", examples=["Acme"])]
    status: Annotated[str, Meta(description="sandbox until approved, then live.", examples=["live"])]


class KeyFacts(msgspec.Struct, frozen=True):
    status: Annotated[str, Meta(description="active: the key can be used.", examples=["active"])]
    id: Annotated[str, Meta(description="ID of the key.", examples=[KEY_ID])]
    name: Annotated[str, Meta(description="Name of the key.", examples=["Ticket summaries"])]
    environment: Annotated[str, Meta(description="live or test.", examples=["test"])]
    scopes: Annotated[tuple[str, ...], Meta(description="What the key may do.", examples=[["checks:write"]])]
    expires_at: Annotated[datetime | None, Meta(description="When it expires; null for never.", examples=[None])]


class KeyProbe(msgspec.Struct, frozen=True):
    """What a key is good for just now."""

    status: Annotated[str, Meta(description="ok: the key works. Its own status is key.status.", examples=["ok"])]
    key: Annotated[KeyFacts, Meta(description="The key that was sent.")]
    organization: Annotated[OrganizationFacts, Meta(description="The organization it belongs to.")]
    policy_version: Annotated[int | None, Meta(description="The active policy version.", examples=[3])]
    rate_limit: Annotated[LimitState, Meta(description="What is left of the rate limit.")]
    request_id: Annotated[str, Meta(description="Quote it when you contact support.", examples=[REQUEST_ID])]
