"""Prometheus's own tool, and the files it is asked about."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.databases import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
CASES = sorted((ROOT / "tests" / "deploy" / "rules").glob("*_test.yml"))


def ask(
    *arguments: str | Path, program: str = "promtool", package: str = "prometheus"
) -> subprocess.CompletedProcess[str]:
    """Skips the test where the program is missing."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing: put it on the PATH (Debian: apt-get install {package}).")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def rules() -> list[dict[str, Any]]:
    """Every rule, in the order of the files."""
    return [rule for path in RULES for group in read(path)["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]
