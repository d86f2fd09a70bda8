"""The client: checks, the decision log, API keys and policies."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

from ai_governance.calls import Calls, encode, is_unavailable
from ai_governance.configuration import configured
from ai_governance.decisions import (
    ApiKey,
    BatchResult,
    CheckRequest,
    Decision,
    DecisionRecord,
    Policies,
)
from ai_governance.errors import ApiError, UnavailableError, error_of
from ai_governance.guard import Guard
from ai_governance.ids import new_id
from ai_governance.offline import MOST_AT_ONCE, Offline
from ai_governance.spool import Spool
from ai_governance.tracing import Span, need_tracer, span_of
from ai_governance.transport import Unreachable
from ai_governance.unavailable import BLOCK, OnUnavailable

EXPORT_TIMEOUT_S = 30.0
_UNUSABLE = (KeyError, TypeError, ValueError)


class Client:
    """Safe for threads; keep one for as long as your program runs. A `with` block closes it.

    `base_url` and `api_key` are taken from AIG_URL and AIG_KEY where they are not given.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        on_unavailable: OnUnavailable = BLOCK,
        connect_timeout_s: float = 2.0,
        total_timeout_s: float = 3.0,
        spool_folder: str | os.PathLike[str] | None = None,
        trace: bool = False,
    ) -> None:
        self._configuration = configured(
            base_url=base_url,
            api_key=api_key,
            on_unavailable=on_unavailable,
            connect_timeout_s=connect_timeout_s,
            total_timeout_s=total_timeout_s,
            spool_folder=spool_folder,
            trace=trace,
        )
        if trace:
            need_tracer()
        self._calls = Calls(self._configuration)
        self._offline = Offline(self._configuration, self._calls)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._calls.pool.forget)

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

    def close(self) -> None:
        """Closes kept connections. Decisions that were made without the service stay on disk for the next client."""
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

        Where the service can't be reached, `on_unavailable` decides and `decided_by` is "sdk". Raises ApiError where
        the service refuses the request: treat that as blocked.
        """
        request = CheckRequest(model, operation, metadata or {}, subject)
        with span_of(request) if self._configuration.trace else contextlib.nullcontext(Span()) as span:
            decision = self._check(request, idempotency_key or new_id())
            span.note(decision)
        return decision

    def check_many(self, requests: Sequence[CheckRequest], *, idempotency_key: str | None = None) -> list[BatchResult]:
        """Up to a hundred checks in one request, each decided or refused on its own, in the same order."""
        key = idempotency_key or new_id()
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
            return self._without_service(requests, key, f"unusable answer: {type(error).__name__}")
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

    def decisions(self, *, limit: int | None = None, **filters: Any) -> Iterator[DecisionRecord]:
        """The decision log, newest first. Filters are those of the API: model, allowed, from_, to, …"""
        query = {**_query(filters), "limit": min(limit or MOST_AT_ONCE, MOST_AT_ONCE)}
        left = limit
        for page in self._pages("/v1/decisions", query):
            for one in page["decisions"][:left]:
                yield DecisionRecord.from_json(one)
            left = None if left is None else left - len(page["decisions"])
            if left is not None and left <= 0:
                return

    def decision(self, decision_id: str) -> DecisionRecord:
        """One decision. Raises NotFoundError."""
        return DecisionRecord.from_json(self._calls.fetch("GET", f"/v1/decisions/{quote(decision_id, safe='')}"))

    def export_decisions(self, **filters: Any) -> Iterator[DecisionRecord]:
        """All that fit, oldest first, as they arrive. Raises UnavailableError where the export was cut short."""
        for line in self._calls.lines(f"/v1/decisions/export?{urlencode(_query(filters))}", timeout_s=EXPORT_TIMEOUT_S):
            record = json.loads(line)
            if record.get("complete") is True:
                return
            yield DecisionRecord.from_json(record)
        raise UnavailableError("The export was cut short: its last line is missing.")

    def inspect_key(self) -> Mapping[str, Any]:
        """What this client's API key is good for just now. Counts as one request."""
        found: Mapping[str, Any] = self._calls.fetch("POST", "/api/evaluate")
        return found

    def keys(self) -> Iterator[ApiKey]:
        """API keys, newest first."""
        for page in self._pages("/v1/keys", {"limit": MOST_AT_ONCE}):
            yield from map(ApiKey.from_json, page["keys"])

    def create_key(self, name: str, **options: Any) -> ApiKey:
        """A new key; its `secret` is shown this once. Options are those of the API: environment, scopes, …"""
        issued = self._calls.fetch("POST", "/v1/keys", {"name": name, **options})
        return ApiKey.from_json(issued["key"], secret=issued["secret"])

    def rotate_key(self, key_id: str, *, overlap_hours: float | None = None) -> ApiKey:
        body = {} if overlap_hours is None else {"overlap_hours": overlap_hours}
        issued = self._calls.fetch("POST", f"/v1/keys/{quote(key_id, safe='')}/rotate", body)
        return ApiKey.from_json(issued["key"], secret=issued["secret"])

    def revoke_key(self, key_id: str, *, reason: str | None = None) -> ApiKey:
        body = {} if reason is None else {"reason": reason}
        return ApiKey.from_json(self._calls.fetch("POST", f"/v1/keys/{quote(key_id, safe='')}/revoke", body))

    def policies(self) -> Policies:
        """All policies, and the version in force."""
        return Policies.from_json(self._calls.fetch("GET", "/v1/policies"))

    def update_policy(self, key: str, value: Any, *, expected_version: int | None = None) -> int:
        """Sets one policy; the version in force from now on. Raises PolicyChangedError."""
        body = {"value": value} if expected_version is None else {"value": value, "expected_version": expected_version}
        version: int = self._calls.fetch("PATCH", f"/v1/policies/{quote(key, safe='')}", body)["version"]
        return version

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        """Page after page, each asked for when the one before was taken."""
        cursor: dict[str, str] = {}
        while True:
            page = self._calls.fetch("GET", f"{path}?{urlencode({**query, **cursor})}")
            yield page
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

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
            why = f"unusable answer: {type(error).__name__}"
            return self._offline.decide(request, sent_under=key, position=0, why=why)
        self._offline.reconcile_soon()
        return decision

    def _without_service(self, requests: Sequence[CheckRequest], key: str, why: str) -> list[BatchResult]:
        return [
            BatchResult(decision=self._offline.decide(request, sent_under=key, position=position, why=why))
            for position, request in enumerate(requests)
        ]


def _batch_result(item: Mapping[str, Any], key: str) -> BatchResult:
    if "decision" in item:
        return BatchResult(decision=Decision.from_json(item["decision"], client_decision_id=key))
    return BatchResult(error=error_of(item["status"], item["problem"]))


def _query(filters: Mapping[str, Any]) -> dict[str, Any]:
    """`from` is a word of Python, so it is given as `from_`."""
    given = {name.rstrip("_"): value for name, value in filters.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
