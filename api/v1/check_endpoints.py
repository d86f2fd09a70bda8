"""The addresses that the check path answers, declared for the API's description."""

from api.checks.idempotency import IdempotencyKeyReused
from api.checks.schema import BatchAnswer, BatchRequest, CheckAnswer, CheckRequest, KeyProbe
from api.content.refusal import ContentRefused, TooManyNames
from api.keys.scopes import Scope
from api.recording.recorder import DecisionNotRecorded
from api.v1.endpoint import ANY_KEY, Endpoint, declare
from api.v1.includes import CheckParameters
from api.v1.limit_headers import TooManyAtOnce

declare(
    Endpoint(
        method="POST",
        path="/v1/check",
        tag="Checks",
        summary="Run a check",
        description=(
            "Send a check before every model call. Send facts, never content. The decision is stored under its "
            "decision_id before we respond. Treat every response other than 200 with allowed: true as blocked."
        ),
        scope=Scope.CHECKS_WRITE,
        query=CheckParameters,
        body=CheckRequest,
        answer=CheckAnswer,
        refusals=(ContentRefused, TooManyNames, TooManyAtOnce, DecisionNotRecorded, IdempotencyKeyReused),
        takes_idempotency_key=True,
    )
)
declare(
    Endpoint(
        method="POST",
        path="/v1/checks",
        tag="Checks",
        summary="Run up to 100 checks",
        description=(
            "Checks many operations in one request. Each check has its own decision ID, counts against the limit, and "
            "succeeds or fails on its own."
        ),
        scope=Scope.CHECKS_WRITE,
        query=CheckParameters,
        body=BatchRequest,
        answer=BatchAnswer,
        refusals=(ContentRefused, TooManyNames, TooManyAtOnce, DecisionNotRecorded, IdempotencyKeyReused),
        takes_idempotency_key=True,
    )
)
declare(
    Endpoint(
        method="POST",
        path="/api/evaluate",
        tag="Checks",
        summary="Inspect an API key",
        description=(
            "Returns the status, organization and remaining limit of the key you send. Although its path "
            "says evaluate, it runs no check and stores no decision. Counts against the rate limit for checks, but "
            "not toward the plan's monthly checks."
        ),
        scope=ANY_KEY,
        answer=KeyProbe,
        refusals=(TooManyAtOnce,),
    )
)
