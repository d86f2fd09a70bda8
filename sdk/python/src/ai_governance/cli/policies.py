"""`aig policy`: policies as a file, compared, tested and put in force.

The file is JSON: {"policies": {KEY: VALUE, …}, "tests": [{"name": …, "check": {…}, "allowed": true}, …]}. Tests are
checks that the policies in force are asked, so use a test key for them.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from ai_governance.cli.credentials import client_from
from ai_governance.cli.output import show
from ai_governance.client import Client
from ai_governance.decisions import CheckRequest
from ai_governance.errors import ConfigurationError

DIFFERENT = 2
MOST_AT_ONCE = 100


def add_to(commands: Any) -> None:
    group = commands.add_parser("policy", help="policies as a file").add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    for name, run, meaning in (
        ("pull", _pull, "write the policies in force to the file"),
        ("diff", _diff, "compare the file with the policies in force; ends with 2 if they differ"),
        ("test", _test, "run the checks of the file; ends with 2 if one is decided otherwise"),
        ("push", _push, "put the policies of the file in force"),
    ):
        command = group.add_parser(name, help=meaning)
        command.add_argument("file", nargs="?", default="policies.json", type=Path)
        command.set_defaults(run=run)


def _pull(given: argparse.Namespace) -> int:
    with client_from(given) as client:
        current = client.policies()
    tests = _read(given.file).get("tests", []) if given.file.exists() else []
    text = json.dumps({"policies": dict(current.values), "tests": tests}, indent=2, sort_keys=True) + "\n"
    given.file.write_text(text, encoding="utf-8")
    show(
        {"version": current.version, "file": str(given.file)},
        f"Wrote version {current.version} to {given.file}.",
        as_json=given.json,
    )
    return 0


def _diff(given: argparse.Namespace) -> int:
    wanted = _read(given.file)["policies"]
    with client_from(given) as client:
        version, changes = _changes(client, wanted)
    lines = [f"{key}: {json.dumps(change['from'])} -> {json.dumps(change['to'])}" for key, change in changes.items()]
    _summarize("Policy changes", lines or ["No changes."])
    show(
        {"version": version, "changes": changes}, "\n".join(lines) or f"Same as version {version}.", as_json=given.json
    )
    return DIFFERENT if changes else 0


def _test(given: argparse.Namespace) -> int:
    tests = _read(given.file).get("tests", [])
    if not tests:
        raise ConfigurationError(f"{given.file} has no tests.")
    with client_from(given) as client:
        if client.inspect_key()["key"]["environment"] != "test":
            raise ConfigurationError("Use a test key: tests with a live key would be live checks.")
        failures = [
            failure
            for start in range(0, len(tests), MOST_AT_ONCE)
            for failure in _failures(client, tests[start : start + MOST_AT_ONCE])
        ]
    told = f"{len(tests) - len(failures)} of {len(tests)} passed."
    _summarize("Policy tests", [*failures, told])
    show({"tests": len(tests), "failures": failures}, "\n".join([*failures, told]), as_json=given.json)
    return DIFFERENT if failures else 0


def _push(given: argparse.Namespace) -> int:
    wanted = _read(given.file)["policies"]
    with client_from(given) as client:
        version, changes = _changes(client, wanted)
        for key, change in changes.items():
            version = client.update_policy(key, change["to"], expected_version=version)
    show(
        {"version": version, "changed": sorted(changes)},
        f"Version {version} is in force: {', '.join(sorted(changes)) or 'nothing changed'}.",
        as_json=given.json,
    )
    return 0


def _changes(client: Client, wanted: dict[str, Any]) -> tuple[int, dict[str, dict[str, Any]]]:
    """Raises ConfigurationError for a key that the service does not know."""
    current = client.policies()
    unknown = sorted(wanted.keys() - current.values.keys())
    if unknown:
        raise ConfigurationError(f"Unknown policies: {', '.join(unknown)}.")
    return current.version, {
        key: {"from": current.values[key], "to": value}
        for key, value in sorted(wanted.items())
        if current.values[key] != value
    }


def _failures(client: Client, tests: list[dict[str, Any]]) -> list[str]:
    requests = [CheckRequest(**{"metadata": {}, **test["check"]}) for test in tests]
    failures = []
    for test, result in zip(tests, client.check_many(requests), strict=True):
        decision = result.unwrap()
        if decision.decided_by != "service" or decision.allowed is not test["allowed"]:
            wanted, got = ("allowed" if outcome else "blocked" for outcome in (test["allowed"], decision.allowed))
            failures.append(f"{test.get('name', test['check'])}: expected {wanted}, got {got} ({decision.reason})")
    return failures


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        is_whole = isinstance(found["policies"], dict) and all(
            isinstance(test["allowed"], bool) and {"model", "operation"} <= test["check"].keys()
            for test in found.get("tests", [])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path} is not a file of policies. `aig policy pull` writes one.") from error
    if not is_whole:
        raise ConfigurationError(f"Each test in {path} needs check (with model and operation) and allowed.")
    return dict(found)


def _summarize(title: str, lines: list[str]) -> None:
    """Into the summary of a GitHub Action, where there is one."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(f"### {title}\n\n" + "".join(f"- {line}\n" for line in lines) + "\n")
