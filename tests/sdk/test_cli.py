"""`aig`: what it prints, what it ends with, and where the key comes from."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ai_governance.cli import login
from ai_governance.cli.credentials import credentials_path
from ai_governance.cli.main import main
from flask import Flask

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


@pytest.mark.parametrize(("expected", "code"), [(False, 0), (True, 2)])
def test_tests_of_policies_end_with_2_where_one_fails(
    with_test_key: Member, home: Path, capsys: pytest.CaptureFixture[str], expected: bool, code: int
) -> None:
    check = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": True}}
    file = home / "policies.json"
    file.write_text(json.dumps({"policies": {}, "tests": [{"name": "personal", "check": check, "allowed": expected}]}))

    assert main(["policy", "test", str(file)]) == code
    assert f"{1 if expected is False else 0} of 1 passed" in capsys.readouterr().out


def test_tests_of_policies_are_no_live_checks(with_key: Member, home: Path) -> None:
    file = home / "policies.json"
    file.write_text('{"policies": {}, "tests": [{"check": {"model": "m", "operation": "chat"}, "allowed": true}]}')

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
