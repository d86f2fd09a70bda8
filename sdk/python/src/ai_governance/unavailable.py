"""What happens to a check while the service can't be reached. Never implicit: the result says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ai_governance.decisions import CheckRequest
from ai_governance.errors import ConfigurationError

BLOCK: Literal["block"] = "block"
ALLOW_AND_REPORT: Literal["allow_and_report"] = "allow_and_report"
CUSTOM = "custom"

OnUnavailable = Literal["block", "allow_and_report"] | Callable[[CheckRequest], bool]
"""Block, allow and report, or a function of the request that says whether it is allowed."""


def mode_of(chosen: OnUnavailable) -> str:
    """Its name, as it is reported. Raises ConfigurationError."""
    if callable(chosen):
        return CUSTOM
    if chosen not in {BLOCK, ALLOW_AND_REPORT}:
        raise ConfigurationError('on_unavailable has to be "block", "allow_and_report" or a function of the request')
    return chosen


def is_allowed(chosen: OnUnavailable, request: CheckRequest) -> bool:
    """A function that fails, or that says anything but True, blocks."""
    if callable(chosen):
        return chosen(request) is True
    return chosen == ALLOW_AND_REPORT
