"""The shapes of AuthZEN. Unknown members are ignored, as the standard wants, and never stored."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.checks.schema import CheckAnswer
from api.policies.contribution import Contribution
from api.policies.fail_modes import Unreachable
from api.vocabulary import MAX_BATCH, MODEL_NAME, OPERATION_NAME, TOKEN
from core.errors import FieldProblem
from core.sample_ids import DECISION_ID, MOMENT, REQUEST_ID

Properties = Annotated[
    dict[str, Any],
    Meta(description="Facts. Names that are not declared facts are ignored.", examples=[{"department": "support"}]),
]


class Subject(msgspec.Struct, frozen=True):
    type: Annotated[str, Meta(description="What kind of subject asks.", examples=["user"])]
    id: Annotated[
        str,
        Meta(pattern=TOKEN, description="A pseudonym; stored as a keyed hash only.", examples=["user-7f3a"]),
    ]
    properties: Properties | None = None


class Resource(msgspec.Struct, frozen=True):
    type: Annotated[str, Meta(description="What kind of resource it is.", examples=["model"])]
    id: Annotated[
        str,
        Meta(pattern=MODEL_NAME, description="The model to call, or the resource to act on.", examples=["gpt-4o"]),
    ]
    properties: Properties | None = None


class Action(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(pattern=OPERATION_NAME, description="The operation.", examples=["chat"])]
    properties: Properties | None = None


class EvaluationRequest(msgspec.Struct, frozen=True):
    """May this subject do this action on this resource?"""

    subject: Annotated[Subject, Meta(description="The person or system that asks.")]
    action: Annotated[Action, Meta(description="The operation.")]
    resource: Annotated[Resource, Meta(description="The resource, such as the model.")]
    context: (
        Annotated[
            dict[str, Any],
            Meta(
                description="Further facts. Names that are not declared facts are ignored.",
                examples=[{"contains_personal_data": True}],
            ),
        ]
        | None
    ) = None


SLUG = r"[a-z0-9][a-z0-9-]{1,62}"
"""Of an organization, as addresses have it."""


class Semantic(StrEnum):
    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


class Options(msgspec.Struct, frozen=True):
    evaluations_semantic: Annotated[
        Semantic,
        Meta(
            description="execute_all decides every evaluation; the others stop at the first denied or permitted one.",
            examples=["execute_all"],
        ),
    ] = Semantic.EXECUTE_ALL


class EvaluationItem(msgspec.Struct, frozen=True):
    """What differs from the members beside `evaluations`. Each member replaces the other as a whole."""

    subject: Annotated[Subject | None, Meta(description="The person or system that asks.")] = None
    action: Annotated[Action | None, Meta(description="The operation.")] = None
    resource: Annotated[Resource | None, Meta(description="The resource, such as the model.")] = None
    context: (
        Annotated[dict[str, Any], Meta(description="Further facts.", examples=[{"contains_personal_data": True}])]
        | None
    ) = None


class EvaluationsRequest(msgspec.Struct, frozen=True):
    """Several evaluations. Without `evaluations` it is a single one."""

    subject: Annotated[
        Subject | None, Meta(description="The person or system that asks, unless an evaluation says otherwise.")
    ] = None
    action: Annotated[Action | None, Meta(description="The operation, unless an evaluation says otherwise.")] = None
    resource: Annotated[Resource | None, Meta(description="The resource, unless an evaluation says otherwise.")] = None
    context: (
        Annotated[
            dict[str, Any],
            Meta(description="Further facts, unless an evaluation says otherwise.", examples=[{}]),
        ]
        | None
    ) = None
    evaluations: Annotated[
        tuple[EvaluationItem, ...], Meta(max_length=MAX_BATCH, description="The evaluations, in order.")
    ] = ()
    options: Annotated[Options | None, Meta(description="How the evaluations are run.")] = None


class EvaluationError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an evaluation of a batch has no decision."""

    status: Annotated[int, Meta(description="The HTTP status it would have had alone.", examples=[400])]
    message: Annotated[str, Meta(description="What to do next.", examples=["Correct the fields named under errors."])]
    code: Annotated[str, Meta(description="Stable code of the problem.", examples=["invalid_evaluation"])]
    errors: Annotated[tuple[FieldProblem, ...], Meta(description="What is wrong with each field.")] = ()


class EvaluationContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why, and where it is on record; or `error`, where there is no decision."""

    decision_id: Annotated[str, Meta(description="The decision in your decision log.", examples=[DECISION_ID])] = ""
    request_id: Annotated[str, Meta(description="Quote it when you contact support.", examples=[REQUEST_ID])] = ""
    risk_score: Annotated[int | None, Meta(description="Sum of all points, at most 100.", examples=[70])] = None
    max_risk_score: Annotated[
        int | None, Meta(description="The risk score at which the policy blocks.", examples=[50])
    ] = None
    reason: Annotated[
        str, Meta(description="ok, or the code of the most important reason.", examples=["contains_personal_data"])
    ] = ""
    reasons: Annotated[
        tuple[Contribution, ...], Meta(description="Every reason, with its points and how to fix it.")
    ] = ()
    policy_version: Annotated[int | None, Meta(description="The policy version that decided.", examples=[3])] = None
    environment: Annotated[str, Meta(description="live or test, the same as the key.", examples=["test"])] = ""
    decided_at: Annotated[str, Meta(description="UTC, to the millisecond.", examples=[MOMENT])] = ""
    on_unreachable: Annotated[
        Unreachable | None,
        Meta(
            description=(
                "What an enforcement point does with this operation while it can't reach the service. Only if your "
                "policies declare it."
            ),
            examples=["block"],
        ),
    ] = None
    error: Annotated[
        EvaluationError | None, Meta(description="Only in a batch: why there is no decision.", examples=[None])
    ] = None


class EvaluationAnswer(msgspec.Struct, frozen=True):
    decision: Annotated[
        bool,
        Meta(
            description="Whether the operation may go ahead. Base your decision on this field only.", examples=[False]
        ),
    ]
    context: Annotated[EvaluationContext, Meta(description="Reasons, risk score and the ID of the decision.")]


class EvaluationsAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """`evaluations` in the order sent; or `decision` and `context`, where none were sent."""

    evaluations: Annotated[
        tuple[EvaluationAnswer, ...] | None, Meta(description="One for each evaluation that was run.")
    ] = None
    decision: Annotated[
        bool | None,
        Meta(description="Only for a single evaluation: whether the operation may go ahead.", examples=[None]),
    ] = None
    context: Annotated[
        EvaluationContext | None, Meta(description="Only for a single evaluation: its reasons.", examples=[None])
    ] = None


class Configuration(msgspec.Struct, frozen=True):
    """What an enforcement point needs to know. No search is offered."""

    policy_decision_point: Annotated[
        str, Meta(description="Identifier of the decision point.", examples=["https://governance.example.com"])
    ]
    access_evaluation_endpoint: Annotated[
        str,
        Meta(
            description="Where single evaluations are sent.",
            examples=["https://governance.example.com/access/v1/evaluation"],
        ),
    ]
    access_evaluations_endpoint: Annotated[
        str,
        Meta(
            description="Where several evaluations are sent.",
            examples=["https://governance.example.com/access/v1/evaluations"],
        ),
    ]


def answer_of(answer: CheckAnswer) -> EvaluationAnswer:
    """A decision of ours in AuthZEN's words."""
    return EvaluationAnswer(
        decision=answer.allowed,
        context=EvaluationContext(
            decision_id=answer.decision_id,
            request_id=answer.request_id,
            risk_score=answer.risk_score,
            max_risk_score=answer.max_risk_score,
            reason=answer.reason,
            reasons=answer.reasons,
            policy_version=answer.policy_version,
            environment=answer.environment,
            decided_at=answer.decided_at,
            on_unreachable=None if answer.on_unreachable is msgspec.UNSET else answer.on_unreachable,
        ),
    )
