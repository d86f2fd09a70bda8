"""Drafts of policies and their impact as the API shows and takes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.decisions.impact.services import DEFAULT_DAYS, Impact
from api.decisions.impact.states import ImpactStatus
from api.keys.token import KeyEnvironment
from api.policies.document import POLICY_KEYS
from api.policies.drafts.services import Draft
from api.policies.drafts.states import DraftStatus
from api.policies.policy_tests import MAX_TESTS, PolicyTest
from api.policies.testing import PolicyTestResult, difference_of
from core.errors import FieldProblem, InvalidRequest, show_name
from core.patterns import ONE_LINE
from core.retention import LONGEST_RETENTION_DAYS
from core.sample_ids import A_WEEK_BEFORE, DRAFT_ID, STORED_AT

Revision = Annotated[
    int,
    Meta(
        ge=1,
        le=2**31 - 1,
        description="The revision you read. If the draft has changed since, the request is rejected.",
        examples=[2],
    ),
]
Values = Annotated[
    dict[str, Any],
    Meta(
        description="The values of the policies by name, each in its type. Omitted policies keep their values.",
        examples=[{"max_risk_score": 40}],
    ),
]


class DraftCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            pattern=ONE_LINE,
            description="A short name for the change.",
            examples=["Lower threshold"],
        ),
    ]
    note: Annotated[str, Meta(max_length=2_000, description="A note for the reviewer.", examples=[""])] = ""
    policies: Values = {}


class DraftChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expected_revision: Revision
    policies: Values


class DraftPublish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expected_revision: Revision
    environment: Annotated[
        KeyEnvironment,
        Meta(description="test: only test keys get it, and the draft stays open. live: all keys.", examples=["live"]),
    ] = KeyEnvironment.LIVE


_TESTED = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": True}}


class DraftTests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tests: Annotated[
        Annotated[tuple[PolicyTest, ...], Meta(max_length=MAX_TESTS)] | None,
        Meta(
            description="Tests to run instead of the draft's own. They are not stored.",
            examples=[[{"name": "Personal data is blocked", "request": _TESTED, "expect": {"allowed": False}}]],
        ),
    ] = None


class ImpactRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    days: Annotated[
        int, Meta(ge=1, le=LONGEST_RETENTION_DAYS, description="How far back decisions are replayed.", examples=[7])
    ] = DEFAULT_DAYS


class DraftView(msgspec.Struct, frozen=True):
    """A draft: all its values, and the version it is based on."""

    id: Annotated[str, Meta(description="ID of the draft.", examples=[DRAFT_ID])]
    name: Annotated[str, Meta(description="A short name for the change.", examples=["Lower threshold"])]
    note: Annotated[str, Meta(description="The note for the reviewer.", examples=[""])]
    status: Annotated[DraftStatus, Meta(description="open, published or discarded.", examples=["open"])]
    revision: Annotated[int, Meta(description="Counts its changes.", examples=[2])]
    base_version: Annotated[int, Meta(description="The version it is based on.", examples=[3])]
    published_version: Annotated[int | None, Meta(description="The version it became.", examples=[None])]
    policies: Annotated[dict[str, Any], Meta(description="All its values.", examples=[{"max_risk_score": 40}])]
    changed_at: Annotated[
        datetime, Meta(tz=True, description="When it was last changed, in UTC.", examples=[STORED_AT])
    ]


class DraftList(msgspec.Struct, frozen=True):
    drafts: Annotated[tuple[DraftView, ...], Meta(description="The open drafts, the last changed first.")]


class DraftPublished(msgspec.Struct, frozen=True):
    version: Annotated[int, Meta(description="The version that is now active.", examples=[4])]


class TestResultView(msgspec.Struct, frozen=True):
    """What came of one test."""

    name: Annotated[str, Meta(description="Name of the test.", examples=["Personal data is blocked"])]
    passed: Annotated[bool, Meta(description="Whether the decision is as expected.", examples=[False])]
    detail: Annotated[
        str,
        Meta(
            description="What was expected and what happened; empty if the test passed.",
            examples=["Expected blocked; the decision is allowed, reason ok, risk score 0."],
        ),
    ]
    allowed: Annotated[
        bool | None, Meta(description="The decision; null if the request is not valid.", examples=[True])
    ]
    reason: Annotated[str | None, Meta(description="Its reason.", examples=["ok"])]
    risk_score: Annotated[int | None, Meta(description="Its risk score.", examples=[0])]


class TestRunView(msgspec.Struct, frozen=True):
    passed: Annotated[int, Meta(description="Tests that passed.", examples=[0])]
    failed: Annotated[int, Meta(description="Tests that failed. You can't publish while there are any.", examples=[1])]
    tests: Annotated[tuple[TestResultView, ...], Meta(description="All tests in their order.")]


class ImpactShare(msgspec.Struct, frozen=True):
    """The decisions of one reason, model, application or key that come out differently."""

    value: Annotated[str, Meta(description="The reason, model, application or key.", examples=["gpt-4o"])]
    newly_blocked: Annotated[int, Meta(description="Allowed before, blocked by the draft.", examples=[12])]
    newly_allowed: Annotated[int, Meta(description="Blocked before, allowed by the draft.", examples=[0])]
    score_changed: Annotated[int, Meta(description="Same result with another risk score.", examples=[3])]


class ImpactView(msgspec.Struct, frozen=True):
    """What replaying past decisions with a draft came to, or has come to so far."""

    status: Annotated[ImpactStatus, Meta(description="queued, running, done, canceled or failed.", examples=["done"])]
    is_stale: Annotated[bool, Meta(description="Whether the draft or active policies changed since.", examples=[False])]
    base_version: Annotated[int, Meta(description="The version it is compared with.", examples=[3])]
    since: Annotated[datetime, Meta(tz=True, description="Decisions from this time.", examples=[A_WEEK_BEFORE])]
    until: Annotated[datetime, Meta(tz=True, description="Decisions before this time.", examples=[STORED_AT])]
    total: Annotated[int, Meta(description="Decisions in this time.", examples=[18440])]
    looked_at: Annotated[int, Meta(description="Decisions replayed so far.", examples=[18440])]
    newly_blocked: Annotated[int, Meta(description="Allowed before, blocked by the draft.", examples=[214])]
    newly_allowed: Annotated[int, Meta(description="Blocked before, allowed by the draft.", examples=[0])]
    score_changed: Annotated[int, Meta(description="Same result with another risk score.", examples=[31])]
    not_replayed: Annotated[int, Meta(description="Decisions whose facts can no longer be read.", examples=[0])]
    recorded_otherwise: Annotated[
        int,
        Meta(
            description="Decisions that differ when evaluated with their own version. If it is not 0, we are alerted.",
            examples=[0],
        ),
    ]
    lacking_facts: Annotated[
        dict[str, int],
        Meta(
            description="Decisions that lack a fact that a new or changed rule needs, by the rule's code.",
            examples=[{"hr_needs_review": 120}],
        ),
    ]
    by: Annotated[
        dict[str, tuple[ImpactShare, ...]],
        Meta(description="What differs, by reason, model, application and key; the largest first.", examples=[{}]),
    ]


def need_known(values: Mapping[str, Any]) -> None:
    """Raises InvalidRequest."""
    detail = f"Policies: {', '.join(POLICY_KEYS)}."
    unknown = [name for name in values if name not in POLICY_KEYS]
    if unknown:
        raise InvalidRequest(
            errors=tuple(FieldProblem(f"policies.{show_name(name)}", "unknown_field", detail) for name in unknown)
        )


def view_of(draft: Draft) -> DraftView:
    return DraftView(
        id=draft.shown_id,
        name=draft.name,
        note=draft.note,
        status=draft.status,
        revision=draft.revision,
        base_version=draft.base_version,
        published_version=draft.published_version,
        policies={key: msgspec.to_builtins(getattr(draft.document, key)) for key in POLICY_KEYS},
        changed_at=draft.changed_at,
    )


def run_view_of(results: Sequence[PolicyTestResult]) -> TestRunView:
    passed = sum(result.has_passed for result in results)
    return TestRunView(passed, len(results) - passed, tuple(map(_result_view_of, results)))


def _result_view_of(result: PolicyTestResult) -> TestResultView:
    return TestResultView(
        name=result.test.name,
        passed=result.has_passed,
        detail="" if result.has_passed else difference_of(result),
        allowed=result.allowed,
        reason=result.reason,
        risk_score=result.risk_score,
    )


def impact_view_of(impact: Impact, draft: Draft, *, active_version: int) -> ImpactView:
    tally = impact.tally
    return ImpactView(
        status=impact.status,
        is_stale=impact.is_stale(draft, active_version=active_version),
        base_version=impact.base_version,
        since=impact.since,
        until=impact.until,
        total=impact.total,
        looked_at=tally.looked_at,
        newly_blocked=tally.newly_blocked,
        newly_allowed=tally.newly_allowed,
        score_changed=tally.score_changed,
        not_replayed=tally.unreadable,
        recorded_otherwise=tally.recorded_otherwise,
        lacking_facts=tally.lacking,
        by={
            kind: tuple(
                ImpactShare(
                    f"key_{value}" if kind == "key" else value,
                    share.newly_blocked,
                    share.newly_allowed,
                    share.score_changed,
                )
                for value, share in tally.shares(kind)
            )
            for kind in tally.by
        },
    )
