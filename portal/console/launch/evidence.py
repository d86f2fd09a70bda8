"""What the load test, the audit and the attack test hand in, and why it would not count. Imports no database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

FRESH_FOR = timedelta(days=31)
REQUESTS_A_SECOND, SECONDS = 1_000, 300
LEAST_ANSWERED, LEAST_KEYS = 0.99, 600
LEAST_ROUTES = 100
"""Of the route table; the attack test tries all that may be tried."""
_CLOCKS_DIFFER = timedelta(minutes=5)


class EvidenceKind(StrEnum):
    LOAD = "load"
    AUDIT = "audit"
    ATTACK = "attack"


Count = Annotated[int, Meta(ge=0)]


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`release` is `core.release.release()` of whatever was looked at; `found` is what the kind below says."""

    kind: EvidenceKind
    host: Annotated[str, Meta(min_length=1, max_length=255)]
    release: Annotated[str, Meta(pattern="^[0-9a-f]{12}$")]
    started_at: Annotated[datetime, Meta(tz=True)]
    finished_at: Annotated[datetime, Meta(tz=True)]
    keys: Count
    answers: Count
    found: dict[str, Any]


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


class LoadFound(msgspec.Struct, frozen=True):
    profile: str
    is_shortened: bool
    stages: Annotated[list[LoadStage], Meta(min_length=1)]


class AuditFound(msgspec.Struct, frozen=True):
    lock: str
    """SHA-256 of the pinned dependencies that were asked about."""
    packages: Annotated[int, Meta(gt=0)]
    holes: list[str]


class AttackFound(msgspec.Struct, frozen=True):
    """Hostile text over the route table of an instance that is nobody's production."""

    routes: Count
    failures: list[str]
    """Routes that failed, found more than they should, or took the text for a statement."""
    markup: list[str]
    """Routes on which the text came out as markup, or whose policy lets scripts in."""


class Expected(msgspec.Struct, frozen=True):
    """Who we are."""

    host: str
    release: str
    lock: str


def faults_of(evidence: Evidence, *, expected: Expected, now: datetime) -> Iterator[str]:
    """Why it is refused, each in a sentence; raises msgspec.ValidationError where `found` is of another shape."""
    if evidence.finished_at > now + _CLOCKS_DIFFER:
        yield "Its end time is in the future."
    if now - evidence.finished_at > FRESH_FOR:
        yield "It is older than a month."
    yield from _OF_KIND[evidence.kind](evidence, expected)


def _load(evidence: Evidence, expected: Expected) -> Iterator[str]:
    found = msgspec.convert(evidence.found, LoadFound)
    stage = found.stages[-1]
    wanted = stage.rate_per_s * stage.seconds
    if evidence.host != expected.host:
        yield f"It is from {evidence.host}, but this service is {expected.host}."
    if found.profile != "launch" or found.is_shortened:
        yield "It is not a complete run of the launch profile."
    if stage.rate_per_s < REQUESTS_A_SECOND or stage.seconds < SECONDS:
        yield f"It sustained {stage.rate_per_s} requests a second for {stage.seconds} s."
    if (evidence.finished_at - evidence.started_at).total_seconds() < stage.seconds:
        yield "Its start and end times are closer together than its stated duration."
    if evidence.keys < LEAST_KEYS:
        yield f"It used {evidence.keys} keys; at least {LEAST_KEYS} are required."
    if evidence.answers != sum(one.answers for one in found.stages):
        yield "Its response counts do not add up."
    if stage.answers + sum(stage.errors.values()) < LEAST_ANSWERED * wanted:
        yield f"It has {stage.answers} responses to {wanted} requests."


def _audit(evidence: Evidence, expected: Expected) -> Iterator[str]:
    if msgspec.convert(evidence.found, AuditFound).lock != expected.lock:
        yield "It checked other dependencies than the ones installed here."


def _attack(evidence: Evidence, expected: Expected) -> Iterator[str]:
    found = msgspec.convert(evidence.found, AttackFound)
    if evidence.host == expected.host:
        yield "It ran against this service itself. Run it against a throwaway instance."
    if evidence.release != expected.release:
        yield f"It is from release {evidence.release}, but {expected.release} is running here."
    if found.routes < LEAST_ROUTES:
        yield f"It tried {found.routes} routes; at least {LEAST_ROUTES} are required."
    if evidence.answers < found.routes:
        yield f"It has {evidence.answers} responses from {found.routes} routes."


_OF_KIND = {EvidenceKind.LOAD: _load, EvidenceKind.AUDIT: _audit, EvidenceKind.ATTACK: _attack}
