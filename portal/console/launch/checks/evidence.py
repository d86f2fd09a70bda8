"""What was measured elsewhere and left as a file: the load test, the audit of dependencies; and vendored files."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from core.pages import STATIC
from core.settings import Settings
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red

FRESH_FOR = timedelta(days=31)
REQUESTS_A_SECOND, SECONDS = 1_000, 300
P50_MS, P95_MS, ERROR_SHARE = 200, 500, 0.01
_RUN_LOAD = "Run the load test: python -m deploy.load_test launch."
_RUN_AUDIT = "Run make audit."


Result = TypeVar("Result")


class LoadStage(msgspec.Struct, frozen=True):
    """Of the load test. `errors` counts each kind."""

    rate_per_s: int
    seconds: int
    answers: int
    errors: dict[str, int]
    p50_ms: float
    p95_ms: float

    @property
    def error_share(self) -> float:
        failed = sum(self.errors.values())
        return failed / (self.answers + failed) if self.answers or failed else 1.0


class LoadResult(msgspec.Struct, frozen=True):
    """What the load test leaves of a profile."""

    finished_at: datetime
    stages: list[LoadStage]


class AuditResult(msgspec.Struct, frozen=True):
    """What the audit of dependencies leaves."""

    at: datetime
    packages: int
    holes: list[str]


def folder(settings: Settings) -> Path:
    return settings.data_path / "evidence"


def load_held(around: CheckContext) -> Verdict:
    return _load(
        around,
        lambda one: one.rate_per_s >= REQUESTS_A_SECOND and one.seconds >= SECONDS,
        lambda one: f"{one.rate_per_s:,} requests a second for {one.seconds} s.",
    )


def load_p95(around: CheckContext) -> Verdict:
    return _load(around, lambda one: one.p95_ms < P95_MS, lambda one: f"95 of 100 within {one.p95_ms:.1f} ms.")


def load_errors(around: CheckContext) -> Verdict:
    return _load(around, lambda one: one.error_share < ERROR_SHARE, lambda one: f"{one.error_share:.2%} failed.")


def load_passed(around: CheckContext) -> Verdict:
    verdicts = [load_held(around), load_p95(around), load_errors(around)]
    fault = next((one for one in verdicts if not one.is_green), None)
    return fault or green(" ".join(one.seen for one in verdicts))


def latency_met(around: CheckContext) -> Verdict:
    return _load(
        around,
        lambda one: one.p50_ms < P50_MS and one.p95_ms < P95_MS,
        lambda one: f"Half within {one.p50_ms:.1f} ms, 95 of 100 within {one.p95_ms:.1f} ms.",
    )


def dependencies_audited(around: CheckContext) -> Verdict:
    result = _read(folder(around.settings) / "audit.json", AuditResult)
    if result is None or around.now - result.at > FRESH_FOR:
        return red("There is no audit of the last month.", to_do=_RUN_AUDIT)
    return either(
        not result.holes,
        f"{result.packages} packages, none with a known hole, on {result.at:%d %B %Y}.",
        otherwise=f"Known holes in {', '.join(result.holes[:5])}.",
        to_do="Bring them up to date within 48 hours; then make audit.",
    )


def vendored_unchanged(_around: CheckContext) -> Verdict:
    """There is no npm: what browsers get is in the repository, with the hashes that were reviewed."""
    lines = (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines()
    wanted = {name: digest for digest, name in (line.split() for line in lines)}
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (STATIC / "vendor").iterdir()
        if file.name != "SHA256SUMS"
    }
    changed = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    return either(
        not changed,
        f"{len(found)} files, each as reviewed; npm is not used.",
        otherwise=f"Changed: {', '.join(changed)}.",
        to_do="Review them, and write their hashes into SHA256SUMS.",
    )


def _load(around: CheckContext, is_met: Callable[[LoadStage], bool], words: Callable[[LoadStage], str]) -> Verdict:
    kept = _read(folder(around.settings) / "load.json", dict[str, Any]) or {}
    result = msgspec.convert(kept["launch"], LoadResult) if "launch" in kept else None
    if result is None or around.now - result.finished_at > FRESH_FOR:
        return red("There is no load test of the last month.", to_do=_RUN_LOAD)
    stage = result.stages[-1]
    return either(is_met(stage), words(stage), otherwise=words(stage), to_do=f"Find out why. {_RUN_LOAD}")


def _read(file: Path, kind: type[Result]) -> Result | None:
    """None where it is not there or not one of ours."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None


CHECKS: dict[str, CheckFunction] = {
    "load_held": load_held,
    "load_p95": load_p95,
    "load_errors": load_errors,
    "load_passed": load_passed,
    "latency_met": latency_met,
    "dependencies_audited": dependencies_audited,
    "vendored_unchanged": vendored_unchanged,
}
