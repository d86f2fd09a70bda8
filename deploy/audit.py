"""`python -m deploy.audit`: asks whether any pinned dependency has a known hole, and leaves the answer as evidence."""

import socket
import subprocess
import sys
from datetime import datetime

import msgspec

from core.clock import utc_now
from core.environment import read_settings
from core.release import LOCK, locked, release
from deploy.evidence import hand_in
from portal.console.launch.evidence import Evidence, EvidenceKind


class Package(msgspec.Struct, frozen=True):
    name: str
    vulns: list[dict[str, object]] = []


class Found(msgspec.Struct, frozen=True):
    """What pip-audit prints."""

    dependencies: list[Package]


class Result(msgspec.Struct, frozen=True):
    at: datetime
    packages: int
    holes: list[str]


def main() -> int:
    """0: none; 1: some, or it was not taken; 2: nobody could be asked, and what was known before stays."""
    started_at = utc_now()
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip", "--format", "json"]
    asked = subprocess.run(command, capture_output=True, check=False)
    try:
        found = msgspec.json.decode(asked.stdout, type=Found)
    except msgspec.DecodeError:
        sys.stderr.write(asked.stderr.decode(errors="replace"))
        return 2
    result = Result(utc_now(), len(found.dependencies), [one.name for one in found.dependencies if one.vulns])
    sys.stdout.write(f"{result.packages} packages, {len(result.holes)} with a known hole.\n")
    is_taken = hand_in(evidence_of(result, started_at=started_at), read_settings())
    return 0 if is_taken and not result.holes else 1


def evidence_of(result: Result, *, started_at: datetime) -> Evidence:
    return Evidence(
        kind=EvidenceKind.AUDIT,
        host=socket.gethostname(),
        release=release(),
        started_at=started_at,
        finished_at=result.at,
        keys=0,
        answers=result.packages,
        found={"lock": locked(), "packages": result.packages, "holes": result.holes},
    )


if __name__ == "__main__":
    raise SystemExit(main())
