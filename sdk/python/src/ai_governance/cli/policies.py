"""`aig policy`: policies as a file, compared, tested and put in force.

The file is JSON or YAML: {"policies": {KEY: VALUE, …}, "tests": [{"name": …, "request": {…}, "expect": {…}}, …]}.
Tests are kept with the policies. `test` sends them as checks to the policies in force, with a test key. With
`--proposed` the service runs them on the policies of the file, and with `--draft` on a draft: then nothing is recorded.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ai_governance.cli import policy_file
from ai_governance.cli.credentials import client_from
from ai_governance.cli.output import show
from ai_governance.client import Client
from ai_governance.decisions import CheckRequest
from ai_governance.errors import ConfigurationError, NotFoundError, PermissionDeniedError

DIFFERENT = 2
_FILE = "/v1/policy/file"
MOST_AT_ONCE = 100


def add_to(commands: Any) -> None:
    group = commands.add_parser("policy", help="policies as a file").add_subparsers(
        title="commands", metavar="COMMAND", required=True
    )
    for name, run, meaning in (
        ("pull", _pull, "write the active policies to the file"),
        ("diff", _diff, "compare the file with the active policies; exits with 2 if they differ"),
        ("test", _test, "run the tests in the file; exits with 2 if one fails"),
        ("push", _push, "publish the policies in the file"),
        (
            "drift",
            _drift,
            "compare the last file that was pushed with the active policies; exits with 2 if they differ",
        ),
    ):
        command = group.add_parser(name, help=meaning)
        command.set_defaults(run=run)
        if run is _drift:
            continue
        command.add_argument("file", nargs="?", default="policies.json", type=Path)
        if run is _test:
            where = command.add_mutually_exclusive_group()
            where.add_argument("--draft", metavar="ID", help="run them against this draft instead")
            where.add_argument("--proposed", action="store_true", help="run them against the file's policies instead")
        if run is _push:
            command.add_argument("--draft", metavar="NAME", help="create a draft with this name instead of publishing")


def _pull(given: argparse.Namespace) -> int:
    with client_from(given) as client:
        current = client.policies()
    values = dict(current.values)
    tests = values.pop("tests", [])
    policy_file.write(given.file, {"policies": values, "tests": tests})
    show(
        {"version": current.version, "file": str(given.file)},
        f"Wrote version {current.version} to {given.file}.",
        as_json=given.json,
    )
    return 0


def _diff(given: argparse.Namespace) -> int:
    wanted = policy_file.wanted(given.file)
    with client_from(given) as client:
        version, changes = _changes(client, wanted)
    lines = [f"{key}: {json.dumps(change['from'])} -> {json.dumps(change['to'])}" for key, change in changes.items()]
    _summarize("Policy changes", lines or ["No changes."])
    show(
        {"version": version, "changes": changes}, "\n".join(lines) or f"Same as version {version}.", as_json=given.json
    )
    return DIFFERENT if changes else 0


def _test(given: argparse.Namespace) -> int:
    tests = policy_file.read(given.file).get("tests", []) if given.file.exists() or not given.draft else []
    if given.proposed:
        return _test_proposed(given)
    if given.draft:
        return _test_draft(given, tests)
    if not tests:
        raise ConfigurationError(f"{given.file} has no tests.")
    with client_from(given) as client:
        if client.inspect_key()["key"]["environment"] != "test":
            raise ConfigurationError("Use a test key: with a live key, tests would count as live checks.")
        failures = [
            failure
            for start in range(0, len(tests), MOST_AT_ONCE)
            for failure in _failures(client, tests[start : start + MOST_AT_ONCE])
        ]
    return _tell(given, len(tests), failures)


def _test_draft(given: argparse.Namespace, tests: list[dict[str, Any]]) -> int:
    """The tests of the file, or the draft's own where the file has none."""
    path = f"/v1/policy/drafts/{quote(given.draft, safe='')}/tests"
    return _run_there(given, path, {"tests": tests} if tests else {})


def _test_proposed(given: argparse.Namespace) -> int:
    """The tests of the file, or those in force where it has none, on the policies in force with those of the file."""
    return _run_there(given, f"{_FILE}/tests", {"policies": policy_file.wanted(given.file)})


def _run_there(given: argparse.Namespace, path: str, body: dict[str, Any]) -> int:
    with client_from(given) as client:
        results = client.calls.fetch("POST", path, body)["tests"]
    if not results:
        raise ConfigurationError("There are no tests.")
    return _tell(given, len(results), [f"{one['name']}: {one['detail']}" for one in results if not one["passed"]])


def _tell(given: argparse.Namespace, count: int, failures: list[str]) -> int:
    told = f"{count - len(failures)} of {count} passed."
    _summarize("Policy tests", [*failures, told])
    show({"tests": count, "failures": failures}, "\n".join([*failures, told]), as_json=given.json)
    return DIFFERENT if failures else 0


def _push(given: argparse.Namespace) -> int:
    wanted = policy_file.wanted(given.file)
    with client_from(given) as client:
        version, changes = _changes(client, wanted)
        _keep_file(client, wanted)
        if given.draft:
            values = {key: change["to"] for key, change in changes.items()}
            draft = client.create_policy_draft(given.draft, values)
            told = f"Draft {draft.id} changes {', '.join(sorted(changes)) or 'nothing'}. Nothing is published."
            show({"draft": draft.id, "changed": sorted(changes)}, told, as_json=given.json)
            return 0
        for key, change in changes.items():
            version = client.update_policy(key, change["to"], expected_version=version)
    show(
        {"version": version, "changed": sorted(changes)},
        f"Version {version} is active: {', '.join(sorted(changes)) or 'nothing changed'}.",
        as_json=given.json,
    )
    return 0


def _drift(given: argparse.Namespace) -> int:
    with client_from(given) as client:
        found = client.calls.fetch("GET", _FILE)
    lines = [
        f"{one['policy']}: {json.dumps(one['file'])} in the file, {json.dumps(one['in_force'])} active"
        for one in found["differences"]
    ]
    same = f"Version {found['version']} matches the file pushed at {found['pushed_at']}."
    _summarize("Policy drift", lines or [same])
    show(found, "\n".join(lines) or same, as_json=given.json)
    return DIFFERENT if lines else 0


def _keep_file(client: Client, wanted: dict[str, Any]) -> None:
    """So that the service can show where the policies in force differ from it later.

    A key without the scope for drafts, and a service from before, leave nothing behind; the push goes on.
    """
    with contextlib.suppress(PermissionDeniedError, NotFoundError):
        client.calls.fetch("PUT", _FILE, {"policies": wanted})


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
    requests = [CheckRequest(**{"metadata": {}, **test["request"]}) for test in tests]
    failures = []
    for test, result in zip(tests, client.check_many(requests), strict=True):
        decision = result.unwrap()
        wanted = test["expect"]
        differs = any(getattr(decision, name) != value for name, value in wanted.items() if value is not None)
        if decision.decided_by != "service" or differs:
            got = {name: getattr(decision, name) for name in ("allowed", "reason", "risk_score")}
            failures.append(f"{test['name']}: expected {json.dumps(wanted)}, got {json.dumps(got)}")
    return failures


def _summarize(title: str, lines: list[str]) -> None:
    """Into the summary of a GitHub Action, where there is one."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(f"### {title}\n\n" + "".join(f"- {line}\n" for line in lines) + "\n")
