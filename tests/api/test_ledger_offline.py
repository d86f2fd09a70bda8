"""The evidence as a file, and the program with which a stranger verifies it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from api.decisions import retention
from api.ledger import evidence
from core.accounts import Organization
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from tests.api.test_ledger import sign
from tests.cast import Caller, Member

Lines = list[dict[str, Any]]


@pytest.fixture
def lines(app: Flask, as_ada: Caller, ada: Member) -> Iterator[Lines]:
    """Two heads over three decisions each, and one that says that the second of each was erased."""
    with app.app_context():
        for _ in range(2):
            for number in range(3):
                as_ada.check(subject=f"person-{number}")
            sign()
        with acting_as_system(), transaction():
            organization = db.session.get_one(Organization, ada.organization_id)
            retention.erase_subject(organization, "person-1", by=COMMAND_LINE, now=utc_now())
        sign()
        yield exported(ada.organization_id)


def exported(organization_id: UUID) -> Lines:
    with acting_as_system():
        return [json.loads(line) for line in evidence.lines(organization_id, since=None)]


def run(folder: Path, lines: Lines, *options: str) -> tuple[int, str]:
    """As a stranger runs it: by itself, with nothing of ours."""
    file, program = folder / "evidence.ndjson", folder / evidence.PROGRAM.name
    program.write_bytes(evidence.PROGRAM.read_bytes())
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    command = [sys.executable, program.name, file.name, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin"})
    return done.returncode, done.stdout + done.stderr


def test_a_stranger_verifies_the_log_without_us(tmp_path: Path, lines: Lines) -> None:
    kept = tmp_path / "head.json"
    kept.write_text(json.dumps(lines[5]))
    key = lines[0]["keys"][0]["public_key"]

    assert run(tmp_path, lines, "--key", key, "--head", kept.name) == (0, "Intact: 3 heads, 6 decisions.\n")
    assert [line["decision_id"] for line in lines if "commitment" in line and "record" not in line] == [
        lines[3]["decision_id"], lines[7]["decision_id"],
    ]  # fmt: skip


def flipped(lines: Lines) -> str:
    lines[2]["record"] = lines[2]["record"].replace("true", "false", 1)
    return f"{lines[2]['decision_id']}, head 1, position 1: the decision was changed."


def pretended_erased(lines: Lines) -> str:
    del lines[2]["record"], lines[2]["salt"]
    return f"{lines[2]['decision_id']}, head 1, position 1: the decision was deleted."


def left_out(lines: Lines) -> str:
    del lines[4]
    return "head 1: a decision was inserted, left out, replaced or moved."


def inserted(lines: Lines) -> str:
    lines.insert(4, dict(lines[2]))
    return "head 1: a decision was inserted, left out, replaced or moved."


def moved(lines: Lines) -> str:
    lines[2], lines[4] = lines[4], lines[2]
    return "head 1: a decision was inserted, left out, replaced or moved."


def head_left_out(lines: Lines) -> str:
    del lines[5:9]
    return "head 2: it is missing."


def head_changed(lines: Lines) -> str:
    lines[5]["head"] = lines[5]["head"].replace('"rows":3', '"rows":2')
    return "head 2: its signature is wrong, or its key is not trusted."


def cut_off(lines: Lines) -> str:
    del lines[9:]
    return "The end of the file is missing."


TAMPERING: list[Callable[[Lines], str]] = [
    flipped, pretended_erased, left_out, inserted, moved, head_left_out, head_changed, cut_off,
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERING)
def test_a_file_that_somebody_tampered_with_is_not_intact(
    tmp_path: Path, lines: Lines, tamper: Callable[[Lines], str]
) -> None:
    sentence = tamper(lines)

    code, said = run(tmp_path, lines)

    assert code == 1
    assert sentence in said.splitlines()


def test_a_kept_head_and_a_kept_key_show_what_the_file_alone_cannot(tmp_path: Path, lines: Lines) -> None:
    kept = tmp_path / "head.json"
    kept.write_text(json.dumps(lines[5]))
    shorter = [*lines[:5], {"complete": True, "heads": 1}]

    assert "The head that you kept is not in the file" in run(tmp_path, shorter, "--head", kept.name)[1]
    assert run(tmp_path, lines, "--key", "A" * 43 + "=")[0] == 1
    assert run(tmp_path, [{"odd": 1}, {"head": 1}])[0] == 2
