"""The TypeScript SDK: built and packed as it is published, installed in an empty folder, run before the real API."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from api.keys.token import KeyEnvironment
from deploy import sdk_types
from tests.cast import Caller, Member, another_key
from tests.sdk.conftest import Fronted
from tests.services import ROOT

SOURCE = ROOT / "sdk" / "typescript"
NO_REGISTRY = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPROTO|E40[134]|ENOTCACHED"
    r"|ERR_SOCKET_TIMEOUT|CERT_\w+|SELF_SIGNED\w+|network)\b"
)
PATIENTLY = ("--fetch-retries=1", "--fetch-timeout=20000", "--fetch-retry-maxtimeout=2000")
KEPT = ("PATH", "HOME", "npm_config_registry", "npm_config_cache", "NODE_EXTRA_CA_CERTS")


def run(*command: str, folder: Path, **environment: str) -> str:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(
        command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with its tools and what they made."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm is missing: put Node.js 20.16 or newer on the PATH to build the TypeScript SDK.")
    folder = tmp_path_factory.mktemp("typescript") / "source"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    try:
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *PATIENTLY, folder=folder)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        if isinstance(error, subprocess.TimeoutExpired) or NO_REGISTRY.search(str(error)):
            pytest.skip("npm reaches no registry, so TypeScript can't be installed.")
        raise
    run("npm", "run", "build", folder=folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path) -> Path:
    """An empty project with the tarball, as customers have it."""
    tarball = built / run("npm", "pack", "--ignore-scripts", "--silent", folder=built).split()[-1]
    project = built.parent / "project"
    project.mkdir()
    (project / "package.json").write_text('{"private": true}')
    run("npm", "install", "--offline", "--no-audit", "--no-fund", str(tarball), folder=project)
    shutil.copytree(SOURCE / "examples", project / "examples")
    return project


@pytest.mark.parametrize("path", sdk_types.files(), ids=lambda path: path.name)
def test_types_and_errors_are_those_of_the_api(path: Path) -> None:
    """If not: `python -m deploy.sdk_types`."""
    assert path.read_text() == sdk_types.files()[path]


def test_it_does_what_it_says_whatever_the_service_does(built: Path) -> None:
    told = run("node", "--test", "--test-reporter=tap", "test/", folder=built)

    assert "# fail 0" in told
    assert "# pass 0" not in told


def test_it_brings_no_dependency_and_nothing_but_what_was_built(installed: Path) -> None:
    packages = [path.name for path in (installed / "node_modules").iterdir() if not path.name.startswith(".")]
    brought = installed / "node_modules" / "ai-governance-client"

    assert packages == ["ai-governance-client"]
    assert {path.name for path in brought.iterdir()} == {"dist", "package.json", "README.md", "CHANGELOG.md"}


@pytest.mark.parametrize("module", ["Node16", "CommonJS"])
def test_its_types_are_found_from_both_kinds_of_modules(built: Path, installed: Path, module: str) -> None:
    (installed / "use.ts").write_text(
        'import { Client, type Decision } from "ai-governance-client";\n'
        "export async function ask(client: Client): Promise<Decision> {\n"
        '  return (await client.check({ model: "gpt-4o", operation: "chat" })).throwIfBlocked();\n}\n'
    )
    resolution = "Node10" if module == "CommonJS" else module
    compiler = str(built / "node_modules" / "typescript" / "bin" / "tsc")

    run(
        *("node", compiler, "--strict", "--noEmit", "--target", "ES2022", "--module", module),
        *("--moduleResolution", resolution, "use.ts"),
        folder=installed,
    )


def test_the_examples_run_before_the_real_api(
    app: Flask, installed: Path, front: Fronted, ada: Member, as_ada: Caller
) -> None:
    testing = another_key(app, ada, environment=KeyEnvironment.TEST)
    environment = {"AIG_URL": front.url, "AIG_KEY": testing.secret}

    allowed = run("node", "examples/check.mjs", folder=installed, **environment)
    blocked = run("node", "examples/blocked.cjs", folder=installed, **environment)

    decision_id = allowed.removeprefix("Go ahead: ").strip()
    assert as_ada.get(f"/v1/decisions/{decision_id}").json["allowed"] is True
    assert blocked.startswith("Blocked: contains_personal_data - Remove or pseudonymize")
    assert "Refused: true" in blocked
