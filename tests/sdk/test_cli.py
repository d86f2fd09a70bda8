"""`aig`: what it prints, what it ends with, and where the key comes from."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ai_governance.cli import login, policy_file
from ai_governance.cli.credentials import credentials_path
from ai_governance.cli.main import main
from flask import Flask

from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from tests.cast import Caller, Member, another_key
from tests.sdk.conftest import Fronted

CHECK = ["check", "--model", "gpt-4o", "--operation", "chat"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("AIG_URL", "AIG_KEY", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def with_key(front: Fronted, ada: Member, monkeypatch: pytest.MonkeyPatch) -> Member:
    monkeypatch.setenv("AIG_URL", front.url)
    monkeypatch.setenv("AIG_KEY", ada.secret)
    return ada


@pytest.fixture
def with_test_key(app: Flask, with_key: Member, monkeypatch: pytest.MonkeyPatch) -> Member:
    key = another_key(app, with_key, environment=KeyEnvironment.TEST)
    monkeypatch.setenv("AIG_KEY", key.secret)
    return key


@pytest.mark.parametrize(("fact", "code"), [("contains_personal_data=false", 0), ("contains_personal_data=true", 2)])
def test_a_check_ends_with_2_where_it_is_blocked(
    with_key: Member, capsys: pytest.CaptureFixture[str], fact: str, code: int
) -> None:
    assert main(["--json", *CHECK, "--fact", fact]) == code

    told = json.loads(capsys.readouterr().out)
    assert (told["allowed"], told["decided_by"]) == (code == 0, "service")


def test_a_refusal_ends_with_1_and_says_why(with_key: Member, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", *CHECK, "--fact", "prompt=hello"]) == 1

    assert json.loads(capsys.readouterr().err)["error"]["code"] == "content_refused"


def test_login_keeps_the_key_for_its_owner_alone(
    front: Fronted, ada: Member, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(login, "_asked", lambda: ada.secret)

    assert main(["--url", front.url, "login"]) == 0

    assert credentials_path().stat().st_mode & 0o777 == 0o600
    assert main(CHECK) == 0
    assert ada.secret not in capsys.readouterr().out
    credentials_path().chmod(0o644)
    assert main(CHECK) == 1
    assert main(["logout"]) == 0
    assert not credentials_path().exists()


def test_login_with_a_key_that_opens_nothing_keeps_nothing(front: Fronted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIG_KEY", "aig_test_nothing")

    assert main(["--url", front.url, "login"]) == 1
    assert not credentials_path().exists()


def test_a_key_is_never_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["login", "--key", "aig_test_x"])
    assert ended.value.code == 2
    assert main(CHECK) == 1
    assert "aig login" in capsys.readouterr().err


def test_the_log_is_searched_followed_and_exported(
    with_key: Member, as_ada: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [as_ada.check(metadata={"contains_personal_data": flag}).json["decision_id"] for flag in (True, False)]

    for command, expected in (
        (["search"], ids[::-1]),
        (["search", "--allowed", "true"], ids[1:]),
        (["tail", "--once"], ids),
        (["export", "--reason", "contains_personal_data"], ids[:1]),
    ):
        assert main(["--json", "decisions", *command]) == 0
        assert [json.loads(line)["decision_id"] for line in capsys.readouterr().out.splitlines()] == expected


def test_policies_are_pulled_compared_and_pushed(
    with_key: Member, home: Path, as_ada: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, summary = home / "policies.json", home / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["policy", "pull", str(file)]) == 0
    assert main(["policy", "diff", str(file)]) == 0
    given: dict[str, Any] = json.loads(file.read_text())
    given["policies"]["max_risk_score"] = 40
    file.write_text(json.dumps(given))

    assert main(["policy", "diff", str(file)]) == 2
    assert "max_risk_score: 50 -> 40" in summary.read_text()
    assert main(["policy", "push", str(file)]) == 0
    assert main(["policy", "diff", str(file)]) == 0
    given["policies"]["no_such_policy"] = True
    file.write_text(json.dumps(given))
    assert main(["policy", "push", str(file)]) == 1
    assert "no_such_policy" in capsys.readouterr().err


def test_a_file_may_be_yaml_in_which_off_is_a_word(
    with_key: Member, home: Path, as_ada: Caller, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "policies.yaml"
    assert main(["policy", "pull", str(file)]) == 0
    assert main(["policy", "diff", str(file)]) == 0
    rule = "{code: hr, state: off, on_missing: skip, message: m, when: {all: [is_external_model]}}"
    file.write_text(file.read_text().replace("rules: []", f"rules: [{rule}]"))
    capsys.readouterr()
    assert main(["--json", "policy", "push", str(file), "--draft", "In YAML"]) == 0

    draft = as_ada.get(f"/v1/policy/drafts/{json.loads(capsys.readouterr().out)['draft']}").json
    assert [one["state"] for one in draft["policies"]["rules"]] == ["off"]
    file.write_text("policies: [")
    assert main(["policy", "diff", str(file)]) == 1
    monkeypatch.setattr(policy_file, "yaml", None)
    assert main(["policy", "diff", str(file)]) == 1
    assert "ai-governance-client[yaml]" in capsys.readouterr().err


def test_what_was_changed_since_the_push_ends_with_2(
    with_key: Member, home: Path, as_ada: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "policies.json"
    assert main(["policy", "drift"]) == 1
    file.write_text(json.dumps({"policies": {"max_risk_score": 40}}))
    assert main(["policy", "push", str(file)]) == 0
    assert main(["policy", "drift"]) == 0
    as_ada.patch("/v1/policies/max_risk_score", {"value": 60})

    assert main(["policy", "drift"]) == 2
    assert "max_risk_score: 40 in the file, 60 active" in capsys.readouterr().out


def test_a_key_that_may_not_draft_pushes_without_leaving_its_file(
    app: Flask, with_key: Member, home: Path, as_ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = (Scope.POLICIES_READ, Scope.POLICIES_WRITE)
    monkeypatch.setenv("AIG_KEY", another_key(app, with_key, scopes=scopes).secret)
    (home / "policies.json").write_text(json.dumps({"policies": {"max_risk_score": 40}}))

    assert main(["policy", "push", str(home / "policies.json")]) == 0

    assert as_ada.get("/v1/policies").json["version"] == 2
    assert as_ada.get("/v1/policy/file").status_code == 404


@pytest.mark.parametrize(("expected", "code"), [(False, 0), (True, 2)])
def test_tests_of_policies_end_with_2_where_one_fails(
    with_test_key: Member, home: Path, capsys: pytest.CaptureFixture[str], expected: bool, code: int
) -> None:
    file = home / "policies.json"
    file.write_text(json.dumps({"policies": {}, "tests": [personal(expected)]}))

    assert main(["policy", "test", str(file)]) == code
    assert f"{1 if expected is False else 0} of 1 passed" in capsys.readouterr().out


def personal(allowed: bool) -> dict[str, Any]:
    request = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": True}}
    return {"name": "personal", "request": request, "expect": {"allowed": allowed, "risk_score": 70}}


def test_a_file_becomes_a_draft_with_its_tests_which_run_there(
    with_key: Member, home: Path, as_ada: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "policies.json"
    file.write_text(json.dumps({"policies": {"max_risk_score": 40}, "tests": [personal(False)]}))

    assert main(["--json", "policy", "push", str(file), "--draft", "Stricter"]) == 0
    draft = json.loads(capsys.readouterr().out)["draft"]
    assert main(["policy", "test", str(home / "no-file"), "--draft", draft]) == 0
    file.write_text(json.dumps({"policies": {}, "tests": [personal(True)]}))
    assert main(["policy", "test", str(file), "--draft", draft]) == 2
    assert as_ada.get("/v1/policies").json["version"] == 1


@pytest.mark.parametrize(("threshold", "code"), [(80, 0), (40, 2)])
def test_tests_run_on_the_policies_of_the_file_before_it_is_pushed(
    with_test_key: Member, home: Path, as_ada: Caller, threshold: int, code: int
) -> None:
    file = home / "policies.json"
    values = {"block_personal_data": False, "count_points_when_off": True, "max_risk_score": threshold}
    file.write_text(json.dumps({"policies": values, "tests": [personal(True)]}))

    assert main(["policy", "test", str(file), "--proposed"]) == code

    assert as_ada.get("/v1/policies").json["version"] == 1
    assert as_ada.get("/v1/decisions").json["decisions"] == []
    assert as_ada.get("/v1/policy/file").status_code == 404


def test_tests_of_policies_are_no_live_checks(with_key: Member, home: Path) -> None:
    file = home / "policies.json"
    file.write_text(json.dumps({"policies": {}, "tests": [personal(True)]}))

    assert main(["policy", "test", str(file)]) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"policies": 1}', '{"policies": {}, "tests": [{}]}'])
def test_a_file_that_is_none_is_named(with_key: Member, home: Path, text: str) -> None:
    (home / "policies.json").write_text(text)

    assert main(["policy", "test", str(home / "policies.json")]) == 1


def test_the_doctor_says_what_is_wrong(
    with_key: Member, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--json", "doctor"]) == 0
    assert {one["name"] for one in json.loads(capsys.readouterr().out)} >= {"service", "key", "limit", "policies"}

    monkeypatch.setenv("AIG_KEY", "aig_test_nothing")
    assert main(["doctor"]) == 1
    assert "FAIL key" in capsys.readouterr().out
    monkeypatch.setenv("AIG_URL", "http://127.0.0.1:1")
    assert main(["doctor"]) == 1
    assert "FAIL service" in capsys.readouterr().out
    monkeypatch.delenv("AIG_KEY")
    assert main(["doctor"]) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert main(["completion", shell]) == 0

    assert {"check", "decisions", "doctor", "--fact"} <= set(capsys.readouterr().out.replace("'", " ").split())


def test_bash_completes_what_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    script = capsys.readouterr().out + '\nCOMP_WORDS=(aig decisions "")\nCOMP_CWORD=2\n_aig\necho "${COMPREPLY[@]}"\n'

    told = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )

    assert {"search", "tail", "export"} <= set(told.stdout.split())
