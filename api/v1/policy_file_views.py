"""The file of policies that a pipeline pushes, beside the policies in force."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from flask import Blueprint
from msgspec import Meta

from api.authentication import Caller, WrongEnvironment
from api.keys.scopes import Scope
from api.policies import files
from api.policies import services as policies
from api.policies.testing import run_tests
from api.policies.validation import with_values
from api.v1.draft_schema import TestRunView, need_known, run_view_of
from api.v1.endpoint import Endpoint, serve
from api.v1.policy_schema import LIVE_TO_CHANGE
from core.clock import utc_now
from core.db import transaction
from core.errors import NotFound
from core.sample_ids import STORED_AT

bp = Blueprint("api_policy_file", __name__)

PATH, TESTS_PATH = "/v1/policy/file", "/v1/policy/file/tests"


class PolicyFileContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    policies: Annotated[
        dict[str, Any],
        Meta(
            description="The policies in the file, each with its value in its type.",
            examples=[{"max_risk_score": 40}],
        ),
    ]


class PolicyDifference(msgspec.Struct, frozen=True):
    policy: Annotated[str, Meta(description="Name of the policy.", examples=["max_risk_score"])]
    file: Annotated[Any, Meta(description="The value in the file.", examples=[40])]
    in_force: Annotated[Any, Meta(description="The active value.", examples=[50])]


class PolicyDrift(msgspec.Struct, frozen=True):
    """How the active policies differ from the last file that was pushed."""

    pushed_at: Annotated[datetime, Meta(tz=True, description="When the file was pushed, in UTC.", examples=[STORED_AT])]
    pushed_at_version: Annotated[int, Meta(description="The version that was active then.", examples=[3])]
    version: Annotated[int, Meta(description="The version that is active now.", examples=[4])]
    differences: Annotated[tuple[PolicyDifference, ...], Meta(description="Empty if nothing differs.")]


@serve(
    bp,
    Endpoint(
        method="PUT",
        path=PATH,
        tag="Policies",
        summary="Push the policy file",
        description=(
            "Stores the contents of your policy file, so that differences from the active policies are shown. Changes "
            "no policies. The command aig policy push sends it."
        ),
        scope=Scope.POLICIES_DRAFT,
        body=PolicyFileContent,
        answer=PolicyDrift,
        example={"pushed_at_version": 4},
        refusals=(NotFound, WrongEnvironment),
    ),
)
def push(caller: Caller, body: PolicyFileContent) -> PolicyDrift:
    caller.need_live_key(LIVE_TO_CHANGE)
    need_known(body.policies)
    with transaction():
        drift = files.push(
            caller.organization.id,
            body.policies,
            by=caller.actor,
            now=utc_now(),
            path_of=_path_of,
        )
    return _view_of(drift)


@serve(
    bp,
    Endpoint(
        method="GET",
        path=PATH,
        tag="Policies",
        summary="Get the drift from the policy file",
        description="How the active policies differ from the last file that was pushed.",
        scope=Scope.POLICIES_READ,
        answer=PolicyDrift,
        refusals=(NotFound,),
    ),
)
def show(caller: Caller) -> PolicyDrift:
    drift = files.find_drift(caller.organization.id)
    if drift is None:
        raise NotFound("No policy file has been pushed yet. Push one with `aig policy push`.")
    return _view_of(drift)


@serve(
    bp,
    Endpoint(
        method="POST",
        path=TESTS_PATH,
        tag="Policies",
        summary="Run the tests of a policy file",
        description=(
            "Evaluates each test's request with the active policies and the values of the file. Stores nothing. For "
            "pipelines, before anything is pushed. If the file has no tests, the tests of the active policies run."
        ),
        scope=Scope.POLICIES_READ,
        body=PolicyFileContent,
        answer=TestRunView,
        refusals=(NotFound,),
    ),
)
def run(caller: Caller, body: PolicyFileContent) -> TestRunView:
    need_known(body.policies)
    _, active = policies.current(caller.organization.id)
    wanted = with_values(active, body.policies, path_of=_path_of)
    return run_view_of(run_tests(wanted))


def _path_of(key: str) -> str:
    return f"policies.{key}"


def _view_of(drift: files.Drift) -> PolicyDrift:
    return PolicyDrift(
        pushed_at=drift.file.pushed_at,
        pushed_at_version=drift.file.version,
        version=drift.version,
        differences=tuple(PolicyDifference(key, *pair) for key, pair in drift.differences.items()),
    )
