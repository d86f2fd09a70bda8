"""How checks are answered: ahead of Flask, in groups, each step for all who wait at the same moment.

A caller is admitted before a byte of the body is waited for. Single checks that then wait at the same moment go through
together on the event loop: all are counted in one call of the limiter, each is decided, all are put on record at once,
each is answered. What takes longer than the others should wait goes by itself, in a thread: a batch, an unusual body, a
policy of very many rules. It is counted before it is read.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count
from typing import Any

import msgspec
import structlog

from api.authentication import Caller, Keyring, authenticate
from api.checks import service
from api.limits.window import Verdict
from api.recording.recorder import Recorder
from api.runtime import Runtime
from api.snapshots.read_through_cache import NotInMemory
from api.v1.authzen.calls import Evaluation, Evaluations
from api.v1.check_calls import Call, Check, Checks, KeyProbeCall
from api.v1.idempotency import IN_ENVIRON, key_of, record_keyed
from api.v1.limit_headers import limit_lines, refusal_of
from api.v1.outcomes import Outcomes
from api.v1.stages import Stages
from core.clock import utc_now
from core.errors import JSON_CONTENT_TYPE, PROBLEM_CONTENT_TYPE, AppError, InternalError, MethodNotAllowed
from core.network import HttpsRequired, came_in_clear, client_address, cors_headers
from core.observability import REFUSALS, logged_with, report_error
from core.security_headers import lines_of_answer
from core.serving import Answer, HeaderLines, lines_of

log = structlog.get_logger()

CHECK_PATH = "/v1/check"
KINDS: dict[str, type[Call]] = {
    CHECK_PATH: Check,
    "/v1/checks": Checks,
    "/api/evaluate": KeyProbeCall,
    "/access/v1/evaluation": Evaluation,
    "/access/v1/evaluations": Evaluations,
}

TIMED_EVERY = 10
"""Of how many groups one is timed stage by stage: telling Prometheus of each would cost as much as deciding does."""

_encode = msgspec.json.Encoder().encode


class CheckPath:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._settings = runtime.settings
        self._origins = runtime.settings.allowed_origins
        self._base_url = runtime.settings.base_url
        self._outcomes = Outcomes(runtime)
        self._groups = count()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checks")
        self._keyed_writer = ThreadPoolExecutor(1, thread_name_prefix="keyed-checks")

    def admit(self, call: Call, keyring: Keyring | None = None) -> bool:
        """Whether the caller is known and may go on; if not, the call has its refusal.

        Raises NotInMemory where `keyring` would have to ask the database.
        """
        return bool(self._take([call], lambda one: self._admit(one, keyring or self._runtime.snapshots)))

    def is_admitted_at_once(self, call: Call, keyring: Keyring) -> bool:
        """Whether the caller is known and may go on, as far as memory has it. Else `admit` says more."""
        try:
            self._admit(call, keyring)
        except (AppError, NotInMemory):
            return False
        return True

    async def answer_soon(self, calls: Sequence[Call]) -> list[Answer]:
        """Of single checks and probes whose callers were admitted and whose bodies are here, on the event loop."""
        with logged_with(calls[0].request_id):  # of a group, the one that came first
            stages = Stages(is_timed=next(self._groups) % TIMED_EVERY == 0)
            counted = self._counted(calls, await self._runtime.hit_checks_soon(_one_of_each(calls)))
            stages.end("limit")
            decided = self._decide(counted)
            stages.end("decide")
            await self._record_soon(decided)
            stages.end("record")
            return self._answer_all(calls)

    async def answer_keyed_soon(self, calls: Sequence[Call]) -> list[Answer]:
        """As `answer_soon`, of checks that have an idempotency key: those are always looked up in the database."""
        with logged_with(calls[0].request_id):
            counted = self._counted(calls, await self._runtime.hit_checks_soon(_one_of_each(calls)))
            decided = self._decide(counted)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._keyed_writer, self._record_apart, decided)
            return self._answer_all(calls)

    def answer_alone(self, call: Call) -> Answer:
        """In a thread: of a check that takes longer than others should wait, or of a caller that speaks WSGI."""
        with logged_with(call.request_id):
            self._record_apart(self._decide(self._count([call])))
            return self.answer(call)

    def answer_batch(self, call: Checks) -> Answer:
        """Of a caller who was admitted. Beyond the limit nothing is read of what was sent."""
        with logged_with(call.request_id):
            return self._answer_batch(call)

    def _answer_batch(self, call: Checks) -> Answer:
        if self._count([call]) and self._take([call], self._read) and call.cost > 1:
            self._count_rest(call)
        if call.refusal is None:
            self._record_apart(self._decide([call]))
        return self.answer(call)

    def answer(self, call: Call) -> Answer:
        """What the caller gets, as the steps so far have it."""
        return self._answer_all([call])[0]

    def _answer_all(self, calls: Sequence[Call]) -> list[Answer]:
        answers = [self._answer(call) for call in calls]
        self._outcomes.note(calls, [status for status, _, _ in answers])
        return answers

    def fail(self, call: Call, error: Exception) -> Answer:
        """The last line: the caller gets a problem document, we a report."""
        self._report(call, error)
        return self.answer(call)

    def _take(self, calls: Sequence[Call], step: Callable[[Any], Any]) -> list[Call]:
        """Those calls that come through a step; of the others, why not is kept."""
        for call in calls:
            try:
                step(call)
            except AppError as refusal:
                call.refusal = refusal
            except NotInMemory:
                raise
            except Exception as error:  # noqa: BLE001  one call's trouble is not the others'
                self._report(call, error)
        return [call for call in calls if call.refusal is None]

    def _admit(self, call: Call, keyring: Keyring) -> None:
        hops = self._settings.trusted_proxy_hops
        if self._settings.is_https and came_in_clear(call.environ, trusted_hops=hops):
            raise HttpsRequired
        if call.environ["REQUEST_METHOD"] != "POST":
            raise MethodNotAllowed(headers=(("Allow", "OPTIONS, POST"),))
        now = utc_now()
        address = client_address(call.environ, trusted_hops=hops)
        call.caller = authenticate(
            call.environ.get("HTTP_AUTHORIZATION", ""),
            address=address,
            request_id=call.request_id,
            snapshots=keyring,
            now=now,
        )
        self._runtime.uses.note(call.caller.key.id, address=address, at=now)

    def _count(self, calls: Sequence[Call]) -> list[Call]:
        """Each as one request."""
        return self._counted(calls, self._runtime.hit_checks(_one_of_each(calls)))

    def _counted(self, calls: Sequence[Call], verdicts: Sequence[Verdict]) -> list[Call]:
        for call, verdict in zip(calls, verdicts, strict=True):
            call.limit = verdict
            if not verdict.granted:
                call.refusal = refusal_of(verdict)
        return [call for call in calls if call.refusal is None]

    def _read(self, call: Checks) -> None:
        call.read(self._runtime.reader)

    def _count_rest(self, call: Checks) -> None:
        """A batch was counted as one request before it was read; here are the others."""
        verdict: Verdict = self._runtime.hit_checks([(call.caller, call.cost - 1)])[0]
        call.limit = msgspec.structs.replace(verdict, granted=verdict.granted + 1)

    def _decide(self, calls: Sequence[Call]) -> dict[Call, Sequence[service.Decided]]:
        """What must be on record before the answers may leave."""
        decided: dict[Call, Sequence[service.Decided]] = {}

        def decide(call: Call) -> None:
            if call.scope is not None:
                call.caller.need(call.scope)
            decided[call] = call.decide(self._runtime.reader)

        self._take(calls, decide)
        return {call: rows for call, rows in decided.items() if rows}

    async def _record_soon(self, decided: dict[Call, Sequence[service.Decided]]) -> None:
        """On the loop where it takes a moment alone; a commit or a flush of the disk is waited for in a thread."""
        rows = [one.row for one in chain.from_iterable(decided.values())]
        recorder = self._runtime.recorder
        if rows and not recorder.record_at_once(rows) and not await recorder.commit_soon(rows):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._writer, self._record, decided, recorder)

    def _record(self, decided: dict[Call, Sequence[service.Decided]], recorder: Recorder) -> None:
        if not decided:
            return
        try:
            service.record(list(chain.from_iterable(decided.values())), recorder)
        except AppError as refusal:
            for call in decided:
                call.refusal = refusal

    def _record_apart(self, decided: dict[Call, Sequence[service.Decided]]) -> None:
        """Of calls that either all have an idempotency key, or none has."""
        keyed = [call for call in decided if IN_ENVIRON in call.environ]
        if not keyed:
            self._record(decided, self._runtime.batch_recorder)
            return
        accepted = self._take(keyed, lambda call: key_of(call.environ))
        if accepted:
            record_keyed({call: decided[call] for call in accepted}, self._runtime.keyed_recorder)

    def _answer(self, call: Call) -> Answer:
        refusal = call.refusal
        if refusal is None:
            body = _encode(call.answer(base_url=self._base_url))
            return 200, self._headers(call, JSON_CONTENT_TYPE, body), body
        REFUSALS.labels(refusal.code).inc()
        body = _encode(refusal.problem(request_id=call.request_id, base_url=self._base_url))
        headers = [*self._headers(call, PROBLEM_CONTENT_TYPE, body), *refusal.headers]
        return int(refusal.status), headers, body

    def _headers(self, call: Call, content_type: str, body: bytes) -> HeaderLines:
        lines = lines_of_answer(content_type, body, request_id=call.shown_request_id)
        if call.limit is not None:
            lines += limit_lines(call.limit)
        if call.is_replayed:
            lines += lines_of([("Idempotency-Replayed", "true")])
        if self._origins:
            lines += lines_of(cors_headers(call.environ.get("HTTP_ORIGIN"), allowed=self._origins))
        return HeaderLines(lines.encode("latin-1"))

    def _report(self, call: Call, error: Exception) -> None:
        log.critical("check.failed", request_id=call.request_id, exc_info=error)
        report_error(error, request_id=call.request_id)
        call.refusal = InternalError()


def _one_of_each(calls: Sequence[Call]) -> list[tuple[Caller, int]]:
    return [(call.caller, 1) for call in calls]
