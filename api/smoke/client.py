"""Requests as a customer's software sends them. Certificates are checked, redirects are not followed."""

import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from core.clock import monotonic_s


class Unreachable(Exception):
    """Nobody answered as a web server does."""


class Reply(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: Any
    """What its JSON says; None for anything else."""
    seconds: float

    @property
    def code(self) -> str:
        """Of a problem document."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    @property
    def summary(self) -> str:
        """As people read it."""
        detail = self.body.get("detail") or self.body.get("title") if isinstance(self.body, dict) else None
        return f"{self.status}{f' {self.code}' if self.code else ''}{f': {detail}' if detail else ''}"


class Client:
    """One connection, which is opened again when the other side has closed it. Not for several threads."""

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        address = urlsplit(url)
        self._prefix = address.path.rstrip("/")
        host, port = address.hostname or "", address.port
        self._connection: HTTPConnection = (
            HTTPSConnection(host, port, timeout=timeout_s, context=ssl.create_default_context())
            if address.scheme == "https"
            else HTTPConnection(host, port, timeout=timeout_s)
        )

    def get(self, path: str, *, key: str | None = None) -> Reply:
        return self._ask("GET", path, key, None)

    def post(self, path: str, body: Any, *, key: str | None = None) -> Reply:
        return self._ask("POST", path, key, msgspec.json.encode(body))

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, key: str | None, body: bytes | None) -> Reply:
        headers = {"Accept": "application/json", "User-Agent": "ai-governance-smoke"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        began_s = monotonic_s()
        try:
            self._connection.request(method, self._prefix + path, body, headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, named, _json_of(content), monotonic_s() - began_s)


def _json_of(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
