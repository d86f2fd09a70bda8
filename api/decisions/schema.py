"""Decisions as the API shows them, and what they can be searched by."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.decisions.models import Decision
from api.keys.token import KeyEnvironment
from api.model_catalogue.derivation import Derivation
from api.policies.contribution import Contribution, stored_contributions
from api.policies.trials import ShadowFinding
from core.ids import public_id
from core.patterns import ONE_LINE, whole
from core.sample_ids import DECISION_ID, KEY_ID, REQUEST_ID, STORED_AT

AwareTime = Annotated[datetime, Meta(tz=True)]
ShortText = Annotated[str, Meta(min_length=1, max_length=128, pattern=ONE_LINE)]


class DecisionFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}):
    """All that is given must hold."""

    model: (
        Annotated[
            ShortText,
            Meta(
                description="Case-insensitive. A name that ends in * matches all names that begin with it.",
                examples=["gpt-4o"],
            ),
        ]
        | None
    ) = None
    operation: (
        Annotated[ShortText, Meta(description="Case-insensitive; - and _ are equivalent.", examples=["chat"])] | None
    ) = None
    allowed: Annotated[bool | None, Meta(description="Only allowed or only blocked decisions.", examples=[False])] = (
        None
    )
    reason: (
        Annotated[
            ShortText, Meta(description="Code of the most important reason.", examples=["contains_personal_data"])
        ]
        | None
    ) = None
    key: (
        Annotated[str, Meta(pattern=whole("key_[0-9a-f]{32}"), description="The ID of an API key.", examples=[KEY_ID])]
        | None
    ) = None
    environment: Annotated[
        KeyEnvironment | None, Meta(description="live or test. A test key sees test decisions only.", examples=["live"])
    ] = None
    department: (
        Annotated[
            ShortText, Meta(description="The value of the fact department. Case-insensitive.", examples=["support"])
        ]
        | None
    ) = None
    application: (
        Annotated[
            ShortText, Meta(description="The value of the fact application. Case-insensitive.", examples=["helpdesk"])
        ]
        | None
    ) = None
    subject: Annotated[ShortText, Meta(description="The pseudonym as sent.", examples=["patient-7f3a"])] | None = None
    since: (
        Annotated[datetime, Meta(tz=True, description="At this time or later.", examples=["2026-11-01T00:00:00Z"])]
        | None
    ) = None
    to: (
        Annotated[datetime, Meta(tz=True, description="Before this time.", examples=["2026-12-01T00:00:00Z"])] | None
    ) = None


class DecisionQuery(DecisionFilter, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}):
    cursor: Annotated[str, Meta(description="next_cursor of the previous page.", examples=[DECISION_ID])] | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="Decisions per page.", examples=[20])] = 20


class ExportFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


class ExportQuery(DecisionFilter, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}):
    format: Annotated[ExportFormat, Meta(description="One JSON object per line, or CSV.", examples=["ndjson"])] = (
        ExportFormat.NDJSON
    )
    after: (
        Annotated[
            str,
            Meta(
                pattern=whole("dec_[0-9a-f]{32}"),
                description="To resume a download: the decision_id of the last complete line you have.",
                examples=[DECISION_ID],
            ),
        ]
        | None
    ) = None


class DecisionView(msgspec.Struct, frozen=True):
    """One decision. `subject_hash` is a keyed hash; we do not know who it is."""

    decision_id: Annotated[str, Meta(description="ID of the decision.", examples=[DECISION_ID])]
    decided_at: Annotated[datetime, Meta(tz=True, description="When it was made, in UTC.", examples=[STORED_AT])]
    environment: Annotated[KeyEnvironment, Meta(description="live or test, the same as the key.", examples=["live"])]
    key_id: Annotated[str, Meta(description="The key that sent the check.", examples=[KEY_ID])]
    model: Annotated[str, Meta(description="The model, as sent.", examples=["gpt-4o"])]
    operation: Annotated[str, Meta(description="The operation, as sent.", examples=["summarization"])]
    metadata: Annotated[
        dict[str, Any], Meta(description="The facts, as sent.", examples=[{"contains_personal_data": True}])
    ]
    subject_hash: Annotated[str | None, Meta(description="Keyed hash of the pseudonym.", examples=[None])]
    risk_score: Annotated[int, Meta(description="Sum of all points, at most 100.", examples=[70])]
    allowed: Annotated[bool, Meta(description="Whether the operation was allowed.", examples=[False])]
    reason: Annotated[
        str,
        Meta(description="ok, or the code of the most important reason.", examples=["contains_personal_data"]),
    ]
    reasons: Annotated[tuple[Contribution, ...], Meta(description="Every reason, with its points.")]
    policy_version: Annotated[int, Meta(description="The version of the policies that decided.", examples=[3])]
    latency_us: Annotated[
        int,
        Meta(description="From receiving the request to storing the decision, in microseconds.", examples=[412]),
    ]
    request_id: Annotated[str, Meta(description="The ID of the request.", examples=[REQUEST_ID])]
    shadow: Annotated[
        tuple[ShadowFinding, ...],
        Meta(description="What shadow rules would have added. They have no effect on the decision.", examples=[[]]),
    ]
    derivation: Annotated[
        Derivation | None,
        Meta(description="What was derived from the model catalogue; null if the policies did not use it."),
    ]
    decided_by: Annotated[
        str,
        Meta(
            description="service, or sdk if an SDK decided, offline or locally, and reported it later.",
            examples=["service"],
        ),
    ] = "service"
    sdk: Annotated[
        dict[str, Any] | None,
        Meta(description="What the SDK had decided, by which mode, and when it was reconciled.", examples=[None]),
    ] = None


class DecisionPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null on the last page."""

    decisions: Annotated[tuple[DecisionView, ...], Meta(description="The decisions, newest first.")]
    next_cursor: Annotated[
        str | None, Meta(description="Send it as cursor for the next page; null on the last.", examples=[None])
    ]


def view_of(row: Any) -> DecisionView:
    """`row` has the attributes of a Decision."""
    return DecisionView(
        decision_id=public_id("dec", row.id),
        decided_at=row.decided_at,
        environment=KeyEnvironment(row.environment),
        key_id=public_id("key", row.api_key_id),
        model=row.model,
        operation=row.operation,
        metadata=row.metadata_,
        subject_hash=row.subject.hex() if row.subject else None,
        risk_score=row.risk_score,
        allowed=row.allowed,
        reason=row.reason,
        reasons=stored_contributions(row.reasons),
        policy_version=row.policy_version,
        latency_us=row.latency_us,
        request_id=row.request_id,
        shadow=msgspec.convert(row.shadow or (), tuple[ShadowFinding, ...]),
        derivation=msgspec.convert(row.derivation, Derivation) if row.derivation else None,
        decided_by="sdk" if row.sdk else "service",
        sdk=row.sdk,
    )


def parse_key_id(text: str) -> UUID:
    return UUID(hex=text.removeprefix("key_"))


COLUMNS = (
    Decision.id,
    Decision.decided_at,
    Decision.environment,
    Decision.api_key_id,
    Decision.model,
    Decision.operation,
    Decision.metadata_,
    Decision.subject,
    Decision.risk_score,
    Decision.allowed,
    Decision.reason,
    Decision.reasons,
    Decision.policy_version,
    Decision.latency_us,
    Decision.request_id,
    Decision.shadow,
    Decision.derivation,
    Decision.sdk,
)
