"""How long each stage of a group of checks took, for those groups that are timed."""

from core.clock import monotonic_s
from core.observability import STAGE_DURATION

_STAGES = {stage: STAGE_DURATION.labels(stage) for stage in ("limit", "decide", "record")}


class Stages:
    """How long each took, told to Prometheus where a group is timed."""

    def __init__(self, *, is_timed: bool) -> None:
        self._is_timed = is_timed
        self._before_s = monotonic_s()

    def end(self, stage: str) -> None:
        if self._is_timed:
            now_s = monotonic_s()
            _STAGES[stage].observe(now_s - self._before_s)
            self._before_s = now_s
