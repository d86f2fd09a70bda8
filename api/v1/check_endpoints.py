"""The addresses that the check path answers, declared for the API's description."""

from api.checks.schema import BatchAnswer, BatchRequest, CheckAnswer, CheckRequest, KeyProbe
from api.content.refusal import ContentRefused, TooManyNames
from api.keys.scopes import Scope
from api.recording.recorder import DecisionNotRecorded
from api.v1.endpoint import ANY_KEY, Endpoint, declare
from api.v1.limit_headers import TooManyAtOnce

declare(
    Endpoint(
        method="POST",
        path="/v1/check",
        tag="Checks",
        summary="May this operation go ahead?",
        description=(
            "Ask before every call of a model, with facts and never with content. The answer is on record under its "
            "decision_id before it is sent. Treat every answer but 200 with allowed: true as no."
        ),
        scope=Scope.CHECKS_WRITE,
        body=CheckRequest,
        answer=CheckAnswer,
        refusals=(ContentRefused, TooManyNames, TooManyAtOnce, DecisionNotRecorded),
    )
)
declare(
    Endpoint(
        method="POST",
        path="/v1/checks",
        tag="Checks",
        summary="Up to 100 questions in one request",
        description="Each has its own decision id, counts against the limit, and is answered or refused on its own.",
        scope=Scope.CHECKS_WRITE,
        body=BatchRequest,
        answer=BatchAnswer,
        refusals=(ContentRefused, TooManyNames, TooManyAtOnce, DecisionNotRecorded),
    )
)
declare(
    Endpoint(
        method="POST",
        path="/api/evaluate",
        tag="Checks",
        summary="What is this key good for?",
        description="Tells the key's status, its organization and what is left of its limit; counts as one request.",
        scope=ANY_KEY,
        answer=KeyProbe,
        refusals=(TooManyAtOnce,),
    )
)
