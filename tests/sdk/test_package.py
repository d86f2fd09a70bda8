"""What customers install: a wheel that is built without a network, and works where nothing else is installed."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ai_governance import __version__
from flask import Flask

from api.keys.token import KeyEnvironment
from tests.cast import Member, another_key
from tests.databases import ROOT
from tests.sdk.conftest import Fronted

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


@pytest.fixture
def pipeline(
    app: Flask, empty_environment: Path, front: Fronted, ada: Member, tmp_path: Path
) -> Callable[..., tuple[int, str]]:
    """Runs a step in bash, where the file of policies and the wheel are: its exit code, and what it printed."""
    testing = another_key(app, ada, environment=KeyEnvironment.TEST)
    request = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": True}}
    blocked = {"name": "personal data", "request": request, "expect": {"allowed": False}}

    def step(
        script: str, *, options: str, policies: Any = None, allowed: bool = False, **given: str
    ) -> tuple[int, str]:
        tests = [{**blocked, "expect": {"allowed": allowed}}]
        file = tmp_path / "policies.json"
        file.write_text(json.dumps({"policies": policies or {}, "tests": tests}))
        environment = {
            "AIG_URL": front.url,
            "AIG_KEY": testing.secret,
            "XDG_STATE_HOME": str(tmp_path),
            "PATH": f"{empty_environment}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            **given,
        }
        command = ["bash", "--noprofile", "--norc", *options.split(), "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    return step


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("Compare", {}, 0),
        ("Compare", {"policies": {"max_risk_score": 40}}, 0),
        ("Compare", {"policies": {"max_risk_score": 40}, "FAIL_ON_DIFF": "true"}, 1),
        ("Compare", {"policies": {"no_such_policy": 1}}, 1),
        ("Test", {}, 0),
        ("Test", {"allowed": True}, 2),
    ],
)
def test_the_steps_of_the_github_action_end_as_they_say(
    pipeline: Callable[..., tuple[int, str]], tmp_path: Path, name: str, given: dict[str, Any], code: int
) -> None:
    action = yaml.safe_load((PACKAGE / "ci" / "github" / "action.yml").read_text())
    (step,) = [step for step in action["runs"]["steps"] if step["name"] == name]
    named = {"FILE": "policies.json", "FAIL_ON_DIFF": "false", **given}
    assert named.keys() - {"policies", "allowed"} | {"AIG_URL", "AIG_KEY"} >= step["env"].keys()

    ended, told = pipeline(step["run"], options="-eo pipefail", **named)

    assert ended == code, told
    assert (tmp_path / "summary").exists() == ("no_such_policy" not in str(given))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, 0),
        ({"policies": {"max_risk_score": 40}}, 0),
        ({"policies": {"no_such_policy": 1}}, 1),
        ({"allowed": True}, 2),
    ],
)
def test_the_job_for_gitlab_ends_as_it_says(
    pipeline: Callable[..., tuple[int, str]], given: dict[str, Any], code: int
) -> None:
    job = yaml.safe_load((PACKAGE / "ci" / "gitlab.yml").read_text())["policies"]
    install, *script = job["script"]
    assert install == "pip install --quiet ai-governance-client"

    ended, told = pipeline("\n".join(script), options="-eo pipefail", POLICIES=job["variables"]["POLICIES"], **given)

    assert ended == code, told


def test_the_version_is_written_once_in_each_place() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]

    assert project["version"] == __version__
    assert f"## {__version__}" in (PACKAGE / "CHANGELOG.md").read_text()
    assert "dependencies" not in project
