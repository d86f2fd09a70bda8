"""The three kinds of request that the check path answers, each as the steps it goes through.

A call is admitted (whose key is it), counted, decided (`decide`, which leaves rows to put on record) and answered
(`answer`). Each step may refuse it; a refused call goes no further. A batch is counted as one request, read, and then
counted as the others that it is.
"""

from collections.abc import Sequence
from typing import Any, ClassVar
from wsgiref.types import WSGIEnvironment

import msgspec

from api.authentication import Caller
from api.checks import service
from api.checks.reading import Reader
from api.checks.schema import (
    BatchAnswer,
    BatchItem,
    CheckAnswer,
    KeyFacts,
    KeyProbe,
    LimitState,
    OrganizationFacts,
)
from api.keys.scopes import Scope
from api.limits.window import Verdict
from api.policies.facts import CheckQuestion
from api.strict_json import MAX_NAMED_IN_BATCH
from api.v1.includes import NOTHING_MORE, Include, included
from api.v1.limit_headers import refusal_of
from api.v1.requests import need_json_body
from api.vocabulary import MAX_BATCH
from core.clock import monotonic_s
from core.errors import AppError, FieldProblem, InvalidRequest, Problem
from core.ids import new_request_id, public_id

MAX_CHECK_BYTES = 16_384
MAX_BATCH_BYTES = 1_048_576
MOST_RULES_AT_ONCE = 400
"""Of a check that is decided on the event loop, where all others wait for as long."""


class Call:
    """One request on its way. `limit` is known once it was counted, and told in every answer from then on."""

    scope: ClassVar[Scope | None] = None
    max_bytes: ClassVar[int] = 0

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.request_id = self.shown_request_id = new_request_id()
        self.started_s = monotonic_s()
        self.refusal: AppError | None = None
        self.limit: Verdict | None = None
        self.is_replayed = False
        self.caller: Caller
        self._body: bytes | AppError = b""

    def decide(self, reader: Reader) -> Sequence[service.Decided]:  # noqa: ARG002  a probe decides nothing
        """What must be on record before the answer may leave."""
        return ()

    def answer(self, *, base_url: str) -> msgspec.Struct:
        raise NotImplementedError

    def decisions(self) -> Sequence[service.Decided]:
        """What the answer tells of."""
        return ()

    def refusals(self) -> Sequence[AppError]:
        """What the answer refuses."""
        return () if self.refusal is None else (self.refusal,)

    def positions(self) -> Sequence[int]:
        """Where in the request each of `decisions` was asked for."""
        return ()

    def settle(self, decided: Sequence[service.Decided]) -> None:
        """Answers with these decisions in place of its own."""

    @property
    def status(self) -> int:
        return 200 if self.refusal is None else int(self.refusal.status)

    @property
    def _included(self) -> frozenset[Include]:
        """Raises InvalidRequest."""
        query_string = self.environ.get("QUERY_STRING")
        return included(query_string) if query_string else NOTHING_MORE

    def _decided(self, question: CheckQuestion) -> service.Decided:
        policy = self.caller.organization.policy
        assert policy is not None  # noqa: S101  without one no question is read
        return service.decide(question, policy, caller=self.caller, started_s=self.started_s)

    def body(self) -> bytes:
        """The raw body. Raises the refusal that reading it met."""
        if isinstance(self._body, AppError):
            raise self._body
        return self._body

    def read_body(self) -> None:
        """Reads in the request's own thread, so that a slow sender holds up no group; refuses later, in turn."""
        if self.max_bytes:
            self.take_body(self.environ["wsgi.input"].read(self.max_bytes + 1))

    def take_body(self, body: bytes) -> None:
        """One that was read already, at most one byte more than it may have; refuses later, in turn."""
        try:
            need_json_body(self.environ, body, at_most_bytes=self.max_bytes)
            self._body = body
        except AppError as refusal:
            self._body = refusal


class Check(Call):
    """One question."""

    scope = Scope.CHECKS_WRITE
    max_bytes = MAX_CHECK_BYTES
    decided: service.Decided
    included: frozenset[Include] = NOTHING_MORE
    question: CheckQuestion | None = None

    def read_quickly(self, reader: Reader) -> bool:
        """Whether it can be answered in a moment; if not, reading and deciding it takes a thread."""
        policy = self.caller.organization.policy
        if policy is None or policy.cost > MOST_RULES_AT_ONCE or isinstance(self._body, AppError):
            return False
        if self.environ.get("QUERY_STRING"):
            return False
        self.question = reader.read_quickly(self._body, policy)
        return self.question is not None

    def decide(self, reader: Reader) -> Sequence[service.Decided]:
        self.included = self._included
        self.question = self.question or reader.read(self.body(), self.caller.organization.policy)
        self.decided = self._decided(self.question)
        return (self.decided,)

    def answer(self, *, base_url: str) -> msgspec.Struct:  # noqa: ARG002  a single answer links to nothing
        answer = answer_with(self.decided, self.included)
        return answer if Include.FIXES not in self.included else self._with_fixes(answer)

    def _with_fixes(self, answer: CheckAnswer) -> CheckAnswer:
        """By the policies that decided; a decision repeated under a key may be by older ones, and gets none."""
        policy = self.caller.organization.policy
        if policy is None or self.question is None or policy.version != answer.policy_version:
            return answer
        fixes = service.fixes_for(self.question, policy, caller=self.caller)
        return msgspec.structs.replace(answer, would_pass=fixes)

    def decisions(self) -> Sequence[service.Decided]:
        return (self.decided,)

    def positions(self) -> Sequence[int]:
        return (0,)

    def settle(self, decided: Sequence[service.Decided]) -> None:
        (self.decided,) = decided


class Checks(Call):
    """Up to a hundred questions, each answered or refused on its own; those beyond the limit are refused as such."""

    scope = Scope.CHECKS_WRITE
    max_bytes = MAX_BATCH_BYTES

    def __init__(self, environ: WSGIEnvironment) -> None:
        super().__init__(environ)
        self.cost = 1
        self._questions: list[Any] = []
        self._results: dict[int, service.Decided | AppError] = {}
        self._includes = NOTHING_MORE

    def read(self, reader: Reader) -> None:
        """Sets `cost`, how many requests it counts as: one for each question."""
        self._includes = self._included
        if Include.FIXES in self._includes:
            detail = "Fixes come with single checks. Send this check to /v1/check."
            raise InvalidRequest(errors=(FieldProblem("include", "invalid_value", detail),))
        policy = self.caller.organization.policy
        parsed, refusals = reader.read_batch(self.body(), policy, items_under="checks")
        self._questions = _questions_of(parsed)
        self._results.update(refusals)
        self.cost = len(self._questions)

    def decide(self, reader: Reader) -> Sequence[service.Decided]:
        for index, question in enumerate(self._questions):
            try:
                self._results[index] = self._decide_one(index, question, reader)
            except AppError as refusal:
                self._results[index] = refusal
        return self.decisions()

    def answer(self, *, base_url: str) -> msgspec.Struct:
        items = (self._item(self._results[index], base_url) for index in range(len(self._questions)))
        return BatchAnswer(results=tuple(items), request_id=self.request_id)

    def decisions(self) -> Sequence[service.Decided]:
        return [result for result in self._results.values() if isinstance(result, service.Decided)]

    def refusals(self) -> Sequence[AppError]:
        if self.refusal is not None:
            return (self.refusal,)
        return [result for result in self._results.values() if isinstance(result, AppError)]

    def positions(self) -> Sequence[int]:
        return [index for index, result in self._results.items() if isinstance(result, service.Decided)]

    def settle(self, decided: Sequence[service.Decided]) -> None:
        self._results.update(zip(self.positions(), decided, strict=True))

    def _decide_one(self, index: int, question: Any, reader: Reader) -> service.Decided | AppError:
        if self.limit is not None and index >= self.limit.granted:
            return refusal_of(self.limit)
        if index in self._results:
            return self._results[index]
        if not isinstance(question, CheckQuestion):
            policy = self.caller.organization.policy
            question = reader.read_parsed(question, policy, most_named=MAX_NAMED_IN_BATCH)
        return self._decided(question)

    def _item(self, result: service.Decided | AppError, base_url: str) -> BatchItem:
        if isinstance(result, service.Decided):
            return BatchItem(status=200, decision=answer_with(result, self._includes))
        problem: Problem = result.problem(request_id=self.request_id, base_url=base_url)
        return BatchItem(status=problem.status, problem=problem)


class KeyProbeCall(Call):
    """What is this key good for?"""

    def answer(self, *, base_url: str) -> msgspec.Struct:  # noqa: ARG002  a probe links to nothing
        key, organization, limit = self.caller.key, self.caller.organization, self.limit
        assert limit is not None  # noqa: S101  every answered call was counted
        return KeyProbe(
            status="ok",
            key=KeyFacts(
                status="active",
                id=public_id("key", key.id),
                name=key.name,
                environment=key.environment,
                scopes=tuple(sorted(key.scopes)),
                expires_at=key.expires_at,
            ),
            organization=OrganizationFacts(slug=organization.slug, name=organization.name, status=organization.status),
            policy_version=organization.policy.version if organization.policy else None,
            rate_limit=LimitState(
                scope=limit.scope.value,
                limit=limit.limit,
                remaining=limit.remaining,
                window_s=limit.window_s,
                reset_s=round(limit.reset_s, 3),
                backend=limit.backend.value,
            ),
            request_id=self.request_id,
        )


def answer_with(decided: service.Decided, wanted: frozenset[Include]) -> CheckAnswer:
    if Include.SHADOW not in wanted:
        return decided.answer
    return msgspec.structs.replace(decided.answer, shadow=decided.shadow)


def _questions_of(parsed: Any) -> list[Any]:
    if not isinstance(parsed, dict) or set(parsed) != {"checks"} or not isinstance(parsed["checks"], list):
        detail = f"Send an object with checks, a list of 1 to {MAX_BATCH} checks."
        raise InvalidRequest(errors=(FieldProblem("checks", "wrong_type", detail),))
    questions: list[Any] = parsed["checks"]
    if not 1 <= len(questions) <= MAX_BATCH:
        raise InvalidRequest(errors=(FieldProblem("checks", "length", f"Send 1 to {MAX_BATCH} checks at once."),))
    return questions
