"""The web server behind PgBouncer, which lends few server connections to many for a transaction each."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from flask import Flask

import api
from api.keys import services as keys
from api.runtime import runtime
from api.usage.jobs import count_request_days
from core.audit import SYSTEM
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from core.jobs import defer
from core.settings import Settings
from tests.cast import Caller, Member, organization_with_key
from tests.databases import fresh_database
from tests.faults.load import kept
from tests.people import Browser, sign_up
from tests.services import free_port, wait_until
from wsgi import create_app

pytestmark = pytest.mark.faults

SERVER_CONNECTIONS = 3
ROUNDS, CALLERS = 15, 8
NO_POOLER = "PgBouncer is missing (Debian: apt-get install pgbouncer)."
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@pytest.fixture(scope="module")
def direct_url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url, "aig_pooler") as url:
        yield url


@pytest.fixture(scope="module")
def pooled_url(direct_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if PROGRAM is None:
        pytest.skip(NO_POOLER)
    folder, port, address = tmp_path_factory.mktemp("pooler"), free_port(), urlsplit(direct_url)
    socket = Path(parse_qs(address.query)["host"][0])
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\naig_pooler = host={socket} user={address.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = transaction\ndefault_pool_size = {SERVER_CONNECTIONS}\n"
    )
    for part in (*settings.parents[:3], settings):
        part.chmod(0o755)
    as_user = ["-u", socket.owner()] if os.geteuid() == 0 else []
    process = subprocess.Popen([PROGRAM, "-q", *as_user, str(settings)], stderr=subprocess.DEVNULL)
    url = f"postgresql://{address.username}@127.0.0.1:{port}/aig_pooler"
    try:
        wait_until(lambda: answers(url), "the pooler answers", within_s=15)
        yield url
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="module")
def app(direct_url: str, pooled_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("data")
    app = create_app(Settings(database_url=pooled_url, database_feed_url=direct_url, data_dir=str(folder)))
    app.testing = True
    api.start(app)
    wait_until(lambda: runtime(app).snapshots.feed.epoch is not None, "changes are heard")
    yield app
    api.stop(app)
    with app.app_context():
        db.engine.dispose()


def test_everybody_sees_and_writes_their_own_however_connections_change_hands(app: Flask, direct_url: str) -> None:
    members = [organization_with_key(app) for _ in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as callers:
        decided = [callers.submit(own_decisions, app, member) for member in members]
        ids = [one for found in decided for one in found.result()]

    assert len(set(ids)) == CALLERS * ROUNDS
    in_log = kept(direct_url)
    assert {in_log[one.removeprefix("dec_")] for one in ids} == {1}


def own_decisions(app: Flask, member: Member) -> list[str]:
    """Between the others' requests: checks, each of which must be in the list at once, and nobody else's keys."""
    caller, made = Caller(app.test_client(), member.secret), []
    for _ in range(ROUNDS):
        made.append(caller.check().json["decision_id"])
        listed = caller.get("/v1/decisions?limit=100").json["decisions"]
        assert {one["decision_id"] for one in listed} == set(made)
        assert [one["id"] for one in caller.get("/v1/keys").json["keys"]] == [member.shown_key_id]
    return made


def test_no_role_stays_on_a_connection_for_whoever_gets_it_next(app: Flask, pooled_url: str) -> None:
    Caller(app.test_client(), organization_with_key(app).secret).check()
    held = [psycopg.connect(pooled_url) for _ in range(SERVER_CONNECTIONS)]  # a transaction each, so every server
    roles = [one.execute("SELECT current_setting('role')").fetchone() for one in held]
    for one in held:
        one.close()

    assert roles == [("none",)] * SERVER_CONNECTIONS


def test_a_revocation_holds_within_a_second(app: Flask) -> None:
    member = organization_with_key(app)
    caller = Caller(app.test_client(), member.secret)
    assert caller.check().status_code == 200

    with app.app_context(), acting_as_system(), transaction():
        keys.revoke(member.organization_id, member.key_id, reason=None, by=SYSTEM, now=utc_now())
    revoked_s = monotonic_s()
    wait_until(lambda: caller.check().status_code == 401, "the revocation holds", within_s=5)

    assert monotonic_s() - revoked_s < 1


def test_what_a_page_writes_and_a_job_that_it_leaves_are_committed(app: Flask, direct_url: str) -> None:
    answer = sign_up(Browser(app.test_client()))
    with app.app_context(), transaction():
        defer(count_request_days, timestamp=0)
    with psycopg.connect(direct_url) as connection:
        query = "SELECT (SELECT count(*) FROM mail_message), (SELECT count(*) FROM jobs.procrastinate_jobs)"
        counts = connection.execute(query).fetchone()

    assert (answer.status_code, counts) == (200, (1, 1))
