"""What was measured elsewhere and handed in signed: load test, audit, attack test; and vendored files."""

import hashlib
from collections.abc import Callable

import msgspec

from core.formats import utc
from core.pages import STATIC
from portal.console.launch import evidence_records
from portal.console.launch.evidence import (
    REQUESTS_A_SECOND,
    SECONDS,
    AttackFound,
    AuditFound,
    Evidence,
    EvidenceKind,
    LoadFound,
    LoadStage,
)
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red

P50_MS, P95_MS, ERROR_SHARE = 200, 500, 0.01
_RUN_LOAD = "Run the load test with EVIDENCE_KEY set: python -m deploy.load_test launch."
_RUN_AUDIT = "Run make audit with EVIDENCE_KEY set."
_RUN_ATTACK = "Run the attack test with EVIDENCE_KEY set: python -m deploy.attack_test."


def load_held(around: CheckContext) -> Verdict:
    return _load(
        around,
        lambda one: one.rate_per_s >= REQUESTS_A_SECOND and one.seconds >= SECONDS,
        lambda one: f"{one.rate_per_s:,} requests per second for {one.seconds} s.",
    )


def load_p95(around: CheckContext) -> Verdict:
    return _load(around, lambda one: one.p95_ms < P95_MS, lambda one: f"95% within {one.p95_ms:.1f} ms.")


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
        lambda one: f"50% within {one.p50_ms:.1f} ms, 95% within {one.p95_ms:.1f} ms.",
    )


def dependencies_audited(around: CheckContext) -> Verdict:
    evidence = _newest(EvidenceKind.AUDIT, around)
    if evidence is None:
        return red("There is no dependency audit from the last month.", to_do=_RUN_AUDIT)
    found = msgspec.convert(evidence.found, AuditFound)
    return either(
        not found.holes,
        f"{found.packages} packages without known vulnerabilities on {utc(evidence.finished_at, 'day')}.",
        otherwise=f"Known vulnerabilities in {', '.join(found.holes[:5])}.",
        to_do="Update them within 48 hours, then run make audit.",
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
        f"{len(found)} files, all as reviewed. npm is not used.",
        otherwise=f"Changed: {', '.join(changed)}.",
        to_do="Review them, then update SHA256SUMS.",
    )


def filters_hold(around: CheckContext) -> Verdict:
    return _attack(around, lambda found: found.failures, "No SQL injection found", otherwise="SQL injection at")


def pages_hold(around: CheckContext) -> Verdict:
    return _attack(around, lambda found: found.markup, "No HTML injection found", otherwise="HTML injection at")


def _attack(
    around: CheckContext, faults_in: Callable[[AttackFound], list[str]], words: str, *, otherwise: str
) -> Verdict:
    evidence = _newest(EvidenceKind.ATTACK, around)
    if evidence is None:
        return red("There is no attack test for this release.", to_do=_RUN_ATTACK)
    found = msgspec.convert(evidence.found, AttackFound)
    faults = faults_in(found)
    return either(
        not faults,
        f"{words}: {evidence.answers} requests to {found.routes} routes of release {evidence.release}.",
        otherwise=f"{otherwise} {', '.join(faults[:5])}.",
        to_do=f"Fix it before you launch. {_RUN_ATTACK}",
    )


def _load(around: CheckContext, is_met: Callable[[LoadStage], bool], words: Callable[[LoadStage], str]) -> Verdict:
    evidence = _newest(EvidenceKind.LOAD, around)
    if evidence is None:
        return red("There is no load test of this service from the last month.", to_do=_RUN_LOAD)
    stage = msgspec.convert(evidence.found, LoadFound).stages[-1]
    seen = f"{words(stage)} Release {evidence.release}, {evidence.answers:,} responses."
    return either(is_met(stage), seen, otherwise=seen, to_do=f"Find the cause. {_RUN_LOAD}")


def _newest(kind: EvidenceKind, around: CheckContext) -> Evidence | None:
    return evidence_records.newest(kind, settings=around.settings, now=around.now)


CHECKS: dict[str, CheckFunction] = {
    "load_held": load_held,
    "load_p95": load_p95,
    "load_errors": load_errors,
    "load_passed": load_passed,
    "latency_met": latency_met,
    "dependencies_audited": dependencies_audited,
    "vendored_unchanged": vendored_unchanged,
    "filters_hold": filters_hold,
    "pages_hold": pages_hold,
}
