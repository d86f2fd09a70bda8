"""Decisions as the API shows them, and what they can be searched by."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.decisions.models import Decision
from api.keys.token import KeyEnvironment
from api.policies.evaluator import Contribution
from core.ids import public_id
from core.patterns import ONE_LINE, whole

AwareTime = Annotated[datetime, Meta(tz=True)]
ShortText = Annotated[str, Meta(min_length=1, max_length=128, pattern=ONE_LINE)]


class DecisionFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}):
    """All that is given must hold."""

    model: Annotated[ShortText, Meta(description="The full model name, case-insensitive.")] | None = None
    operation: Annotated[ShortText, Meta(description="Case-insensitive; - and _ are equivalent.")] | None = None
    allowed: bool | None = None
    reason: ShortText | None = None
    key: Annotated[str, Meta(pattern=whole("key_[0-9a-f]{32}"), description="The ID of an API key.")] | None = None
    environment: KeyEnvironment | None = None
    subject: Annotated[ShortText, Meta(description="The pseudonym as sent.")] | None = None
    since: Annotated[datetime, Meta(tz=True, description="At this time or later.")] | None = None
    to: Annotated[datetime, Meta(tz=True, description="Before this time.")] | None = None


class DecisionQuery(DecisionFilter, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}):
    cursor: (
        Annotated[str, Meta(pattern=whole("dec_[0-9a-f]{32}"), description="next_cursor of the previous page.")] | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=100, description="Decisions per page.")] = 20


class ExportFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


class ExportQuery(DecisionFilter, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}):
    format: ExportFormat = ExportFormat.NDJSON


class DecisionView(msgspec.Struct, frozen=True):
    """One decision. `subject_hash` is a keyed hash; we do not know who it is."""

    decision_id: str
    decided_at: datetime
    environment: KeyEnvironment
    key_id: str
    model: str
    operation: str
    metadata: dict[str, Any]
    subject_hash: str | None
    risk_score: int
    allowed: bool
    reason: str
    reasons: tuple[Contribution, ...]
    policy_version: int
    latency_us: Annotated[int, Meta(description="From receiving the request to storing the decision, in microseconds.")]
    request_id: str


class DecisionPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null on the last page."""

    decisions: tuple[DecisionView, ...]
    next_cursor: str | None


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
        reasons=msgspec.convert(row.reasons, tuple[Contribution, ...]),
        policy_version=row.policy_version,
        latency_us=row.latency_us,
        request_id=row.request_id,
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
)
