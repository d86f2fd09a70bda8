"""The commands: what they print, where, and what they say when something is wrong."""

import json
import re

from flask import Flask

from api.keys.token import is_well_formed
from tests.cast import Caller, Member, exports
from tests.databases import ROOT


def run(app: Flask, *words: str) -> tuple[int, str, str]:
    result = app.test_cli_runner().invoke(args=list(words))
    return result.exit_code, result.stdout, result.stderr


def test_a_key_is_created_and_its_secret_alone_printed(app: Flask, ada: Member) -> None:
    options = ("--environment", "test", "--scope", "checks:write", "--scope", "decisions:read", "--rate-limit", "7")

    code, out, err = run(app, "keys", "create", "--organization", ada.slug, "--name", "CLI", *options)

    assert (code, err) == (0, "")
    assert is_well_formed(out.strip())
    assert out == out.strip() + "\n"
    probe = Caller(app.test_client(), out.strip()).post("/api/evaluate").json
    assert probe["key"]["scopes"] == ["checks:write", "decisions:read"]
    assert (probe["key"]["environment"], probe["rate_limit"]["limit"]) == ("test", 7)


def test_a_key_is_live_and_for_checks_unless_told_otherwise(app: Flask, ada: Member) -> None:
    _, out, _ = run(app, "keys", "create", "--organization", ada.slug, "--name", "CLI")

    probe = Caller(app.test_client(), out.strip()).post("/api/evaluate").json
    assert (probe["key"]["environment"], probe["key"]["scopes"]) == ("live", ["checks:write"])


def test_an_unknown_organization_is_said_plainly(app: Flask) -> None:
    code, out, err = run(app, "keys", "create", "--organization", "nobody", "--name", "x")

    assert (code, out) == (1, "")
    assert "no organization with the slug 'nobody'" in err


def test_an_organization_is_created_with_policies_and_not_twice(app: Flask) -> None:
    assert run(app, "organizations", "create", "--slug", "new-one", "--name", "New One")[0] == 0

    code, _, err = run(app, "organizations", "create", "--slug", "new-one", "--name", "New One")

    assert code == 1
    assert "Choose another slug" in err
    assert "0 organizations" in run(app, "policies", "seed")[2]


def test_the_log_is_exported_to_standard_output(app: Flask, as_ada: Caller, ada: Member) -> None:
    made = as_ada.check().json["decision_id"]

    _, as_json, _ = run(app, "decisions", "export", "--organization", ada.slug)
    _, as_csv, _ = run(app, "decisions", "export", "--organization", ada.slug, "--format", "csv")

    assert json.loads(as_json.splitlines()[0])["decision_id"] == made
    assert as_csv.splitlines()[1].startswith(made)
    assert exports(app, ada) == [("command_line", {"format": "ndjson"}), ("command_line", {"format": "csv"})]


def test_the_purge_says_what_it_did(app: Flask) -> None:
    code, out, err = run(app, "decisions", "purge")

    assert (code, out) == (0, "")
    assert err == "0 decisions and 0 daily partitions deleted.\n"


def test_a_subject_is_erased(app: Flask, as_ada: Caller, ada: Member) -> None:
    as_ada.check(subject="person-1")

    _, _, err = run(app, "decisions", "erase", "--organization", ada.slug, "--subject", "person-1")

    assert err == "1 decisions deleted.\n"


def test_every_command_is_in_the_readme(app: Flask) -> None:
    readme = (ROOT / "README.md").read_text()
    ours = {"serve", "web", "worker", "organizations", "keys", "policies", "decisions", "operators", "legal"}
    commands = [
        f"flask {name} {part}".strip()
        for name in sorted(ours)
        for part in (getattr(app.cli.commands[name], "commands", None) or [""])
    ]

    missing = [command for command in commands if not re.search(rf"`{command}\b", readme)]

    assert missing == []
