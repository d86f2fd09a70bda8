"""Callers who are a burden: they send a little and wait, read a little and wait, or send what is dear to read."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from statistics import quantiles
from threading import Thread
from typing import Any, Self

from core.clock import monotonic_s
from tests.faults.load import QUESTION


@contextmanager
def slow_senders(port: int, path: str, *, count: int, authorization: str = "") -> Iterator[list[socket.socket]]:
    """Connections that promise 5,000 bytes, send 12 and wait."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{authorization}"
        "Content-Length: 5000\r\n\r\n123456789012"
    )
    with _connections(port, head.encode(), count) as opened:
        yield opened


@contextmanager
def slow_readers(port: int, path: str, *, count: int, authorization: str) -> Iterator[list[socket.socket]]:
    """Connections that ask for much and read nothing of it."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}\r\n"
    with _connections(port, head.encode(), count, receive_buffer=4_096) as opened:
        yield opened


@contextmanager
def _connections(
    port: int, head: bytes, count: int, *, receive_buffer: int | None = None
) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", port))
            connection.sendall(head)
            opened.append(connection)
        time.sleep(0.3)  # until all of them are being read
        yield opened


PAUSE_S = 0.01
"""Between two requests of a noisy caller, so that those who measure beside it are not slow themselves."""


class Noise:
    """Callers that send the same again and again, without a body GET, and keep what they were answered with.

    They are a process of their own: what they cost must not slow down those who measure beside them.
    """

    def __init__(self, port: int, path: str, headers: dict[str, str], body: bytes | None, *, callers: int = 2) -> None:
        processes = get_context("forkserver")
        self._is_over, self._answers = processes.Event(), processes.SimpleQueue()
        self._process = processes.Process(
            target=_callers, args=(port, path, headers, body, callers, self._is_over, self._answers), daemon=True
        )
        self.statuses: list[int] = []
        self.longest_bytes = 0
        self.broken = 0

    def __enter__(self) -> Self:
        self._process.start()
        self._answers.get()  # the first answer
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.statuses, self.longest_bytes, self.broken = self._answers.get()
        self._process.join()


def _callers(
    port: int,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
    count: int,
    is_over: Event,
    answers: SimpleQueue[Any],
) -> None:
    callers = [_Caller(port, path, headers, body) for _ in range(count)]
    callers[0].send()
    answers.put(None)
    threads = [Thread(target=caller.send_until, args=[is_over]) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put(
        (
            [status for caller in callers for status in caller.statuses],
            max(caller.longest_bytes for caller in callers),
            sum(caller.broken for caller in callers),
        )
    )


class _Caller:
    def __init__(self, port: int, path: str, headers: dict[str, str], body: bytes | None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._request = ("GET" if body is None else "POST", path, body, headers)
        self.statuses: list[int] = []
        self.longest_bytes = 0
        self.broken = 0

    def send_until(self, is_over: Event) -> None:
        while not is_over.is_set():
            self.send()
            time.sleep(PAUSE_S)
        self._connection.close()

    def send(self) -> None:
        try:
            self._connection.request(*self._request)
            answer = self._connection.getresponse()
            self.longest_bytes = max(self.longest_bytes, len(answer.read()))
            self.statuses.append(answer.status)
        except (http.client.HTTPException, OSError):
            self.broken += 1
            self._connection.close()


def asked(port: int, method: str, path: str, *, count: int, secret: str | None = None) -> list[tuple[int, float]]:
    """Status and milliseconds of requests that are sent one after the other on a connection that is kept."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"} if secret else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    answers = []
    for _ in range(count):
        began_s = monotonic_s()
        connection.request(method, path, QUESTION if secret else None, headers)
        answer = connection.getresponse()
        answer.read()
        answers.append((answer.status, (monotonic_s() - began_s) * 1_000))
        time.sleep(0.005)
    connection.close()
    return answers


def p99_ms(answers: list[tuple[int, float]]) -> float:
    return quantiles([took_ms for _, took_ms in answers], n=100)[98]
