"""Asks as a profile says, and measures."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec
import psutil

from core.clock import monotonic_s
from deploy.load_test import open_loop
from deploy.load_test.open_loop import Question, percentile, question_of
from deploy.load_test.profiles import Kind, Profile, Stage, StageResult

_WARM_UP_RATE_PER_S = 200
_LEAST_HOURS = 0.5
_ANSWER = b'"allowed":'
_BODIES = {
    kind: msgspec.json.encode(
        {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": kind is Kind.PERSONAL_DATA}}
    )
    for kind in (Kind.CHECK, Kind.PERSONAL_DATA, Kind.BAD_KEY)
}


class NotReady(Exception):
    """The service does not answer these keys; the message says how it answers."""


def warm_up(url: str, keys: Sequence[str]) -> None:
    """Each key is used once, gently. Raises NotReady for any answer that is none to a check."""
    questions = [_question(Kind.CHECK, url, key, metrics_token=None) for key in keys]
    seconds = -(-len(questions) // _WARM_UP_RATE_PER_S)
    outcome = open_loop.hold(url, questions, rate_per_s=_WARM_UP_RATE_PER_S, seconds=seconds)
    if outcome.errors:
        raise NotReady(f"The service did not answer as it should before the load: {outcome.errors}.")


def questions_of(profile: Profile, url: str, keys: Sequence[str], *, metrics_token: str | None) -> list[Question]:
    """The kinds of the mix in turn, the keys in turn."""
    turn = _spread(profile)
    count = len(turn) * len(keys) if len(turn) > 1 else len(keys)
    return [
        _question(turn[number % len(turn)], url, keys[number % len(keys)], metrics_token=metrics_token)
        for number in range(count)
    ]


def measure(stage: Stage, url: str, questions: Sequence[Question]) -> StageResult:
    outcome = open_loop.hold(
        url, questions, rate_per_s=stage.rate_per_s, seconds=stage.seconds, connections=stage.users
    )

    def ms(seconds: Sequence[float], percent: float) -> float:
        return round(percentile(seconds, percent) * 1000, 2) if seconds else 0.0

    return StageResult(
        users=stage.users,
        rate_per_s=stage.rate_per_s,
        seconds=stage.seconds,
        answers=len(outcome.latencies_s),
        errors=outcome.errors,
        p50_ms=ms(outcome.latencies_s, 50),
        p95_ms=ms(outcome.latencies_s, 95),
        p99_ms=ms(outcome.latencies_s, 99),
        longest_ms=ms(outcome.latencies_s, 100),
        tool_late_p99_ms=ms(outcome.lateness_s, 99),
    )


class Memory:
    """Of a process and all below it, from now on."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._began_s, self._bytes = monotonic_s(), self._rss_bytes()

    def growth_per_h(self) -> float | None:
        """As a share of what it was; None for a time too short to tell growth from warming up."""
        hours = (monotonic_s() - self._began_s) / 3600
        if hours < _LEAST_HOURS:
            return None
        return (self._rss_bytes() / self._bytes - 1) / hours

    def _rss_bytes(self) -> int:
        total_bytes = 0
        for process in (self._process, *self._process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total_bytes += process.memory_info().rss
        return total_bytes


def _question(kind: Kind, url: str, key: str, *, metrics_token: str | None) -> Question:
    if kind is Kind.HEALTH or (kind is Kind.METRICS and metrics_token is None):
        return question_of(url, "/health/ready", expected=b'"ok"')
    if kind is Kind.METRICS:
        return question_of(url, "/metrics", authorization=f"Bearer {metrics_token}", expected=b"aig_checks_total")
    if kind is Kind.BAD_KEY:
        return question_of(url, "/v1/check", authorization="Bearer aig_test_wrong", body=_BODIES[kind], status=401)
    return question_of(url, "/v1/check", authorization=f"Bearer {key}", body=_BODIES[kind], expected=_ANSWER)


def _spread(profile: Profile) -> list[Kind]:
    """Each kind as evenly over the turn as it goes."""
    placed = [((number + 0.5) / count, kind) for kind, count in profile.mix.items() for number in range(count)]
    return [kind for _, kind in sorted(placed)]
