"""The primary is killed and its standby takes over: checks go on, and what was answered is in the log once."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.clock import monotonic_s
from core.db import db
from core.settings import Settings
from tests.cast import Member, organization_with_key
from tests.databases import ROOT, WORKER, fresh_database, start_server
from tests.faults.load import Load, assert_every_acknowledged_decision_is_kept_once, kept
from tests.faults.processes import kill, postgres_processes
from tests.faults.two_servers import Pair, asked, primary_and_standby, run
from tests.services import Service, wait_until
from wsgi import create_app

pytestmark = pytest.mark.faults

DATABASE = "aig_failover"
_REVOKE = "UPDATE api_key SET revoked_at = now() WHERE id = %s"


@pytest.fixture
def pair(server_url: str) -> Iterator[Pair]:
    server = start_server("tests")
    with (
        fresh_database(server_url, DATABASE),
        primary_and_standby(server_url, server, ROOT / "var" / "faults" / WORKER / "failover") as pair,
    ):
        run(pair.primary_url(DATABASE), "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: asked(pair.primary_url(DATABASE), query) == 1, "commits wait for the standby")
        yield pair


@pytest.fixture
def member(pair: Pair, tmp_path: Path) -> Member:
    app = create_app(Settings(database_url=pair.primary_url(DATABASE), data_dir=str(tmp_path / "home")))
    member = organization_with_key(app, rate_limit=10_000_000)
    with app.app_context():
        db.engine.dispose()
    return member


def test_after_a_failover_nothing_answered_is_lost_and_changes_hold_within_a_second(
    pair: Pair, member: Member, tmp_path: Path
) -> None:
    """Commits wait for the standby, so that it has every decision that is not in the spool."""
    url = pair.either_url(DATABASE)
    service = Service({"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "WEB_WORKERS": "1", "RECORD_TIMEOUT_MS": "500"})
    service.start()
    try:
        with Load(service.port, member.secret) as load:
            load.more(200)
            in_primary = len(load.acknowledged)
            kill(postgres_processes(pair.primary))
            load.more(200)
            pair.promote()
            load.more(200)
            promoted = len(kept(url))
            wait_until(lambda: len(kept(url)) > promoted + 100, "decisions go to the new primary")
            revoked_s = revoke(member, url)
            wait_until(lambda: load.statuses[401] > 0, "the revocation holds", within_s=5)
            took_s = monotonic_s() - revoked_s
        assert_every_acknowledged_decision_is_kept_once(url, load)
    finally:
        service.stop()

    assert in_primary >= 200
    assert set(load.statuses) == {200, 401}
    assert took_s < 1


def revoke(member: Member, url: str) -> float:
    with psycopg.connect(url) as connection:
        connection.execute(_REVOKE, [member.key_id])
    return monotonic_s()
