"""AuthZEN's addresses, declared for the API's description."""

from api.checks.idempotency import IdempotencyKeyReused
from api.content.refusal import ContentRefused, TooManyNames
from api.keys.scopes import Scope
from api.recording.recorder import DecisionNotRecorded
from api.v1.authzen import schema
from api.v1.authzen.errors import EvaluationNotJson, InvalidEvaluation
from api.v1.endpoint import Endpoint, declare
from api.v1.limit_headers import TooManyAtOnce
from api.v1.requests import UnsupportedMediaType

_REFUSALS = (
    *(ContentRefused, TooManyNames, TooManyAtOnce, DecisionNotRecorded, IdempotencyKeyReused),
    *(InvalidEvaluation, EvaluationNotJson),
)

declare(
    Endpoint(
        method="POST",
        path="/access/v1/evaluation",
        tag="AuthZEN",
        summary="Run an AuthZEN evaluation",
        description=(
            "A check in AuthZEN 1.0 format: the action is the operation, the resource is the model, and "
            "properties and context contain facts. Unlike in /v1/check, unknown names are ignored: a misspelled fact "
            "has no effect. Content is rejected. A denial is a 200 with decision: false. An X-Request-ID that you send "
            "comes back unchanged."
        ),
        scope=Scope.CHECKS_WRITE,
        body=schema.EvaluationRequest,
        answer=schema.EvaluationAnswer,
        refusals=_REFUSALS,
        never=(UnsupportedMediaType,),
        takes_idempotency_key=True,
    )
)
declare(
    Endpoint(
        method="POST",
        path="/access/v1/evaluations",
        tag="AuthZEN",
        summary="Run several AuthZEN evaluations",
        description=(
            "Up to 100 evaluations in one request. Each has its own decision ID and counts against the limit. An "
            "invalid one is denied, with the reason in context.error."
        ),
        scope=Scope.CHECKS_WRITE,
        body=schema.EvaluationsRequest,
        answer=schema.EvaluationsAnswer,
        refusals=_REFUSALS,
        never=(UnsupportedMediaType,),
        takes_idempotency_key=True,
    )
)
