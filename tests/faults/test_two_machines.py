"""Two web services with disks of their own, on one PostgreSQL and one Redis: two machines as far as they can tell."""

import http.client
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from flask import Flask

from api.keys import services as keys
from api.machines.spools import known_machine_id, waiting_rows
from api.policies import services as policies
from core.audit import SYSTEM
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Settings
from tests.cast import Member, organization_with_key
from tests.databases import fresh_database
from tests.faults.load import kept
from tests.services import RedisServer, Service, wait_until
from wsgi import create_app

pytestmark = pytest.mark.faults

PERSONAL = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": True}}
LIMIT = 60
_END_WRITES = """
    SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'decision'::regclass AND NOT granted
"""


class Machine:
    def __init__(self, folder: Path, url: str, redis_url: str) -> None:
        self.data_path = folder
        self.backends: Counter[str] = Counter()
        """Where each check was counted."""
        self._service = Service(
            {
                "DATABASE_URL": url,
                "REDIS_URL": redis_url,
                "DATA_DIR": str(folder),
                "DECISION_DURABILITY": "process",
                "WEB_WORKERS": "1",
            }
        )

    def start(self) -> None:
        self._service.start()

    def stop(self) -> None:
        self._service.stop()

    def power_off(self) -> None:
        processes = psutil.Process(self._service.pid).children(recursive=True)
        os.killpg(self._service.pid, signal.SIGKILL)
        self._service.stop()
        assert psutil.wait_procs(processes, timeout=20)[1] == []

    def check(self, secret: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=10)
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/check", json.dumps(PERSONAL), headers)
        answer = connection.getresponse()
        self.backends[answer.headers.get("X-RateLimit-Backend", "")] += 1
        try:
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url, "aig_two_machines") as url:
        yield url


@pytest.fixture(scope="module")
def home(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Where operators and customers change things."""
    app = create_app(Settings(database_url=url, data_dir=str(tmp_path_factory.mktemp("home"))))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def machines(
    url: str, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Machine, Machine]]:
    pair = tuple(Machine(tmp_path_factory.mktemp(name), url, redis_server.url) for name in "ab")
    for machine in pair:
        machine.start()
    yield pair[0], pair[1]
    for machine in pair:
        machine.stop()


def within_a_second(machines: tuple[Machine, Machine], is_so: Any, change: Any) -> None:
    change()
    changed_s = monotonic_s()
    for machine in machines:
        wait_until(lambda machine=machine: is_so(machine), "the machine knows", within_s=5)
    assert monotonic_s() - changed_s < 1


def test_a_revocation_and_a_policy_hold_on_both_within_a_second(home: Flask, machines: tuple[Machine, Machine]) -> None:
    member = organization_with_key(home)
    assert [machine.check(member.secret)[1]["allowed"] for machine in machines] == [False, False]

    def permit() -> None:
        with home.app_context(), acting_as_system(), transaction():
            policies.change(member.organization_id, "block_personal_data", False, by=SYSTEM, now=utc_now())

    def revoke() -> None:
        with home.app_context(), acting_as_system(), transaction():
            keys.revoke(member.organization_id, member.key_id, reason=None, by=SYSTEM, now=utc_now())

    within_a_second(machines, lambda machine: machine.check(member.secret)[1]["allowed"], permit)
    within_a_second(machines, lambda machine: machine.check(member.secret)[0] == 401, revoke)


def test_a_limit_is_exact_over_both(home: Flask, machines: tuple[Machine, Machine]) -> None:
    """As long as Redis answers in time, which on a machine that is very busy may take another try."""
    for _ in range(3):
        member = organization_with_key(home, rate_limit=LIMIT)
        for machine in machines:
            machine.backends.clear()
        with ThreadPoolExecutor(8) as callers:
            asked = [callers.submit(machines[number % 2].check, member.secret) for number in range(LIMIT + 40)]
            statuses = Counter(one.result()[0] for one in asked)
        if all(set(machine.backends) == {"redis"} for machine in machines):
            break

    assert statuses == {200: LIMIT, 429: 40}


def leave_in_spool(machine: Machine, member: Member, url: str, *, checks: int) -> set[str]:
    """Decisions that were answered, and that are nowhere but on the disk of a machine that has died."""
    wait_until(lambda: waiting_rows(machine.data_path).rows == 0, "what it decided before is in the log")
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE decision IN EXCLUSIVE MODE")
        answers = [machine.check(member.secret) for _ in range(checks)]
        assert {status for status, _ in answers} == {200}, answers
        wait_until(lambda: waiting_on(machine, url) == checks, "the machine told what it holds")
        machine.power_off()
        connection.execute(_END_WRITES)  # the database would go on with what it was sent
    return {body["decision_id"].removeprefix("dec_") for _, body in answers}


def waiting_on(machine: Machine, url: str) -> int | None:
    """What operators see."""
    with psycopg.connect(url) as connection:
        query = "SELECT spool_rows FROM web_machine WHERE id = %s"
        row = connection.execute(query, [known_machine_id(machine.data_path)]).fetchone()
    return row[0] if row else None


def test_a_machine_that_dies_with_a_spool_loses_nothing_when_it_returns(
    home: Flask, machines: tuple[Machine, Machine], url: str
) -> None:
    member = organization_with_key(home)
    try:
        answered = leave_in_spool(machines[1], member, url, checks=12)
        lost = answered - set(kept(url))
    finally:
        machines[1].start()

    assert lost == answered
    wait_until(lambda: answered <= set(kept(url)), "its decisions are in the log")
    wait_until(lambda: waiting_on(machines[1], url) == 0, "it told that nothing waits")


def test_the_spool_of_a_machine_that_never_returns_is_brought_home_by_another(
    home: Flask, machines: tuple[Machine, Machine], url: str
) -> None:
    member = organization_with_key(home)
    try:
        answered = leave_in_spool(machines[1], member, url, checks=15)
        first, again = replay(machines[1], home), replay(machines[1], home)
        brought = Counter(decision_id for decision_id in kept(url).elements() if decision_id in answered)
        told = waiting_on(machines[1], url)
    finally:
        machines[1].start()

    assert first == "15 decisions replayed, 0 left, 0 in quarantine.\n"
    assert again == "0 decisions replayed, 0 left, 0 in quarantine.\n"
    assert brought == dict.fromkeys(answered, 1)
    assert told == 0


def replay(machine: Machine, home: Flask) -> str:
    """What an operator runs on any other machine."""
    done = home.test_cli_runner().invoke(args=["machines", "replay", str(machine.data_path)])
    return done.output
