"""Deciding without the service, and telling it afterwards."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from ai_governance.calls import Calls, encode, is_unavailable
from ai_governance.configuration import Configuration
from ai_governance.decisions import SDK, SERVICE_UNAVAILABLE, CheckRequest, Decision
from ai_governance.errors import ApiError
from ai_governance.ids import new_id
from ai_governance.spool import Spool
from ai_governance.transport import Unreachable
from ai_governance.unavailable import decided

log = logging.getLogger("ai_governance")

MOST_AT_ONCE = 100
_ACCEPTED = 200


class Offline:
    def __init__(self, configuration: Configuration, calls: Calls, declared: Callable[[str], str | None]) -> None:
        """`declared` says what the policies declare for an operation."""
        self._configuration = configuration
        self._calls = calls
        self._declared = declared
        self.spool = Spool(configuration.spool_folder)
        self._may_hold_some = True
        self._is_over = False
        self.forget()

    def forget(self) -> None:
        """In a child process, where no thread of the parent runs."""
        self._one_at_a_time = threading.Lock()
        self._under_way: threading.Thread | None = None

    def close(self) -> None:
        """Once a hand-over that is under way is answered. What is left stays on disk for the next client."""
        self._is_over = True
        if self._under_way is not None:
            self._under_way.join(self._configuration.total_timeout_s)

    def decide(self, request: CheckRequest, *, sent_under: str, position: int, why: str) -> Decision:
        """By `on_unavailable` and the policies. What can't be put on disk for the service is not allowed."""
        client_decision_id = new_id()
        declared = self._declared(request.operation)
        mode, allowed = decided(self._configuration.on_unavailable, declared, request)
        entry = {
            **request.to_json(),
            "id": client_decision_id,
            "allowed": allowed,
            "mode": mode,
            "sent_under": sent_under,
            "position": position,
        }
        is_spooled = self._keep(entry)
        log.warning("decided without the service: %s, mode %s, id %s", why, mode, client_decision_id)
        return Decision(
            allowed=allowed and is_spooled,
            reason=SERVICE_UNAVAILABLE,
            decided_by=SDK,
            client_decision_id=client_decision_id,
            is_spooled=is_spooled,
            unavailable_because=why,
            on_unreachable=declared,
        )

    def reconcile(self) -> list[dict[str, Any]]:
        """Hands everything that is spooled to the service; what it made of each.

        Raises Unreachable or ApiError; what was not answered stays on disk.
        """
        results: list[dict[str, Any]] = []
        with self._one_at_a_time:
            while entries := self.spool.oldest(MOST_AT_ONCE):
                answer, _ = self._calls.send("POST", "/v1/decisions/reconcile", encode({"decisions": entries}))
                for entry, result in zip(entries, answer["results"], strict=True):
                    self._settle(entry["id"], result)
                results += answer["results"]
                if self._is_over:
                    return results
            self._may_hold_some = False
        return results

    def reconcile_soon(self) -> None:
        """In a thread, once the service answers again. Costs nothing where nothing is spooled."""
        if not self._may_hold_some:
            return
        self._may_hold_some = False
        if not self.spool.is_empty():
            name = "ai-governance-reconcile"
            self._under_way = threading.Thread(target=self._try_to_reconcile, name=name, daemon=True)
            self._under_way.start()

    def _try_to_reconcile(self) -> None:
        try:
            self.reconcile()
        except (Unreachable, ApiError, OSError, ValueError) as error:
            log.warning("spooled decisions wait: %s", type(error).__name__)
            self._may_hold_some = isinstance(error, Unreachable) or (
                isinstance(error, ApiError) and is_unavailable(error)
            )

    def _keep(self, entry: dict[str, Any]) -> bool:
        try:
            self.spool.add(entry)
        except (OSError, TypeError, ValueError) as error:
            log.error("a decision could not be spooled, so it is blocked: %s", type(error).__name__)  # noqa: TRY400
            return False
        self._may_hold_some = True
        return True

    def _settle(self, entry_id: str, result: dict[str, Any]) -> None:
        if result["status"] == _ACCEPTED:
            self.spool.remove(entry_id)
        else:
            log.error("the service refused decision %s: status %s", entry_id, result["status"])
            self.spool.set_aside(entry_id)
