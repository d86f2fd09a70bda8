"""What the guides tell to run is run, before the real service with real keys, and answers as they say."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from core.db import db
from core.settings import Settings
from tests.cast import another_key, organization_with_key
from tests.databases import ROOT, fresh_database
from tests.portal.docs.guides import BASE_URL, NAMES, RUNNABLE, Block, blocks_of, guide
from tests.services import Service, free_port
from wsgi import create_app

TESTING = KeyEnvironment.TEST
PROGRAMS = {"sh": ["sh", "-euc"], "python": [sys.executable, "-c"], "javascript": ["node", "--input-type=module", "-e"]}
PLACES = [
    pytest.param(name, place, id=f"{name}-{place}-{block.language}")
    for name in NAMES
    for place, block in enumerate(blocks_of(guide(name)))
    if RUNNABLE in block.marks
]
DIFFERS = {"decision_id", "request_id", "decided_at"}
"""What no guide can foresee of an answer."""


@pytest.fixture(scope="module")
def environment(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The running service, and keys as the guides name them; the policies are those of another organization."""
    folder = tmp_path_factory.mktemp("guides")
    with fresh_database(server_url, f"aig_guides_{uuid4().hex[:8]}") as url:
        app = create_app(Settings(database_url=url, data_dir=str(folder)))
        asking = organization_with_key(app, environment=TESTING, scopes=(Scope.CHECKS_WRITE,))
        local = another_key(app, asking, environment=TESTING, scopes=(Scope.CHECKS_WRITE, Scope.POLICIES_READ))
        reading = another_key(app, asking, environment=TESTING, scopes=(Scope.DECISIONS_READ,))
        admin = organization_with_key(app, scopes=(Scope.POLICIES_READ, Scope.POLICIES_WRITE))
        with app.app_context():
            db.engine.dispose()
        service = Service({"DATABASE_URL": url, "DATA_DIR": str(folder)})
        service.set("PUBLIC_URL", service.url)
        service.start()
        yield {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "sdk" / "python" / "src"),
            "XDG_STATE_HOME": str(folder),
            "AIG_URL": service.url,
            "AIG_KEY": asking.secret,
            "AIG_LOCAL_KEY": local.secret,
            "AIG_BUNDLE_KEYS": httpx.get(f"{service.url}/v1/policy/bundle-keys").json()["keys"][0]["public_key"],
            "AIG_READ_KEY": reading.secret,
            "AIG_ADMIN_KEY": admin.secret,
        }
        service.stop()


def run(block: Block, environment: Mapping[str, str], folder: Path) -> str:
    """Its output. Blocks that are to be saved stand beside it as files."""
    *program, option = PROGRAMS[block.language]
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is missing: put it on the PATH to run what the guides say.")
    done = subprocess.run(
        [*program, option, block.code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def with_files(name: str, folder: Path, *, base_url: str) -> list[Block]:
    blocks = blocks_of(guide(name, base_url=base_url))
    for block in blocks:
        if block.file_name:
            (folder / block.file_name).write_text(block.code)
    return blocks


def foreseen(answer: Any) -> Any:
    """What a guide can foresee of an answer: all its names, and the values that are not made anew each time."""
    if isinstance(answer, dict):
        return {name: None if name in DIFFERS else foreseen(value) for name, value in answer.items()}
    return [foreseen(one) for one in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_what_a_guide_tells_to_run_runs(environment: dict[str, str], tmp_path: Path, name: str, place: int) -> None:
    block = with_files(name, tmp_path, base_url=environment["AIG_URL"])[place]

    output = run(block, environment, tmp_path)

    if block.answer is not None:
        assert foreseen(msgspec.json.decode(output)) == foreseen(msgspec.json.decode(block.answer))


def test_enough_of_it_is_run() -> None:
    run_in = {name: sum(param.values[0] == name for param in PLACES) for name in NAMES}

    assert run_in["quickstart"] >= 5
    assert run_in["api-guide"] >= 7


def block_marked(mark: str, folder: Path, environment: Mapping[str, str]) -> Block:
    blocks = with_files("api-guide", folder, base_url=environment["AIG_URL"])
    return next(block for block in blocks if mark in block.marks)


@pytest.mark.parametrize(
    ("mark", "answered", "unanswered"),
    [("fails-closed", "allowed: dec_", "blocked: no response"), ("silent", "allowed: dec_", "allowed: without")],
)
def test_silence_is_a_no_unless_it_was_decided_otherwise(
    environment: dict[str, str], tmp_path: Path, mark: str, answered: str, unanswered: str
) -> None:
    block = block_marked(mark, tmp_path, environment)
    nobody_listens = {**environment, "AIG_URL": f"http://127.0.0.1:{free_port()}"}

    assert run(block, environment, tmp_path).startswith(answered)
    assert run(block, nobody_listens, tmp_path).startswith(unanswered)


@pytest.mark.parametrize(
    ("status", "body", "is_asked_again"),
    [
        (429, {"detail": "The limit is reached."}, True),
        (401, {"detail": "This key was revoked."}, False),
        (200, {"allowed": False, "reason": "operation_denied"}, False),
        (200, {"surprise": True}, False),
    ],
)
def test_whatever_is_answered_but_yes_is_a_no(
    tmp_path: Path, status: int, body: dict[str, Any], *, is_asked_again: bool
) -> None:
    governance, asked = governance_of(tmp_path), []

    def answer(question: dict[str, Any]) -> tuple[int, dict[str, Any], int]:
        asked.append(question)
        return status, body, 0

    governance._send = answer

    with pytest.raises(governance.NotAllowed):
        governance.check("gpt-4o", "chat", {}, on_no_response="allow", waits_s=(0, 0))

    assert len(asked) == (3 if is_asked_again else 1)


def governance_of(folder: Path) -> Any:
    """The module that the API guide lets its reader save."""
    with_files("api-guide", folder, base_url=BASE_URL)
    spec = spec_from_file_location("governance", folder / "governance.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
