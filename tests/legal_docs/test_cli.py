"""What operators type."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner

from legal_docs.documents import services as documents
from legal_docs.documents.kinds import Kind
from legal_docs.register import changes, services
from tests.legal_docs.scene import HOST, MAILER, SETTINGS

NAMES = (
    "PROVIDER_NAME",
    "PROVIDER_ADDRESS",
    "PROVIDER_REGISTRATION",
    "PROVIDER_SIGNATORY",
    "GOVERNING_LAW",
    "COURTS",
    "SUPPORT_EMAIL",
    "LEGAL_EMAIL",
    "PRIVACY_EMAIL",
    "SECURITY_EMAIL",
)
REVIEWED = ("--reviewed-by", "Lena Lawyer", "--reviewed-on", "2026-11-01", "--review-note", "Fine.")


@pytest.fixture
def run(app: Flask, system: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in NAMES:
        monkeypatch.setenv(name, getattr(SETTINGS, name.lower()))
    runner: FlaskCliRunner = app.test_cli_runner()

    def run(*arguments: str) -> Result:
        return runner.invoke(args=["legal", *arguments])

    return run


def test_check_names_what_is_missing_and_fails(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURTS")
    result = run("check")

    assert result.exit_code == 1
    assert "missing setting   COURTS" in result.output
    assert "Data Processing Agreement" in result.output


def test_check_is_content_when_everything_is_there(run: Any) -> None:
    result = run("check")

    assert result.exit_code == 0, result.output
    assert result.output.count("not published") == 4


def test_publishing_from_the_command_line(run: Any) -> None:
    result = run("publish", "terms", "1.0", "--major", "--summary", "The first.", *REVIEWED)

    assert result.exit_code == 0, result.output
    version = documents.find(Kind.TERMS, "1.0")
    assert version.reviewed_by == "Lena Lawyer"
    assert version.sha256 in result.output


def test_publishing_without_a_setting_names_it(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVIDER_NAME")
    result = run("publish", "terms", "1.0", "--major", "--summary", "The first.", *REVIEWED)

    assert result.exit_code == 1
    assert "Set PROVIDER_NAME" in result.output
    assert documents.newest(Kind.TERMS) is None


def test_a_draft_is_written_for_the_lawyer(run: Any) -> None:
    assert run("draft", "dpa").output.startswith("# Data Processing Agreement\n")


def test_the_register_is_loaded_from_a_file_and_a_change_announced(run: Any, tmp_path: Path) -> None:
    register, entry = tmp_path / "register.json", tmp_path / "entry.json"
    register.write_bytes(msgspec.json.encode([HOST]))
    entry.write_bytes(msgspec.json.encode(MAILER))

    loaded = run("register", str(register))
    announced = run("announce", "add", "--reason", "Faster mail.", "--entry", str(entry))

    assert (loaded.exit_code, announced.exit_code) == (0, 0), loaded.output + announced.output
    assert [found.name for found in services.register()] == ["Cloud Host"]
    assert [change.reason for change in changes.announced()] == ["Faster mail."]


def test_the_starting_list_must_be_completed(run: Any) -> None:
    file = Path(services.__file__).with_name("starting_list.json")
    result = run("register", str(file))

    assert result.exit_code == 1
    assert "Complete address, contact, first_mechanism of Render" in result.output
    assert services.register() == []


def test_a_listed_company_is_given_its_service(run: Any, tmp_path: Path) -> None:
    register = tmp_path / "register.json"
    register.write_bytes(msgspec.json.encode([HOST]))
    run("register", str(register))
    (company,) = services.register()

    result = run("classify", str(company.id), "database")

    assert result.exit_code == 0, result.output
    assert services.register()[0].service_type == "database"
    assert run("classify", str(company.id), "nonsense").exit_code == 2


def test_the_measures_are_looked_at_and_each_that_is_not_met_is_named(run: Any) -> None:
    result = run("measures")

    assert result.exit_code == 1
    assert "ok   separation          Row-level security is active" in result.output
    assert "NOT  transport           The public address does not use HTTPS." in result.output
    assert "ok   limits" in result.output


def test_a_page_older_than_the_register_is_noticed(run: Any, tmp_path: Path) -> None:
    run("publish", "sub_processors", "1.0", "--major", "--summary", "The first.", *REVIEWED)
    assert "older than the register" not in run("check").output
    register = tmp_path / "register.json"
    register.write_bytes(msgspec.json.encode([HOST]))
    run("register", str(register))

    assert "older than the register" in run("check").output
