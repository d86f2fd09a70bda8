"""What happens to a check while the service can't be reached. Never implicit: the result says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from ai_governance.decisions import CheckRequest, Decision
from ai_governance.errors import ConfigurationError

log = logging.getLogger("ai_governance")

BLOCK: Literal["block"] = "block"
ALLOW_AND_REPORT: Literal["allow_and_report"] = "allow_and_report"
CUSTOM = "custom"
MOST_OPERATIONS = 1_000

OnUnavailable = Literal["block", "allow_and_report"] | Callable[[CheckRequest], bool]
"""Block, allow and report, or a function of the request that says whether it is allowed."""


class Declared:
    """What the policies declare for each operation, as they are held here or as the service said it last."""

    def __init__(self, held: Callable[[str], str | None] | None) -> None:
        self._held = held
        self._modes: dict[str, str] = {}

    def note(self, operation: str, decision: Decision | None) -> None:
        """One that says nothing of it: nothing is declared any more."""
        if decision is None:
            return
        name, mode = _normal(operation), decision.on_unreachable
        if mode is None:
            self._modes.pop(name, None)
        elif name in self._modes or len(self._modes) < MOST_OPERATIONS:
            self._modes[name] = mode

    def of(self, operation: str) -> str | None:
        held = self._held(operation) if self._held is not None else None
        return held or self._modes.get(_normal(operation))


def mode_of(chosen: OnUnavailable | None) -> str | None:
    """Its name, as it is reported. Raises ConfigurationError."""
    if callable(chosen):
        return CUSTOM
    if chosen not in {None, BLOCK, ALLOW_AND_REPORT}:
        raise ConfigurationError(
            'on_unavailable must be "block", "allow_and_report" or a function that takes the request'
        )
    return chosen


def decided(chosen: OnUnavailable | None, declared: str | None, request: CheckRequest) -> tuple[str, bool]:
    """The mode that decides, and whether it allows the request.

    What the policies declare holds where nothing was chosen. Beside a choice it can only block: the stricter of the two
    holds. A mode that is not known blocks, and so does a function that fails or says anything but True.
    """
    if chosen is None:
        mode = ALLOW_AND_REPORT if declared == ALLOW_AND_REPORT else BLOCK
        return mode, mode == ALLOW_AND_REPORT
    if declared is not None and declared != ALLOW_AND_REPORT:
        return BLOCK, False
    if callable(chosen):
        return CUSTOM, _allows(chosen, request)
    return chosen, chosen == ALLOW_AND_REPORT


def _allows(chosen: Callable[[CheckRequest], bool], request: CheckRequest) -> bool:
    try:
        return chosen(request) is True
    except Exception as error:  # noqa: BLE001  whatever it is, the operation must not go ahead
        log.error("on_unavailable failed, so the operation is blocked: %s", type(error).__name__)  # noqa: TRY400
        return False


def _normal(operation: str) -> str:
    return operation.lower().replace("-", "_")
