"""The client for Python under load, while the service is killed, paused and without its database: one decision each."""

import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ai_governance import ApiError, Client, Decision

from core.clock import monotonic_s
from tests.cast import HARMLESS, Member
from tests.faults.processes import all_of, held_still, web_processes
from tests.faults.test_faults import kill_postgres, start_postgres
from tests.services import wait_until

pytestmark = pytest.mark.faults

CHECK: dict[str, Any] = HARMLESS
TOTAL_TIMEOUT_S = 1.0
CALLERS = 6


class Callers:
    """Software that checks without end, each caller one check after the other."""

    def __init__(self, client: Client) -> None:
        self.decisions: list[Decision] = []
        self.refused: list[ApiError] = []
        self.slowest_s = 0.0
        self._client = client
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def more(self, count: int) -> None:
        """Until so many more were decided."""
        goal = len(self.decisions) + count
        wait_until(lambda: len(self.decisions) >= goal, f"{count} more checks are decided")

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._is_over.is_set():
            began_s = monotonic_s()
            try:
                self.decisions.append(self._client.check(**CHECK))
            except ApiError as error:
                self.refused.append(error)
            self.slowest_s = max(self.slowest_s, monotonic_s() - began_s)


def kept(url: str) -> list[tuple[str, bool]]:
    """The ids in the log, and whether the SDK had decided first."""
    with psycopg.connect(url) as connection:
        return [(row[0].hex, row[1]) for row in connection.execute("SELECT id, sdk IS NOT NULL FROM decision")]


def test_every_check_has_one_decision_in_the_end(
    database: Any, url: str, member: Member, service_with: Any, tmp_path: Path
) -> None:
    service = service_with()
    with Client(service.url, member.secret, total_timeout_s=TOTAL_TIMEOUT_S, spool_folder=tmp_path / "sdk") as client:
        callers = Callers(client)
        callers.more(60)
        web_processes(service)[0].kill()
        callers.more(60)
        with held_still(all_of(service)):
            time.sleep(1.5 * TOTAL_TIMEOUT_S)  # longer than a check may take
        callers.more(60)
        kill_postgres(database)
        callers.more(60)
        start_postgres(database)
        callers.more(60)
        service.stop()
        callers.more(20)
        service.start()
        callers.more(30)
        callers.stop()
        wait_until(lambda: client.spool.is_empty() or client.reconcile(), "what was decided alone is handed over")

    assert callers.refused == []
    answered = {decision.decision_id for decision in callers.decisions if decision.decided_by == "service"}
    alone = [decision for decision in callers.decisions if decision.decided_by == "sdk"]
    wait_until(lambda: len(kept(url)) >= len(callers.decisions), "the spool of the service is replayed")
    rows = kept(url)
    assert len(rows) == len({row for row, _ in rows}) == len(callers.decisions)
    assert {f"dec_{row}" for row, _ in rows} >= answered
    assert alone
    assert all(not decision.allowed and decision.is_spooled for decision in alone)
    assert callers.slowest_s < TOTAL_TIMEOUT_S + 1.0
