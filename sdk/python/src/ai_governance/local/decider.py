"""Local decisions: by the newest verified policies, on disk before they are told, and handed over afterwards."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ai_governance.calls import Calls, encode, refusal_of
from ai_governance.configuration import Configuration
from ai_governance.decisions import BatchResult, CheckRequest, Decision
from ai_governance.engine.api.checks.distinct_values import DistinctValues
from ai_governance.engine.api.checks.reading import Reader
from ai_governance.engine.api.policies.bundle import ForTheService
from ai_governance.engine.api.policies.evaluator import CompiledPolicy, evaluate
from ai_governance.engine.api.policies.rules import RuleState
from ai_governance.engine.core.errors import AppError
from ai_governance.errors import AiGovernanceError, ApiError, error_of
from ai_governance.ids import new_id
from ai_governance.local.bundle import Held, Refused, UnknownKey, verified
from ai_governance.local.journal import Journal
from ai_governance.local.judged import Judged, decision_of, line_of
from ai_governance.local.keys import followed, pinned
from ai_governance.local.many import Ask, decide_many
from ai_governance.local.store import BundleStore
from ai_governance.transport import Deadline, Unreachable

log = logging.getLogger("ai_governance")

LOCAL = "local"
WAIT_S, ANSWER_S = 25, 10
PAUSE_S, LONGEST_PAUSE_S = 5.0, 60.0
HAND_OVER_EVERY_S = 2.0
_BUNDLE, _KEYS, _RECONCILE = "/v1/policy/bundle", "/v1/policy/bundle-keys", "/v1/decisions/reconcile"
_OK, _SAME, _REFUSED = 200, 304, range(401, 404)
_TRANSIENT = (Unreachable, OSError, ValueError, KeyError, TypeError)


class LocalDecisions:
    def __init__(self, configuration: Configuration, calls: Calls) -> None:
        self.when_handed_over: Callable[[], None] = lambda: None
        self._configuration = configuration
        self._calls = calls
        self._keys = pinned(configuration.bundle_keys)
        self._store = BundleStore(configuration.spool_folder / "policies")
        self.journal = Journal(configuration.spool_folder / LOCAL)
        self._reader = Reader(DistinctValues())
        self._held: Held | None = None
        self._etag = ""
        self._why_not = "no policies yet"
        self._begin()
        self._load()

    @property
    def why_not(self) -> str | None:
        """Why the service is asked just now; None while checks are decided here."""
        held = self._held
        if held is None:
            return self._why_not
        return held.fault_of_time() or held.why_not or None

    def declared(self, operation: str) -> str | None:
        """What the policies that are held declare for it, also once they have expired."""
        policy = self._held.policy if self._held is not None else None
        mode = policy.fail_modes.of(operation) if policy is not None and policy.fail_modes is not None else None
        return None if mode is None else mode.value

    def wait_until_ready(self, timeout_s: float) -> bool:
        """Whether policies are here in time, which decide here."""
        self._start()
        self._has_some.wait(timeout_s)
        return self.why_not is None

    def decide(self, request: CheckRequest) -> Decision | None:
        """None where the service has to be asked. Raises ApiError for what it would refuse."""
        judged = self.judge(request)
        told = self.tell([judged]) if judged is not None else None
        return told[0] if told else None

    def judge(self, request: CheckRequest) -> Judged | None:
        """What is decided, and not yet on record. None and ApiError as of `decide`."""
        self._start()
        held = self._held
        if held is None or held.policy is None or held.fault_of_time():
            return None
        policy, body = held.policy, encode(request.to_json())
        if request.subject is not None and _has_share(policy):
            return None  # whose share a subject is in depends on a secret that stays with the service
        try:
            question = self._reader.read(body, policy)
            return Judged(held, body, evaluate(policy, question.facts, bucket_key=held.bucket_key))
        except ForTheService:
            return None
        except AppError as refusal:
            if refusal.errors and all(fault.code == "unknown_fact" for fault in refusal.errors):
                return None  # it may have been declared a moment ago
            raise _refused(refusal) from None

    def tell(self, judged: Sequence[Judged]) -> list[Decision] | None:
        """The decisions, once they are on disk. None where they can't be kept, and so do not count."""
        ids = [new_id() for _ in judged]
        try:
            self.journal.add(b"".join(map(line_of, judged, ids)))
        except OSError as error:
            log.warning("a local decision could not be kept, so the service is asked: %s", type(error).__name__)
            return None
        return list(map(decision_of, judged, ids))

    def decide_many(self, requests: Sequence[CheckRequest], ask: Ask) -> list[BatchResult]:
        """In the order given; `ask` is for those that only the service can decide, and raises what it would."""
        return decide_many(requests, judge=self.judge, tell=self.tell, ask=ask)

    def hand_over(self) -> None:
        """Everything that was decided here, to the service, now. Raises ApiError or Unreachable."""
        self.journal.hand_over(self._send)

    def refresh(self, *, wait_s: int = 0) -> float:
        """Asks for newer policies once; how long to pause before the next time."""
        headers = {"If-None-Match": self._etag} if self._etag else {}
        began_s, deadline = time.monotonic(), Deadline(wait_s + ANSWER_S)
        path = f"{_BUNDLE}?wait={wait_s}" if headers and wait_s else _BUNDLE
        response = self._calls.pool.send("GET", path, body=None, headers=headers, deadline=deadline)
        if response.status == _SAME:
            return 0.0 if time.monotonic() - began_s > wait_s / 2 > 0 else PAUSE_S
        if response.status in _REFUSED:
            self._drop(f"the service refuses this API key: {refusal_of(response).detail or response.status}")
            return LONGEST_PAUSE_S
        if response.status != _OK:
            raise Unreachable(f"status {response.status}", may_have_arrived=True)
        self._take(response.body, response.headers.get("policy-signature", ""))
        self._etag = response.headers.get("etag", "")
        return 0.0

    def close(self) -> None:
        """What is left stays on disk where it can't be handed over now."""
        self._is_over.set()
        self._has_some.set()
        self._try_to_hand_over()

    def forget(self) -> None:
        """In a child process, where no thread of the parent runs."""
        self.journal.forget()
        self._begin()

    def _begin(self) -> None:
        self._is_over, self._has_some = threading.Event(), threading.Event()
        self._starting = threading.Lock()
        self._is_started = False

    def _start(self) -> None:
        if self._is_started:
            return
        with self._starting:
            if self._is_started or self._is_over.is_set():
                return
            self._is_started = True
            for work in (self._keep_current, self._keep_handing_over):
                threading.Thread(target=work, name=f"ai-governance-{work.__name__}", daemon=True).start()

    def _load(self) -> None:
        found = self._store.read()
        if found is not None:
            try:
                self._accept(verified(*found, self._keys, fingerprint=self._configuration.fingerprint))
            except Refused as error:
                self._why_not = str(error)

    def _take(self, body: bytes, signature: str) -> None:
        """Raises Refused. On disk first, so that what decides here is never older after a restart."""
        fingerprint = self._configuration.fingerprint
        try:
            held = verified(body, signature, self._keys, fingerprint=fingerprint)
        except UnknownKey:
            self._keys = followed(self._keys, self._calls.fetch("GET", _KEYS))
            held = verified(body, signature, self._keys, fingerprint=fingerprint)
        self._accept(held)
        try:
            self._store.write(body, signature, held.bundle.revision)
        except OSError as error:
            log.warning("the policies could not be kept on disk: %s", type(error).__name__)

    def _accept(self, held: Held) -> None:
        """Raises Refused for one that is older than another before it."""
        known = self._held
        if held.bundle.revision < self._store.newest_revision() or (known is not None and held.is_older_than(known)):
            raise Refused("it is older than the policies before it")
        self._held = held
        self._has_some.set()
        if held.why_not:
            log.warning("checks are decided by the service: %s", held.why_not)

    def _drop(self, why: str) -> None:
        log.warning("local decisions have ended: %s", why)
        self._held, self._etag, self._why_not = None, "", why
        self._has_some.clear()
        self._store.remove()

    def _keep_current(self) -> None:
        pause_s, is_over = 0.0, self._is_over
        while not is_over.wait(pause_s):
            pause_s = self._refreshed(pause_s)

    def _refreshed(self, pause_s: float) -> float:
        """How long to pause next; `pause_s` is how long it was."""
        try:
            return self.refresh(wait_s=WAIT_S) * random.uniform(0.8, 1.2)  # noqa: S311  no secret
        except Refused as error:
            self._why_not = str(error)
            log.error("signed policies were refused: %s", error)  # noqa: TRY400
            return LONGEST_PAUSE_S
        except (AiGovernanceError, *_TRANSIENT) as error:
            log.info("no newer policies: %s", type(error).__name__)
            return min(LONGEST_PAUSE_S, 2 * pause_s + random.uniform(1, 2))  # noqa: S311  no secret

    def _keep_handing_over(self) -> None:
        is_over = self._is_over
        while not is_over.wait(HAND_OVER_EVERY_S):
            self._try_to_hand_over()

    def _try_to_hand_over(self) -> None:
        """What is left stays on disk."""
        try:
            self.hand_over()
        except (AiGovernanceError, *_TRANSIENT) as error:
            log.info("local decisions wait: %s", type(error).__name__)

    def _send(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answer, _ = self._calls.send("POST", _RECONCILE, encode({"decisions": entries}))
        self.when_handed_over()
        refused = []
        for entry, result in zip(entries, answer["results"], strict=True):
            if result["status"] != _OK:
                log.error("the service refused local decision %s: status %s", entry["id"], result["status"])
                refused.append({**entry, "problem": result["problem"]["code"]})
            elif result.get("agrees") is False:
                log.error("the service decides differently: local decision %s", entry["id"])
        return refused


def _has_share(policy: CompiledPolicy) -> bool:
    on_trial = policy.on_trial
    return on_trial is not None and any(one.rule.state is RuleState.PERCENT for one in on_trial.rules)


def _refused(refusal: AppError) -> ApiError:
    problem = refusal.problem(request_id="", base_url="")
    fields = [{"path": one.path, "code": one.code, "detail": one.detail} for one in problem.errors]
    return error_of(problem.status, {"code": problem.code, "detail": problem.detail, "errors": fields})
