"""`python -m deploy.audit`: asks whether any pinned dependency has a known hole, and leaves the answer as evidence."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from core.clock import utc_now
from core.environment import read_settings

LOCK = Path(__file__).parents[1] / "requirements.txt"


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
    """0: none; 1: some; 2: nobody could be asked, and what was known before stays."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip", "--format", "json"]
    asked = subprocess.run(command, capture_output=True, check=False)
    try:
        found = msgspec.json.decode(asked.stdout, type=Found)
    except msgspec.DecodeError:
        sys.stderr.write(asked.stderr.decode(errors="replace"))
        return 2
    result = Result(utc_now(), len(found.dependencies), [one.name for one in found.dependencies if one.vulns])
    path = read_settings().data_path / "evidence" / "audit.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(result))
    sys.stdout.write(f"{result.packages} packages, {len(result.holes)} with a known hole. Written to {path}.\n")
    return 1 if result.holes else 0


if __name__ == "__main__":
    raise SystemExit(main())
