"""Callers that ask without pause, remember what they were answered, and are counted against the log."""

import http.client
import threading
import time
from collections import Counter
from typing import Self

import msgspec
import psycopg

from core.clock import monotonic_s
from tests.services import wait_until

CALLERS = 8
PAUSE_S = 0.01
"""Between an answer and the next question: what is being killed or started needs the processor too."""
QUESTION = b'{"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": false}}'


class Load:
    """`unanswered` has, for each request that was sent and got no answer, when it was sent (monotonic seconds)."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CALLERS)]
        self.acknowledged: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.backends: Counter[str] = Counter()
        self.unanswered: list[float] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)

    def more(self, count: int) -> None:
        """Waits until so many more were answered."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, f"{count} more answers came", within_s=120)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._is_over.is_set():
            sent_s = None
            time.sleep(PAUSE_S)
            try:
                connection.request("POST", "/v1/check", QUESTION, self._headers)
                sent_s = monotonic_s()
                answer = connection.getresponse()
                self._note(answer.status, answer.headers.get("X-RateLimit-Backend", ""), answer.read())
            except (http.client.HTTPException, OSError):
                if sent_s is not None:
                    self.unanswered.append(sent_s)
                connection.close()  # the process died under us; a real caller asks again
                time.sleep(0.02)
        connection.close()

    def _note(self, status: int, backend: str, body: bytes) -> None:
        self.statuses[status] += 1
        self.backends[backend] += 1
        if status == 200:
            self.acknowledged.append(msgspec.json.decode(body)["decision_id"])
        else:
            assert b'"allowed"' not in body


def assert_every_acknowledged_decision_is_kept_once(url: str, load: Load, *, within_s: float = 30) -> None:
    ids = [decision_id.removeprefix("dec_") for decision_id in load.acknowledged]
    assert len(ids) == len(set(ids))

    wait_until(lambda: set(ids) <= set(kept(url)), "every acknowledged decision is in the log", within_s=within_s)
    assert set(kept(url).values()) == {1}


def kept_and_not_acknowledged(url: str, load: Load) -> set[str]:
    """Decisions that were made for somebody who did not hear of them."""
    return set(kept(url)) - {decision_id.removeprefix("dec_") for decision_id in load.acknowledged}


def kept(url: str) -> Counter[str]:
    """How often each decision is in the log, by the digits of its id."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT replace(id::text, '-', '') FROM decision").fetchall()
    return Counter(row[0] for row in rows)
