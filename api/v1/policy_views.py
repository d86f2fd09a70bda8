"""Policies over the API."""

from flask import Blueprint

from api.authentication import Caller, WrongEnvironment
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.policies import services
from api.v1 import policy_schema as schema
from api.v1.endpoint import Endpoint, serve
from core.clock import utc_now
from core.db import transaction
from core.errors import NotFound

bp = Blueprint("api_policies", __name__)


@serve(
    bp,
    Endpoint(
        method="GET",
        path="/v1/policies",
        tag="Policies",
        summary="List policies",
        description="All policies with their current and default values, and the version in force.",
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
        refusals=(NotFound, WrongEnvironment, services.PolicyChanged),
    ),
)
def update(caller: Caller, key: str, body: schema.PolicyChange) -> schema.PolicyChanged:
    if caller.key.environment != KeyEnvironment.LIVE:
        raise WrongEnvironment("Policies apply to live and test checks. Use a live key to change them.")
    with transaction():
        version = services.change(
            caller.organization.id,
            key,
            body.value,
            expected_version=body.expected_version,
            by=caller.actor,
            now=utc_now(),
        )
        setting = next(one for one in services.overview(caller.organization.id).policies if one.key == key)
    return schema.PolicyChanged(version=version, policy=setting)
