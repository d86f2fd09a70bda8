"""The loads that the service is to bear, and what counts as borne. A virtual user is a connection with its own share.

Requests leave at fixed times whether or not those before were answered, so a stall shows in all that it delays.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import ceil

import msgspec


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  a verdict, not a secret
    CAUTION = "caution"
    FAIL = "fail"


class Kind(StrEnum):
    CHECK = "check"
    PERSONAL_DATA = "personal data"
    BAD_KEY = "bad key"
    HEALTH = "health"
    METRICS = "metrics"


class Stage(msgspec.Struct, frozen=True):
    users: int
    rate_per_s: int
    seconds: int
    most_errors: float | None = None
    """The share above which the stage has failed; None: the table below says."""


class Profile(msgspec.Struct, frozen=True):
    words: str
    stages: tuple[Stage, ...]
    mix: Mapping[Kind, int]
    """How many of each kind are asked in turn."""

    @property
    def keys_needed(self) -> int:
        """So that no key comes to its limit of 100 checks in 60 s, with a third to spare."""
        a_minute = max(
            sum(stage.rate_per_s * min(60, stage.seconds) for stage in self.stages[: number + 1])
            for number in range(len(self.stages))
        )
        with_keys = sum(count for kind, count in self.mix.items() if kind in {Kind.CHECK, Kind.PERSONAL_DATA})
        share = with_keys / sum(self.mix.values())
        return max(LEAST_KEYS, ceil(a_minute * share / KEY_LIMIT * 4 / 3))


KEY_LIMIT, LEAST_KEYS = 100, 600
_CHECKS = {Kind.CHECK: 1}
PROFILES = {
    "launch": Profile("1,000 requests a second for five minutes", (Stage(64, 1_000, 300),), _CHECKS),
    "normal": Profile(
        "10 users for a minute, of everything something",
        (Stage(10, 40, 60),),
        {Kind.CHECK: 8, Kind.PERSONAL_DATA: 8, Kind.BAD_KEY: 2, Kind.HEALTH: 1, Kind.METRICS: 1},
    ),
    "burst": Profile("200 users, 1,000 requests a second for ten seconds", (Stage(200, 1_000, 10),), _CHECKS),
    "stress": Profile(
        "50, 100, 200 and 500 users, ten seconds each, four requests a second by each",
        (
            Stage(50, 200, 10, 0.01),
            Stage(100, 400, 10, 0.02),
            Stage(200, 800, 10, 0.05),
            Stage(500, 2_000, 10, 0.10),
        ),
        _CHECKS,
    ),
    "soak": Profile("50 users for an hour, four requests a second by each", (Stage(50, 200, 3_600),), _CHECKS),
}

MOST_REQUESTS = 1_000_000
"""Of one run, whatever was asked for."""

PASSES = {"errors": 0.005, "p95_ms": 300.0, "p99_ms": 800.0}
CAUTION = {"errors": 0.02, "p95_ms": 2_000.0, "p99_ms": 2_000.0}
MOST_GROWTH_PER_H = 0.10
LAUNCH_P95_MS, LAUNCH_ERRORS = 500.0, 0.01


class StageResult(msgspec.Struct, frozen=True):
    users: int
    rate_per_s: int
    seconds: int
    answers: int
    errors: Mapping[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    longest_ms: float
    tool_late_p99_ms: float
    """How late the load tool itself was; where this is much, the machine of the tool was the bottleneck."""

    @property
    def error_share(self) -> float:
        failed = sum(self.errors.values())
        return failed / max(1, self.answers + failed)


def judge(profile: Profile, results: Sequence[StageResult], growth_per_h: float | None) -> tuple[Verdict, list[str]]:
    """The verdict, and why it is not better."""
    found = [_judge_stage(stage, result) for stage, result in zip(profile.stages, results, strict=True)]
    if growth_per_h is not None and growth_per_h > MOST_GROWTH_PER_H:
        found.append((Verdict.CAUTION, [f"memory grows by {growth_per_h:.0%} an hour (10% allowed)"]))
    worst = max((verdict for verdict, _ in found), key=list(Verdict).index)
    return worst, [reason for _, reasons in found for reason in reasons]


def meets_launch(results: Sequence[StageResult]) -> bool:
    """The goal for going live: p95 under 500 ms and errors under 1 %."""
    return all(one.answers and one.p95_ms < LAUNCH_P95_MS and one.error_share < LAUNCH_ERRORS for one in results)


def _judge_stage(stage: Stage, result: StageResult) -> tuple[Verdict, list[str]]:
    if not result.answers:
        return Verdict.FAIL, ["nothing was answered"]
    if stage.most_errors is not None:
        is_borne = result.error_share < stage.most_errors
        reason = f"{stage.users} users: {result.error_share:.2%} errors ({stage.most_errors:.0%} allowed)"
        return (Verdict.PASS, []) if is_borne else (Verdict.FAIL, [reason])
    measured = {"errors": result.error_share, "p95_ms": result.p95_ms, "p99_ms": result.p99_ms}
    above = {name: value for name, value in measured.items() if value > PASSES[name]}
    if not above:
        return Verdict.PASS, []
    is_failed = any(value > CAUTION[name] for name, value in above.items())
    return Verdict.FAIL if is_failed else Verdict.CAUTION, [_reason(name, value) for name, value in above.items()]


def _reason(name: str, value: float) -> str:
    if name == "errors":
        return f"{value:.2%} errors ({PASSES[name]:.1%} allowed)"
    return f"{name.removesuffix('_ms')} {value:.0f} ms ({PASSES[name]:.0f} allowed)"
