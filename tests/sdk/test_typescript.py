"""The TypeScript SDK: built and packed as it is published, installed in an empty folder, run before the real API."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from api.bundles import signing_keys
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.runtime import runtime
from deploy import sdk_tables, sdk_types
from tests.cast import Caller, Member, another_key
from tests.databases import ROOT
from tests.portal.docs.guides import blocks_of, guide, source_of
from tests.sdk.chat_provider import ChatProvider
from tests.sdk.conftest import Fronted
from tests.sdk.engines import table
from tests.sdk.engines.comparing import differences
from tests.services import free_port

SOURCE = ROOT / "sdk" / "typescript"
NO_REGISTRY = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPROTO|E40[134]|ENOTCACHED"
    r"|ERR_SOCKET_TIMEOUT|CERT_\w+|SELF_SIGNED\w+|network)\b"
)
PATIENTLY = (
    *("--prefer-offline", "--fetch-retries=1", "--fetch-timeout=20000"),
    *("--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000"),
)
CHECK = '{ model: "gpt-4o", operation: "chat" }'
ALONE = f"""
import {{ Client }} from "ai-governance-client";
const client = new Client({{ onUnavailable: "allow_and_report" }});
const [one, many] = [await client.check({CHECK}), await client.checkMany([{CHECK}, {CHECK}])];
const decisions = [one, ...many.map((result) => result.decision)];
console.log(JSON.stringify(decisions.map((decision) => [decision.allowed, decision.clientDecisionId])));
setInterval(() => undefined, 1000);
"""
"""Decides, and then lives on until it is killed."""
AGAIN = f"""
import {{ Client }} from "ai-governance-client";
const client = new Client();
await client.check({CHECK});
await client.reconcile();
const all = async (found, records = []) => {{
  for await (const one of found) records.push(one);
  return records.length;
}};
const listed = [await all(client.exportDecisions()), await all(client.keys()), (await client.policies()).version];
console.log(JSON.stringify([client.waiting, ...listed, (await client.policyDrafts()).length]));
await client.close();
"""
"""Hands over, and lists what there is: decisions, keys, the version of the policies, drafts."""
KEPT = ("PATH", "HOME", "npm_config_registry", "npm_config_cache", "NODE_EXTRA_CA_CERTS")


def run(*command: str, folder: Path, **environment: str) -> str:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(
        command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=300, check=False
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
def tarball(built: Path) -> Path:
    return built / run("npm", "pack", "--ignore-scripts", "--silent", folder=built).split()[-1]


@pytest.fixture(scope="module")
def installed(built: Path, tarball: Path) -> Path:
    """An empty project with the tarball, as customers have it."""
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


@pytest.mark.parametrize("path", sdk_tables.files(), ids=lambda path: path.name)
def test_facts_patterns_and_models_are_those_of_the_service(path: Path) -> None:
    """If not: `python -m deploy.sdk_tables`."""
    assert path.read_text() == sdk_tables.files()[path]


def test_the_table_that_its_engine_is_held_against_is_what_the_services_engine_decides() -> None:
    """If not: `python -m tests.sdk.engines.table`; then its own tests say what is to be changed in its engine."""
    assert table.TABLE.read_text() == table.written()


@pytest.mark.slow
def test_its_engine_differs_from_the_services_in_none_of_ten_thousand_generated_cases(
    built: Path, tmp_path: Path
) -> None:
    found = differences(built, tmp_path, seed=20261129, policies=400, requests=25)

    assert found.different == []
    assert found.judged == 10_000
    assert min(found.kinds[kind] for kind in ("allowed", "blocked", "refused")) > 1_500
    assert found.kinds["service"] > 50


def test_it_does_what_it_says_whatever_the_service_does(built: Path) -> None:
    told = run("node", "--test", "--test-reporter=tap", "test/", folder=built)

    assert "# fail 0" in told
    assert "# pass 0" not in told


def test_its_package_is_what_tools_for_packages_expect(built: Path, tarball: Path) -> None:
    """All but resolution as before Node.js 12, which knows no exports; for the package itself that is tested below."""
    run("npx", "--no-install", "publint", "--strict", str(tarball), folder=built)
    run("npx", "--no-install", "attw", "--profile", "node16", str(tarball), folder=built)


@pytest.mark.parametrize("example", ["openai", "anthropic", "ai-sdk"])
def test_calls_of_other_libraries_are_checked_before_the_real_api(
    app: Flask, built: Path, front: Fronted, ada: Member, as_ada: Caller, chat_provider: ChatProvider, example: str
) -> None:
    environment = {"AIG_URL": front.url, "AIG_KEY": another_key(app, ada, environment=KeyEnvironment.TEST).secret}
    of_providers = {
        "OPENAI_API_KEY": "x",
        "OPENAI_BASE_URL": chat_provider.url,
        "ANTHROPIC_API_KEY": "x",
        "ANTHROPIC_BASE_URL": chat_provider.url,
    }
    command = ("node", f"examples/{example}.mjs")

    allowed = run(*command, folder=built, **environment, **of_providers)
    blocked = run(*command, "--personal", folder=built, **environment, **of_providers)

    assert (SOURCE / "examples" / f"{example}.mjs").read_text().partition("\n")[2] in source_of("integrations")
    assert allowed == "Answer: hi\n"
    assert blocked.startswith("Blocked: contains_personal_data Remove or anonymize")
    assert len(chat_provider.asked) == 1
    decisions = as_ada.get("/v1/decisions?environment=test").json["decisions"]
    assert [one["allowed"] for one in decisions] == [False, True]


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

    assert (SOURCE / "examples" / "check.mjs").read_text().partition("\n")[2] in (SOURCE / "README.md").read_text()
    decision_id = allowed.removeprefix("Go ahead: ").strip()
    assert as_ada.get(f"/v1/decisions/{decision_id}").json["allowed"] is True
    assert blocked.startswith("Blocked: contains_personal_data - Remove or anonymize")
    assert "Refused: true" in blocked


def test_what_a_killed_program_decided_without_the_service_is_handed_over_by_the_next(
    app: Flask, installed: Path, front: Fronted, ada: Member, as_ada: Caller, tmp_path: Path
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "AIG_KEY": another_key(app, ada, environment=KeyEnvironment.TEST).secret,
        "XDG_STATE_HOME": str(tmp_path),
    }
    program = ("node", "--input-type=module", "-e")
    away = {**environment, "AIG_URL": f"http://127.0.0.1:{free_port()}"}
    with subprocess.Popen((*program, ALONE), cwd=installed, env=away, stdout=subprocess.PIPE, text=True) as alone:
        assert alone.stdout is not None
        decided = json.loads(alone.stdout.readline())
        alone.kill()

    told = run(*program, AGAIN, folder=installed, AIG_URL=front.url, **environment)

    assert ([allowed for allowed, _ in decided], json.loads(told)) == ([True] * 3, [0, 4, 1, 1, 0])
    log = as_ada.get("/v1/decisions?environment=test").json["decisions"]
    assert sorted(one["sdk"]["client_decision_id"] for one in log if one["sdk"]) == sorted(name for _, name in decided)
    assert [one["decided_by"] for one in log].count("service") == 1


@pytest.mark.parametrize(("name", "told"), [("typescript", "Go ahead: dec_"), ("local-decisions", "Decided by sdk \n")])
def test_what_the_guides_tell_to_run_runs_before_the_real_api(
    app: Flask, installed: Path, front: Fronted, ada: Member, as_ada: Caller, tmp_path: Path, name: str, told: str
) -> None:
    scopes = (Scope.CHECKS_WRITE, Scope.POLICIES_READ)
    key = another_key(app, ada, environment=KeyEnvironment.TEST, scopes=scopes).secret
    (block,) = (block for block in blocks_of(guide(name)) if "installed" in block.marks)
    environment = {
        "AIG_URL": front.url,
        "AIG_KEY": key,
        "AIG_LOCAL_KEY": key,
        "AIG_BUNDLE_KEYS": signing_keys.published(runtime(app).settings).keys[0].public_key,
        "XDG_STATE_HOME": str(tmp_path),
    }

    assert run("node", "--input-type=module", "-e", block.code, folder=installed, **environment).startswith(told)

    (decision,) = as_ada.get("/v1/decisions?environment=test").json["decisions"]
    assert decision["decided_by"] == ("sdk" if name == "local-decisions" else "service")
