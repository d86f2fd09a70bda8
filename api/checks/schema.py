"""The shapes of questions and answers. The OpenAPI document is generated from them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.policies.evaluator import Contribution
from api.vocabulary import MAX_FACTS, MODEL_NAME, OPERATION_NAME, TOKEN
from core.errors import Problem

MAX_BATCH = 100


class CheckRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question. `metadata` states facts by the names of the vocabulary; content is refused."""

    model: Annotated[str, Meta(pattern=MODEL_NAME, description="The model to call.", examples=["gpt-4o"])]
    operation: Annotated[
        str, Meta(pattern=OPERATION_NAME, description="What the model is used for.", examples=["chat", "embeddings"])
    ]
    metadata: (
        Annotated[
            dict[str, Any],
            Meta(
                max_length=MAX_FACTS,
                description="Typed facts, such as contains_personal_data or gen_ai.usage.input_tokens.",
                examples=[{"contains_personal_data": False, "is_external_model": True}],
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
            ),
        ]
        | None
    ) = None


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 100 questions; each is answered or refused on its own, and each counts against the limit."""

    checks: Annotated[tuple[CheckRequest, ...], Meta(min_length=1, max_length=MAX_BATCH)]


class CheckAnswer(msgspec.Struct, frozen=True):
    """The answer. It is on record under `decision_id` before it is sent."""

    allowed: bool
    risk_score: Annotated[int, Meta(ge=0, le=100, description="Sum of all points, at most 100.")]
    reason: Annotated[str, Meta(description="ok, or the code of the most important reason.")]
    reasons: tuple[Contribution, ...]
    decision_id: str
    request_id: str
    policy_version: int
    max_risk_score: Annotated[int, Meta(description="The risk score at which the policy blocks.")]
    environment: Annotated[str, Meta(description="live or test, as for the key.")]
    decided_at: Annotated[str, Meta(description="UTC, to the millisecond.")]


class BatchItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer of a batch: `decision`, or the `problem` for which there is none."""

    status: int
    decision: CheckAnswer | None = None
    problem: Problem | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """Answers in the order of the questions."""

    results: tuple[BatchItem, ...]
    request_id: str


class LimitState(msgspec.Struct, frozen=True):
    scope: Annotated[str, Meta(description="Which limit is closer: key, or organization (all its keys together).")]
    limit: int
    remaining: int
    window_s: float
    reset_s: Annotated[float, Meta(description="Seconds until the next request is possible.")]
    backend: str


class OrganizationFacts(msgspec.Struct, frozen=True):
    slug: str
    name: str
    status: str


class KeyFacts(msgspec.Struct, frozen=True):
    status: str
    id: str
    name: str
    environment: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


class KeyProbe(msgspec.Struct, frozen=True):
    """What a key is good for just now."""

    status: Annotated[str, Meta(description="ok: the key works. Its own status is key.status.")]
    key: KeyFacts
    organization: OrganizationFacts
    policy_version: int | None
    rate_limit: LimitState
    request_id: str
