"""AuthZEN's two kinds of request, as calls of the check path: admitted, counted, decided and recorded as every check.

A batch counts as many requests as it has evaluations, also where its semantic stops before the last of them.
"""

from collections.abc import Sequence
from typing import Any
from wsgiref.types import WSGIEnvironment

import msgspec

from api.checks import service
from api.checks.reading import Reader
from api.content.refusal import parse_batch_without_content, parse_without_content
from api.strict_json import MAX_NAMED, MAX_NAMED_IN_BATCH
from api.v1.authzen.errors import EvaluationNotJson, InvalidEvaluation
from api.v1.authzen.schema import (
    EvaluationAnswer,
    EvaluationContext,
    EvaluationError,
    EvaluationsAnswer,
    Semantic,
    answer_of,
)
from api.v1.authzen.translation import translate, with_defaults
from api.v1.check_calls import Call, Check, Checks
from api.v1.limit_headers import refusal_of
from api.v1.requests import UnsupportedMediaType
from api.vocabulary import MAX_BATCH
from core.errors import AppError, FieldProblem, InvalidRequest

_DEFAULTS = ("subject", "action", "resource", "context")
_STOPS_AT = {Semantic.EXECUTE_ALL: None, Semantic.DENY_ON_FIRST_DENY: False, Semantic.PERMIT_ON_FIRST_PERMIT: True}


class _AuthzenCall(Call):
    """Tells the caller its own X-Request-ID, which is kept nowhere; a refusal of the body is 400."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        super().__init__(environ)
        self.shown_request_id = environ.get("HTTP_X_REQUEST_ID") or self.request_id

    def take_body(self, body: bytes) -> None:
        super().take_body(body)
        if isinstance(self._body, UnsupportedMediaType):
            self._body = EvaluationNotJson()

    def _evaluated(self, asked: Any, reader: Reader, *, most_named: int = MAX_NAMED) -> service.Decided:
        """Raises InvalidEvaluation, or ServiceUnavailable without a policy."""
        policy = self.caller.organization.policy
        evaluation = translate(asked, policy.facts if policy else {})
        try:
            question = reader.read_parsed(evaluation.question, policy, most_named=most_named)
        except InvalidRequest as refusal:
            raise evaluation.refusal_of(refusal) from refusal
        return self._decided(question)


class Evaluation(_AuthzenCall, Check):
    """One evaluation."""

    def read_quickly(self, reader: Reader) -> bool:  # noqa: ARG002  another shape than that of the quick reader
        return False

    def decide(self, reader: Reader) -> Sequence[service.Decided]:
        self.decided = self._evaluated(parse_without_content(self.body()), reader)
        return (self.decided,)

    def answer(self, *, base_url: str) -> msgspec.Struct:  # noqa: ARG002  a single answer links to nothing
        return answer_of(self.decided.answer)


class Evaluations(_AuthzenCall, Checks):
    """Several evaluations, run in order until one ends them; without any it is a single one."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        super().__init__(environ)
        self._asked: dict[str, Any] = {}
        self._refused: dict[int, AppError] = {}
        self._stops_at: bool | None = None

    def read(self, reader: Reader) -> None:  # noqa: ARG002  facts are read when it is decided
        parsed, self._refused = parse_batch_without_content(
            self.body(), items_under="evaluations", may_have_others=True
        )
        if not isinstance(parsed, dict):
            raise InvalidEvaluation("Send one JSON object with evaluations.")
        self._asked, self._questions = parsed, _items_of(parsed)
        self._stops_at = _STOPS_AT[_semantic_of(parsed)]
        self.cost = max(1, len(self._questions))

    def decide(self, reader: Reader) -> Sequence[service.Decided]:
        if not self._questions:
            self._results[0] = self._evaluated(self._asked, reader)
            return self.decisions()
        defaults = {name: self._asked[name] for name in _DEFAULTS if name in self._asked}
        for index, item in enumerate(self._questions):
            result = self._results[index] = self._tried(index, item, defaults, reader)
            if self._stops_at is (isinstance(result, service.Decided) and result.answer.allowed):
                break
        return self.decisions()

    def answer(self, *, base_url: str) -> msgspec.Struct:
        answers = tuple(self._answer_to(result, base_url) for result in self._results.values())
        if self._questions:
            return EvaluationsAnswer(evaluations=answers)
        return EvaluationsAnswer(decision=answers[0].decision, context=answers[0].context)

    def _tried(self, index: int, item: Any, defaults: dict[str, Any], reader: Reader) -> service.Decided | AppError:
        if self.limit is not None and index >= self.limit.granted:
            return refusal_of(self.limit)
        if index in self._refused:
            return self._refused[index]
        try:
            return self._evaluated(with_defaults(item, defaults), reader, most_named=MAX_NAMED_IN_BATCH)
        except AppError as refusal:
            return refusal

    def _answer_to(self, result: service.Decided | AppError, base_url: str) -> EvaluationAnswer:
        if isinstance(result, service.Decided):
            return answer_of(result.answer)
        problem = result.problem(request_id=self.request_id, base_url=base_url)
        error = EvaluationError(problem.status, problem.detail, problem.code, problem.errors)
        return EvaluationAnswer(decision=False, context=EvaluationContext(request_id=self.request_id, error=error))


def _items_of(parsed: dict[str, Any]) -> list[Any]:
    items = parsed.get("evaluations")
    if items is None:
        return []
    if not isinstance(items, list) or len(items) > MAX_BATCH:
        code = "length" if isinstance(items, list) else "wrong_type"
        detail = f"Send a list of at most {MAX_BATCH} evaluations."
        raise InvalidEvaluation(errors=(FieldProblem("evaluations", code, detail),))
    return items


def _semantic_of(parsed: dict[str, Any]) -> Semantic:
    options = parsed.get("options", {})
    asked = options.get("evaluations_semantic", Semantic.EXECUTE_ALL) if isinstance(options, dict) else None
    if asked not in list(Semantic):
        detail = f"Expected one of {', '.join(Semantic)}."
        raise InvalidEvaluation(errors=(FieldProblem("options.evaluations_semantic", "not_a_choice", detail),))
    return Semantic(asked)
