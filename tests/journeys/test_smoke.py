"""The walk of a smoke test against the real service: what it sees, what it skips, and that each step can fail."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import pytest
from click.testing import Result
from flask.testing import FlaskCliRunner
from playwright.sync_api import Page, expect

from api.keys.token import KeyEnvironment, issue_token
from api.smoke.cli import FAILED, UNREACHABLE
from core.db import db
from tests.databases import ROOT
from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal
from tests.services import free_port
from wsgi import create_app

EVERY_STEP = ("ready", "no key", "key", "empty log", "check", "content", "log", "limit", "revoke")
STRONG = ("checks:write", "decisions:read", "keys:read", "keys:write")
Distort = Callable[[str, str, int, bytes], tuple[int, bytes]]


class Answers(msgspec.Struct):
    """What the walk printed: the outcome of each step."""

    result: Result

    def __getitem__(self, step: str) -> str:
        found = re.search(rf"^  (\w+) +{step} +\S", self.result.output, re.MULTILINE)
        return found[1] if found else "missing"

    @property
    def code(self) -> int:
        return self.result.exit_code


@pytest.fixture(scope="module")
def commands(portal: Portal) -> Iterator[FlaskCliRunner]:
    app = create_app(portal.settings)
    runner = app.test_cli_runner()
    yield runner
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def key_with(commands: FlaskCliRunner) -> Callable[..., str]:
    """Makes test keys of an organization that is this test's alone, for its limit is shared by its keys."""
    slug = f"smoke-{uuid4().hex[:8]}"
    assert commands.invoke(args=["organizations", "create", "--slug", slug, "--name", "Smoke"]).exit_code == 0

    def make(*scopes: str) -> str:
        options = [option for scope in scopes for option in ("--scope", scope)]
        made = commands.invoke(
            args=["keys", "create", "--organization", slug, "--name", "Walker", "--environment", "test", *options]
        )
        assert made.exit_code == 0, made.output
        return made.output.strip().splitlines()[-1]

    return make


@contextmanager
def distorting(url: str, distort: Distort) -> Iterator[str]:
    """Stands before the service and changes some of its answers."""

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            address = urlsplit(url)
            behind = HTTPConnection(address.hostname or "", address.port, timeout=10)
            kept = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
            behind.request(self.command, self.path, body, {**kept, "Host": address.netloc})
            reply = behind.getresponse()
            status, content = distort(self.command, self.path, reply.status, reply.read())
            self.send_response(status)
            for name, value in reply.getheaders():
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            behind.close()

        do_GET = do_POST = _pass_on  # noqa: N815  so the library calls them

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def walk(commands: FlaskCliRunner, *arguments: str) -> Answers:
    return Answers(commands.invoke(args=["smoke", *arguments]))


def test_a_key_that_may_make_keys_walks_every_step_and_leaves_no_key(
    commands: FlaskCliRunner, portal: Portal, key_with: Callable[..., str]
) -> None:
    key = key_with(*STRONG)

    first, again = walk(commands, portal.url, key), walk(commands, portal.url, key)

    assert {step: first[step] for step in EVERY_STEP} == dict.fromkeys(EVERY_STEP, "passed"), first.result.output
    assert (first.code, again.code) == (0, 0)
    assert "9 passed, 0 skipped, 0 failed." in first.result.output
    assert re.search(r"9\d more checks pass, the next gets 429 with Retry-After \d+ s\.", first.result.output)
    assert key not in first.result.output


def test_a_key_for_checks_alone_skips_what_it_may_not_see_and_says_so(
    commands: FlaskCliRunner, portal: Portal, key_with: Callable[..., str]
) -> None:
    seen = walk(commands, portal.url, key_with("checks:write"))

    assert [step for step in EVERY_STEP if seen[step] == "skipped"] == ["key", "empty log", "log", "revoke"]
    assert [step for step in EVERY_STEP if seen[step] == "passed"] == ["ready", "no key", "check", "content", "limit"]
    assert seen.code == 0


def test_a_limit_that_leaves_too_much_is_not_walked_up_to(
    commands: FlaskCliRunner, portal: Portal, key_with: Callable[..., str]
) -> None:
    seen = walk(commands, portal.url, key_with(*STRONG), "--most-checks", "5")

    assert (seen["limit"], seen["revoke"], seen.code) == ("skipped", "passed", 0), seen.result.output


def test_nothing_is_asked_with_a_live_key_unless_it_is_said(commands: FlaskCliRunner, portal: Portal) -> None:
    answers = walk(commands, portal.url, "aig_live_" + "0" * 33), walk(commands, "ftp://here", "aig_test_x")

    assert [one.code for one in answers] == [2, 2]


def test_a_key_of_nobody_fails(commands: FlaskCliRunner, portal: Portal) -> None:
    seen = walk(commands, portal.url, issue_token(KeyEnvironment.TEST).secret)

    assert (seen["key"], seen["check"], seen["limit"], seen.code) == ("failed", "failed", "skipped", FAILED)
    assert "unknown_api_key" in seen.result.output


def test_where_nobody_answers_it_says_so_with_a_code_of_its_own(commands: FlaskCliRunner) -> None:
    seen = walk(commands, f"http://127.0.0.1:{free_port()}", issue_token(KeyEnvironment.TEST).secret)

    assert (seen.code, "unreachable" in seen.result.output) == (UNREACHABLE, True)


def test_it_walks_without_settings_and_without_a_database() -> None:
    """As from any machine; what it needs is the address and the key."""
    url, key = f"http://127.0.0.1:{free_port()}", issue_token(KeyEnvironment.TEST).secret
    environment = {"PATH": os.environ["PATH"], "AIG_KEY": key, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}

    done = subprocess.run(
        [sys.executable, "-m", "api.smoke", url], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, "unreachable" in done.stderr) == (UNREACHABLE, True), done.stderr


def _limit_never(_method: str, _path: str, status: int, content: bytes) -> tuple[int, bytes]:
    return (200, b'{"allowed": true}') if status == 429 else (status, content)


def _limit_early(_method: str, path: str, status: int, content: bytes, *, seen: list[int] = []) -> tuple[int, bytes]:  # noqa: B006  counts over all requests
    seen.append(status)
    return (429, b"{}") if path == "/v1/check" and status == 200 and seen.count(200) == 50 else (status, content)


DISTORTIONS: dict[str, Distort] = {
    "ready": lambda _, path, status, content: (503, b"{}") if path == "/health/ready" else (status, content),
    "no key": lambda _, _path, status, content: (
        (200, b'{"allowed": true}') if b"missing_api_key" in content else (status, content)
    ),
    "key": lambda method, path, status, content: (
        (500, b"{}") if (method, path) == ("POST", "/v1/keys") else (status, content)
    ),
    "empty log": lambda _, path, status, content: (
        (200, b'{"decisions": [{}], "next_cursor": null}') if "?key=" in path else (status, content)
    ),
    "check": lambda _, path, status, content: (
        (503, b"{}") if (path, status) == ("/v1/check", 200) else (status, content)
    ),
    "content": lambda _, _path, status, content: (200, b'{"allowed": true}') if status == 400 else (status, content),
    "log": lambda _, path, status, content: (404, b"{}") if "/v1/decisions/dec_" in path else (status, content),
    "limit": _limit_never,
    "revoke": lambda _, _path, status, content: (
        (200, b'{"allowed": true}') if b"revoked_api_key" in content else (status, content)
    ),
}


@pytest.mark.parametrize("step", DISTORTIONS)
def test_each_step_sees_what_is_wrong_with_the_service(
    commands: FlaskCliRunner, portal: Portal, key_with: Callable[..., str], step: str
) -> None:
    key = key_with(*STRONG)
    with distorting(portal.url, DISTORTIONS[step]) as url:
        seen = walk(commands, url, key)

    assert (seen[step], seen.code) == ("failed", FAILED), seen.result.output


def test_a_limit_that_comes_too_early_is_seen(
    commands: FlaskCliRunner, portal: Portal, key_with: Callable[..., str]
) -> None:
    key = key_with(*STRONG)
    with distorting(portal.url, _limit_early) as url:
        seen = walk(commands, url, key)

    assert seen["limit"] == "failed", seen.result.output
    assert "checks within the limit were refused" in seen.result.output


def test_a_newcomer_from_the_empty_log_to_the_429(page: Page, commands: FlaskCliRunner, portal: Portal) -> None:
    steps.sign_up(page, name="Lena Launch", organization="Launch & Co", email="lena@launch.example", password=PASSWORD)
    page.goto("/decisions")
    expect(page.get_by_role("heading", name="No decisions yet")).to_be_visible()
    key = steps.make_key(page, "Launch test", "test")

    seen = walk(commands, portal.url, key)

    assert (seen["check"], seen["limit"], seen.code) == ("passed", "passed", 0), seen.result.output
    page.goto("/decisions?environment=test")
    expect(page.get_by_role("row").filter(has_text="Launch test").first).to_be_visible()
    refused = steps.check(portal.url, key)
    assert (refused.status, refused.body["code"]) == (429, "rate_limited")
