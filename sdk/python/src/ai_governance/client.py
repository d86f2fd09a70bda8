"""The client: checks, the decision log, API keys and policies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from ai_governance.calls import Calls, encode, is_unavailable
from ai_governance.configuration import LOCAL, Configuration, configured
from ai_governance.decisions import BatchResult, CheckRequest, Decision
from ai_governance.errors import ApiError, ConfigurationError, UnavailableError, error_of
from ai_governance.guard import Guard
from ai_governance.ids import new_id
from ai_governance.offline import MOST_AT_ONCE, Offline
from ai_governance.records import Records
from ai_governance.spool import Spool
from ai_governance.tracing import Span, need_tracer, span_of
from ai_governance.transport import Unreachable
from ai_governance.unavailable import Declared, OnUnavailable

if TYPE_CHECKING:
    from ai_governance.local.decider import LocalDecisions

_UNUSABLE = (KeyError, TypeError, ValueError)


class Client(Records):
    """Safe for threads; keep one for as long as your program runs. A `with` block closes it.

    `base_url` and `api_key` are taken from AIG_URL and AIG_KEY where they are not given.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        on_unavailable: OnUnavailable | None = None,
        connect_timeout_s: float = 2.0,
        total_timeout_s: float = 3.0,
        spool_folder: str | os.PathLike[str] | None = None,
        trace: bool = False,
        decide: Literal["service", "local"] = "service",
        bundle_keys: Sequence[str] | None = None,
    ) -> None:
        self._configuration = configured(
            base_url=base_url,
            api_key=api_key,
            on_unavailable=on_unavailable,
            connect_timeout_s=connect_timeout_s,
            total_timeout_s=total_timeout_s,
            spool_folder=spool_folder,
            trace=trace,
            decide=decide,
            bundle_keys=bundle_keys,
        )
        if trace:
            need_tracer()
        self._calls = Calls(self._configuration)
        self._local = local_decisions(self._configuration, self._calls) if decide == LOCAL else None
        self._declared = Declared(self._local.declared if self._local is not None else None)
        self._offline = Offline(self._configuration, self._calls, self._declared.of)
        if self._local is not None:
            self._local.when_handed_over = self._offline.reconcile_soon
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def __repr__(self) -> str:
        return f"Client({self._configuration.base_url!r})"

    def __enter__(self) -> Client:  # noqa: PYI034  Self is of Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def calls(self) -> Calls:
        """For calls of the API that have no method here."""
        return self._calls

    @property
    def spool(self) -> Spool:
        """What was decided without the service, and waits."""
        return self._offline.spool

    @property
    def local(self) -> LocalDecisions:
        """What decides in this process: `why_not`, `wait_until_ready(timeout_s)` and `hand_over()`.

        Raises ConfigurationError for a client that was made without decide="local".
        """
        if self._local is None:
            raise ConfigurationError('This client sends checks to the service: create it with decide="local".')
        return self._local

    def close(self) -> None:
        """Closes kept connections, once a hand-over that is under way is answered.

        What can't be handed over now stays on disk for the next client.
        """
        if self._local is not None:
            self._local.close()
        self._offline.close()
        self._calls.pool.close()

    def check(
        self,
        *,
        model: str,
        operation: str,
        metadata: Mapping[str, Any] | None = None,
        subject: str | None = None,
        idempotency_key: str | None = None,
    ) -> Decision:
        """Asks whether an operation may go ahead. Takes at most the total timeout.

        With decide="local" it is decided in this process where it can be; one with an `idempotency_key` never is.
        Where the service can't be reached, `on_unavailable` and the policies decide, and `decided_by` is "sdk". Raises
        ApiError where the service refuses the request: treat that as blocked.
        """
        request = CheckRequest(model, operation, metadata or {}, subject)
        with span_of(request) if self._configuration.trace else contextlib.nullcontext(Span()) as span:
            here = self._local.decide(request) if self._local is not None and idempotency_key is None else None
            decision = here or self._check(request, idempotency_key or new_id())
            span.note(decision)
        return decision

    def check_many(self, requests: Sequence[CheckRequest], *, idempotency_key: str | None = None) -> list[BatchResult]:
        """Up to a hundred checks in one request, each decided or refused on its own, in the same order.

        With decide="local" each is decided in this process where it can be, unless you give an `idempotency_key`.
        """
        if self._local is None or idempotency_key is not None or not 0 < len(requests) <= MOST_AT_ONCE:
            return self._check_many(requests, idempotency_key or new_id())
        return self._local.decide_many(requests, lambda left: self._check_many(left, new_id()))

    def _check_many(self, requests: Sequence[CheckRequest], key: str) -> list[BatchResult]:
        body = encode({"checks": [request.to_json() for request in requests]})
        try:
            answer, _ = self._calls.send("POST", "/v1/checks", body, idempotency_key=key)
            results = [_batch_result(item, key) for item in answer["results"]]
        except Unreachable as error:
            return self._without_service(requests, key, str(error))
        except ApiError as error:
            if is_unavailable(error):
                return self._without_service(requests, key, error.problem_code)
            raise
        except _UNUSABLE as error:
            return self._without_service(requests, key, f"unusable response: {type(error).__name__}")
        for request, result in zip(requests, results, strict=True):
            self._declared.note(request.operation, result.decision)
        self._offline.reconcile_soon()
        return results

    def guard(
        self,
        *,
        model: str,
        operation: str,
        metadata: Mapping[str, Any] | None = None,
        subject: str | None = None,
    ) -> Guard:
        """For a `with` block, or as a decorator: a check before each run, and BlockedError in place of the run."""
        return Guard(self, CheckRequest(model, operation, metadata or {}, subject))

    def reconcile(self) -> list[dict[str, Any]]:
        """Hands what was decided without the service to it now. It is also done by itself after a check."""
        try:
            return self._offline.reconcile()
        except Unreachable as error:
            raise UnavailableError(f"The service could not be reached: {error}.") from error

    def _forget(self) -> None:
        self._calls.pool.forget()
        self._offline.forget()
        if self._local is not None:
            self._local.forget()

    def _check(self, request: CheckRequest, key: str) -> Decision:
        try:
            answer, headers = self._calls.send("POST", "/v1/check", encode(request.to_json()), idempotency_key=key)
            is_replayed = headers.get("idempotency-replayed") == "true"
            decision = Decision.from_json(answer, client_decision_id=key, is_replayed=is_replayed)
        except Unreachable as error:
            return self._offline.decide(request, sent_under=key, position=0, why=str(error))
        except ApiError as error:
            if is_unavailable(error):
                return self._offline.decide(request, sent_under=key, position=0, why=error.problem_code)
            raise
        except _UNUSABLE as error:
            why = f"unusable response: {type(error).__name__}"
            return self._offline.decide(request, sent_under=key, position=0, why=why)
        self._declared.note(request.operation, decision)
        self._offline.reconcile_soon()
        return decision

    def _without_service(self, requests: Sequence[CheckRequest], key: str, why: str) -> list[BatchResult]:
        return [
            BatchResult(decision=self._offline.decide(request, sent_under=key, position=position, why=why))
            for position, request in enumerate(requests)
        ]


def local_decisions(configuration: Configuration, calls: Calls) -> LocalDecisions:
    """Raises ConfigurationError where the extra is missing: its packages are loaded for those alone who decide here."""
    try:
        decider = import_module("ai_governance.local.decider")
    except ImportError as error:
        raise ConfigurationError(
            'decide="local" needs Python 3.11 and pip install ai-governance-client[local]'
        ) from error
    made: LocalDecisions = decider.LocalDecisions(configuration, calls)
    return made


def _batch_result(item: Mapping[str, Any], key: str) -> BatchResult:
    if "decision" in item:
        return BatchResult(decision=Decision.from_json(item["decision"], client_decision_id=key))
    return BatchResult(error=error_of(item["status"], item["problem"]))
