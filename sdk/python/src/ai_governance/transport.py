"""HTTP/1.1 over kept connections, with one deadline for all that a call does."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ai_governance.errors import ConfigurationError

MOST_IDLE = 32
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Unreachable(Exception):
    """No answer came. `may_have_arrived` is False where the request can't have reached the service."""

    def __init__(self, why: str, *, may_have_arrived: bool) -> None:
        super().__init__(why)
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Deadline:
    """The moment until which a call may take."""

    def __init__(self, timeout_s: float) -> None:
        self._at_s = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Raises TimeoutError once nothing is left."""
        left_s = self._at_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the time for the call is over")
        return left_s


class _TimedReader(io.RawIOBase):
    """Reads from a socket, each time for no longer than the deadline leaves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._connection.receive_into(buffer)


class _TimedSocket:
    """What http.client reads an answer from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._connection))


class Connection:
    """One connection, used by one thread at a time."""

    def __init__(self, address: Address, context: ssl.SSLContext | None) -> None:
        self._address = address
        self._context = context
        self._socket: socket.socket | None = None
        self.deadline = Deadline(0)

    def open(self, timeout_s: float) -> None:
        plain = socket.create_connection((self._address.host, self._address.port), timeout=timeout_s)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                self._socket = self._context.wrap_socket(plain, server_hostname=self._address.host)
            else:
                self._socket = plain
        except BaseException:
            plain.close()
            raise

    def is_stale(self) -> bool:
        """Whether the other side closed it, or said what nobody asked."""
        if self._socket is None:
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def send(self, data: bytes) -> None:
        assert self._socket is not None  # noqa: S101  it was opened
        self._socket.settimeout(self.deadline.left_s())
        self._socket.sendall(data)

    def receive_into(self, buffer: Any) -> int:
        assert self._socket is not None  # noqa: S101  it was opened
        self._socket.settimeout(self.deadline.left_s())
        return self._socket.recv_into(buffer)

    def response(self, method: str) -> http.client.HTTPResponse:
        answer = http.client.HTTPResponse(_TimedSocket(self), method=method)  # type: ignore[arg-type]
        answer.begin()
        return answer

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    is_https: bool
    path: str
    shown: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises ConfigurationError; plain HTTP is for this machine alone."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            raise ConfigurationError("base_url must be a URL such as https://api.example.com")
        is_https = parts.scheme == "https"
        if not is_https and parts.hostname not in _LOCAL_HOSTS:
            raise ConfigurationError("base_url must start with https://: an API key must not be sent unencrypted")
        default = 443 if is_https else 80
        shown = parts.hostname if parts.port in {None, default} else f"{parts.hostname}:{parts.port}"
        return cls(parts.hostname, parts.port or default, is_https, parts.path.rstrip("/"), shown)


class Pool:
    """Kept connections to one service; safe for threads, and empty again after a fork."""

    def __init__(self, base_url: str, *, headers: Mapping[str, str], connect_timeout_s: float) -> None:
        self.address = Address.parse(base_url)
        self._context = ssl.create_default_context() if self.address.is_https else None
        self._connect_timeout_s = connect_timeout_s
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        fixed = {"Host": self.address.shown, **headers}
        self._fixed = "".join(f"{name}: {value}\r\n" for name, value in fixed.items())
        self._is_closed = False

    def send(
        self, method: str, path: str, *, body: bytes | None, headers: Mapping[str, str], deadline: Deadline
    ) -> Response:
        """Raises Unreachable."""
        connection, answer = self._exchange(method, path, body, headers, deadline)
        try:
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(_why(error), may_have_arrived=True) from error
        self._give_back(connection, answer)
        return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    def stream(
        self, method: str, path: str, *, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[Response, Iterator[bytes]]:
        """The head of an answer, and its lines as they come, each within `timeout_s`. Raises Unreachable."""
        connection, answer = self._exchange(method, path, None, headers, Deadline(timeout_s))
        head = Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, b"")
        return head, self._lines(connection, answer, timeout_s)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def forget(self) -> None:
        """In a child process, whose parent goes on using the connections."""
        self._lock = threading.Lock()
        self._idle = []

    def _lines(self, connection: Connection, answer: http.client.HTTPResponse, timeout_s: float) -> Iterator[bytes]:
        try:
            while True:
                connection.deadline = Deadline(timeout_s)
                line = answer.readline()
                if not line:
                    break
                yield line
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(_why(error), may_have_arrived=True) from error
        finally:
            connection.close()

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], deadline: Deadline
    ) -> tuple[Connection, http.client.HTTPResponse]:
        head = f"{method} {self.address.path}{path} HTTP/1.1\r\n{self._fixed}"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        data = head.encode("latin-1") + b"\r\n" + (body or b"")
        connection = self._take(deadline)
        try:
            connection.send(data)
            return connection, connection.response(method)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(_why(error), may_have_arrived=True) from error

    def _take(self, deadline: Deadline) -> Connection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._connect(deadline)
            if not connection.is_stale():
                connection.deadline = deadline
                return connection
            connection.close()

    def _connect(self, deadline: Deadline) -> Connection:
        connection = Connection(self.address, self._context)
        try:
            connection.open(min(self._connect_timeout_s, deadline.left_s()))
        except OSError as error:
            raise Unreachable(_why(error), may_have_arrived=False) from error
        connection.deadline = deadline
        return connection

    def _give_back(self, connection: Connection, answer: http.client.HTTPResponse) -> None:
        with self._lock:
            if not answer.will_close and not self._is_closed and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()


def _why(error: BaseException) -> str:
    """In a few words that name no address and no secret."""
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__
