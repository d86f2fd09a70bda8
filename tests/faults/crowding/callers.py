"""Callers who are a burden: they send a little and wait, read a little and wait, or send what is dear to read."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import quantiles
from typing import Self

import msgspec

from core.clock import monotonic_s
from tests.databases import ROOT
from tests.faults.crowding.noise import BEGUN, Answered, Orders
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


class Noise:
    """Callers that send the same again and again, without a body GET, and keep what they were answered with.

    They are a process of their own: what they cost must not slow down those who measure beside them.
    """

    def __init__(self, port: int, path: str, headers: dict[str, str], body: bytes | None, *, callers: int = 2) -> None:
        self._orders = Orders(port, path, headers, body, callers)
        self.answered = Answered()

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.faults.crowding.noise"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._write(msgspec.json.encode(self._orders))
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == BEGUN, "the callers ended before they began"
        return self

    def __exit__(self, *_: object) -> None:
        answered, _errors = self._process.communicate(timeout=60)
        self.answered = msgspec.json.decode(answered, type=Answered)

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    @property
    def statuses(self) -> list[int]:
        return self.answered.statuses

    @property
    def longest_bytes(self) -> int:
        return self.answered.longest_bytes

    @property
    def broken(self) -> int:
        return self.answered.broken


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
