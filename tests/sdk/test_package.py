"""What customers install: a wheel that is built without a network, and works where nothing else is installed."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ai_governance import __version__

from tests.cast import Member
from tests.sdk.conftest import Fronted
from tests.services import ROOT

PACKAGE = ROOT / "sdk" / "python"
UV = Path(sys.executable).with_name("uv")


def run(*command: Any, **environment: str) -> str:
    outside = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, env=outside, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("package")
    run(UV, "build", "--offline", "--quiet", "--out-dir", folder / "dist", PACKAGE)
    assert sorted(path.suffix for path in (folder / "dist").glob("ai_governance*")) == [".gz", ".whl"]
    run(UV, "venv", "--offline", "--quiet", "--python", sys.executable, folder / "venv")
    (wheel,) = (folder / "dist").glob("*.whl")
    run(UV, "pip", "install", "--offline", "--quiet", "--python", folder / "venv" / "bin" / "python", wheel)
    return folder / "venv" / "bin"


def test_the_first_lines_of_the_readme_make_a_decision(
    empty_environment: Path, front: Fronted, ada: Member, tmp_path: Path
) -> None:
    (first, *_) = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    assert len(first.strip().splitlines()) <= 6

    told = run(
        empty_environment / "python", "-c", first, AIG_URL=front.url, AIG_KEY=ada.secret, XDG_STATE_HOME=str(tmp_path)
    )

    assert re.fullmatch(r"Go ahead: dec_[0-9a-f]{32}\n", told)


def test_the_command_line_comes_with_it(empty_environment: Path, front: Fronted, ada: Member, tmp_path: Path) -> None:
    environment = {"AIG_URL": front.url, "AIG_KEY": ada.secret, "XDG_STATE_HOME": str(tmp_path)}

    assert run(empty_environment / "aig", "--version") == f"aig {__version__}\n"
    assert "allowed: ok" in run(
        *(empty_environment / "aig", "check", "--model", "gpt-4o", "--operation", "chat"),
        *("--fact", "contains_personal_data=false"),
        **environment,
    )


def test_the_version_is_written_once_in_each_place() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]

    assert project["version"] == __version__
    assert f"## {__version__}" in (PACKAGE / "CHANGELOG.md").read_text()
    assert "dependencies" not in project
