"""Policies over the API."""

from datetime import timedelta

from flask import Blueprint

from api.authentication import Caller, WrongEnvironment
from api.decisions import backtest
from api.keys.scopes import Scope
from api.policies import services
from api.policies.compiled_rules import ConditionRefused
from api.policies.document import PolicyDocument
from api.policies.testing import PolicyTestsFailed
from api.policies.validation import with_values
from api.v1 import policy_schema as schema
from api.v1.endpoint import Endpoint, serve
from core.clock import utc_now
from core.db import transaction
from core.errors import NotFound

bp = Blueprint("api_policies", __name__)

EFFECT_DAYS = 7


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/policies",
        tag="Policies",
        summary="List policies",
        description="All policies with their current and default values, and the active version.",
        scope=Scope.POLICIES_READ,
        answer=services.PolicySet,
        refusals=(NotFound,),
    ),
)
def index(caller: Caller) -> services.PolicySet:
    return services.overview(caller.organization.id)


@serve(
    bp,
    Endpoint(
        method="PATCH",
        path="/v1/policies/{key}",
        tag="Policies",
        summary="Update a policy",
        description="Creates a new version that applies to all checks within a second.",
        scope=Scope.POLICIES_WRITE,
        body=schema.PolicyChange,
        answer=schema.PolicyChanged,
        refusals=(NotFound, WrongEnvironment, services.PolicyChanged, services.ReviewRequired, PolicyTestsFailed),
    ),
)
def update(caller: Caller, key: str, body: schema.PolicyChange) -> schema.PolicyChanged:
    caller.need_live_key(schema.LIVE_TO_CHANGE)
    with transaction():
        _, before = services.hold(caller.organization.id, body.expected_version)
        version = services.change(
            caller.organization.id,
            key,
            body.value,
            expected_version=body.expected_version,
            by=caller.actor,
            now=utc_now(),
        )
        setting = next(one for one in services.overview(caller.organization.id).policies if one.key == key)
    return schema.PolicyChanged(version=version, policy=setting, effect=_effect_since(caller, before))


@serve(
    bp,
    Endpoint(
        method="POST",
        path="/v1/policies/preview",
        tag="Policies",
        summary="Preview a policy change",
        description=(
            "Evaluates your latest live and test decisions with other values. Changes nothing. The key must be a "
            "live key and also have the scope decisions:read."
        ),
        scope=Scope.POLICIES_READ,
        body=schema.PolicyPreview,
        answer=schema.PolicyEffect,
        refusals=(NotFound, WrongEnvironment),
    ),
)
def preview(caller: Caller, body: schema.PolicyPreview) -> schema.PolicyEffect:
    caller.need(Scope.DECISIONS_READ)
    caller.need_live_key("A preview evaluates live decisions too. Use a live key.")
    body.need_known()
    version, active = services.current(caller.organization.id)
    wanted = with_values(active, body.values, path_of=lambda key: f"values.{key}")
    return _effect(caller, version, active, wanted, days=body.days)


def _effect_since(caller: Caller, before: PolicyDocument) -> schema.PolicyEffect | None:
    """Of the version in force on the decisions of the last week.

    None for a key that may not read decisions, and where the version before could not judge any: the change stands.
    """
    if Scope.DECISIONS_READ not in caller.key.scopes:
        return None
    version, document = services.current(caller.organization.id)
    try:
        return _effect(caller, version, before, document, days=EFFECT_DAYS)
    except ConditionRefused:
        return None


def _effect(
    caller: Caller, version: int, active: PolicyDocument, wanted: PolicyDocument, *, days: int
) -> schema.PolicyEffect:
    since = utc_now() - timedelta(days=days)
    effect = backtest.effect_of(caller.organization.id, active, wanted, since=since)
    groups = (schema.PreviewGroup(one.model, one.reason, one.was_allowed, one.decisions) for one in effect.groups)
    return schema.PolicyEffect(
        version, effect.looked_at, effect.newly_blocked, effect.newly_allowed, groups=tuple(groups)
    )
