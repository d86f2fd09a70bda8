"""Drafts of policies over the API: policies as code, published by a key only where it has the scope for it."""

import msgspec
from flask import Blueprint

from api.authentication import Caller, WrongEnvironment
from api.decisions.impact import services as impacts
from api.decisions.impact.jobs import analyze_impact
from api.decisions.impact.services import ImpactUnderWay
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.policies import services as policies
from api.policies.drafts import services as drafts
from api.policies.drafts.errors import DraftChanged, DraftClosed, DraftOutdated, DraftUnchanged, TooManyDrafts
from api.policies.testing import PolicyTestsFailed, run_tests
from api.policies.validation import with_values
from api.publishing import services as publishing
from api.publishing.reviews import ApprovalMissing
from api.v1 import draft_schema as schema
from api.v1.endpoint import Endpoint, serve
from api.v1.policy_schema import LIVE_TO_CHANGE
from core.clock import utc_now
from core.db import transaction
from core.errors import NotFound
from core.ids import parse_public_id
from core.jobs import defer

bp = Blueprint("api_policy_drafts", __name__)
_COUNTED = ("looked_at", "newly_blocked", "newly_allowed", "score_changed", "not_replayed", "recorded_otherwise")
"""Of an impact that has not begun, none yet."""

_CHANGES = (NotFound, WrongEnvironment, DraftChanged, DraftClosed)


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/policy/drafts",
        tag="Policies",
        summary="List policy drafts",
        description="The open drafts with all their values.",
        scope=Scope.POLICIES_READ,
        answer=schema.DraftList,
    ),
)
def index(caller: Caller) -> schema.DraftList:
    return schema.DraftList(tuple(map(schema.view_of, drafts.list_open(caller.organization.id))))


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/policy/drafts",
        tag="Policies",
        summary="Create a policy draft",
        description="A copy of the active policies with your values. It has no effect on checks until it is published.",
        scope=Scope.POLICIES_DRAFT,
        body=schema.DraftCreate,
        answer=schema.DraftView,
        example={"revision": 1},
        status=201,
        refusals=(WrongEnvironment, TooManyDrafts),
    ),
)
def create(caller: Caller, body: schema.DraftCreate) -> schema.DraftView:
    caller.need_live_key(LIVE_TO_CHANGE)
    schema.need_known(body.policies)
    now = utc_now()
    with transaction():
        draft = drafts.create(caller.organization.id, name=body.name, note=body.note, by=caller.actor, now=now)
        draft = drafts.change(
            caller.organization.id,
            draft,
            body.policies,
            expected_revision=draft.revision,
            by=caller.actor,
            now=now,
            path_of=_path_of,
        )
    return schema.view_of(draft)


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/policy/drafts/{draft_id}",
        tag="Policies",
        summary="Get a policy draft",
        description="One draft with all its values, even after it was published or discarded.",
        scope=Scope.POLICIES_READ,
        answer=schema.DraftView,
        refusals=(NotFound,),
    ),
)
def show(caller: Caller, draft_id: str) -> schema.DraftView:
    return schema.view_of(draft_of(caller, draft_id))


@serve(
    bp,
    Endpoint(
        method="PUT",
        path="/v1/policy/drafts/{draft_id}",
        tag="Policies",
        summary="Change a policy draft",
        description="Sets values in the draft. Although this is a PUT, omitted policies keep their values.",
        scope=Scope.POLICIES_DRAFT,
        body=schema.DraftChange,
        answer=schema.DraftView,
        example={"revision": 3},
        refusals=_CHANGES,
    ),
)
def update(caller: Caller, draft_id: str, body: schema.DraftChange) -> schema.DraftView:
    caller.need_live_key(LIVE_TO_CHANGE)
    draft = draft_of(caller, draft_id)
    schema.need_known(body.policies)
    with transaction():
        draft = drafts.change(
            caller.organization.id,
            draft,
            body.policies,
            expected_revision=body.expected_revision,
            by=caller.actor,
            now=utc_now(),
            path_of=_path_of,
        )
    return schema.view_of(draft)


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/policy/drafts/{draft_id}/impact",
        tag="Policies",
        summary="Analyze the impact of a policy draft",
        description="Replays past decisions with the draft, in the background. Poll the impact for progress.",
        scope=Scope.POLICIES_DRAFT,
        body=schema.ImpactRequest,
        answer=schema.ImpactView,
        example={"status": "queued", **dict.fromkeys(_COUNTED, 0), "lacking_facts": {}},
        status=202,
        refusals=(NotFound, WrongEnvironment, ImpactUnderWay),
    ),
)
def analyze(caller: Caller, draft_id: str, body: schema.ImpactRequest) -> schema.ImpactView:
    caller.need_live_key(LIVE_TO_CHANGE)
    draft, organization_id = draft_of(caller, draft_id), caller.organization.id
    with transaction():
        impact = impacts.request(organization_id, draft, days=body.days, by=caller.actor, now=utc_now())
        defer(analyze_impact, organization_id=str(organization_id), impact_id=str(impact.id))
    return _impact_view(caller, impact, draft)


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/policy/drafts/{draft_id}/impact",
        tag="Policies",
        summary="Get the impact of a policy draft",
        description="The latest analysis of the draft, done or under way.",
        scope=Scope.POLICIES_READ,
        answer=schema.ImpactView,
        refusals=(NotFound,),
    ),
)
def show_impact(caller: Caller, draft_id: str) -> schema.ImpactView:
    draft = draft_of(caller, draft_id)
    impact = impacts.find_latest(caller.organization.id, draft.id)
    if impact is None:
        raise NotFound("The impact of this draft has not been analyzed yet.")
    return _impact_view(caller, impact, draft)


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/policy/drafts/{draft_id}/tests",
        tag="Policies",
        summary="Run the tests of a policy draft",
        description="Evaluates the request of each test with the draft. Records nothing.",
        scope=Scope.POLICIES_READ,
        body=schema.DraftTests,
        answer=schema.TestRunView,
        refusals=(NotFound,),
    ),
)
def run(caller: Caller, draft_id: str, body: schema.DraftTests) -> schema.TestRunView:
    draft = draft_of(caller, draft_id)
    document = draft.document
    if body.tests is not None:
        document = with_values(document, {"tests": msgspec.to_builtins(body.tests)}, path_of=str)
    return schema.run_view_of(run_tests(document))


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/policy/drafts/{draft_id}/publish",
        tag="Policies",
        summary="Publish a policy draft",
        description=(
            "Makes the draft the active version within a second, for all keys or for test keys only. The organization "
            "must allow API keys to publish. If it requires a review, a second person must have approved the draft."
        ),
        scope=Scope.POLICIES_PUBLISH,
        body=schema.DraftPublish,
        answer=schema.DraftPublished,
        refusals=(
            *_CHANGES,
            DraftOutdated,
            DraftUnchanged,
            PolicyTestsFailed,
            ApprovalMissing,
            publishing.KeysMayNotPublish,
        ),
    ),
)
def publish(caller: Caller, draft_id: str, body: schema.DraftPublish) -> schema.DraftPublished:
    caller.need_live_key(LIVE_TO_CHANGE)
    draft = draft_of(caller, draft_id)
    with transaction():
        publish_it = publishing.publish if body.environment is KeyEnvironment.LIVE else publishing.publish_to_test_keys
        version = publish_it(
            caller.organization.id, draft, expected_revision=body.expected_revision, by=caller.actor, now=utc_now()
        )
    return schema.DraftPublished(version)


def draft_of(caller: Caller, draft_id: str) -> drafts.Draft:
    """Raises NotFound."""
    return drafts.find(caller.organization.id, parse_public_id(drafts.PREFIX, draft_id))


def _impact_view(caller: Caller, impact: impacts.Impact, draft: drafts.Draft) -> schema.ImpactView:
    version, _ = policies.current(caller.organization.id)
    return schema.impact_view_of(impact, draft, active_version=version)


def _path_of(key: str) -> str:
    return f"policies.{key}"
