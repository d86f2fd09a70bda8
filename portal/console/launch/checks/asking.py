"""Asking another machine over HTTP, with a deadline. Never in a web request."""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

import msgspec

from core.clock import monotonic_s

TIMEOUT_S = 5
MOST_BYTES = 1_000_000


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def is_ok(self) -> bool:
        return self.status == 200  # noqa: PLR2004

    def read(self) -> Any:
        """The body as JSON; an empty object where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return {}


class _Stays(HTTPRedirectHandler):
    """Somebody else's page at the end of a redirect is no answer of ours."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def ask(
    url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None, method: str | None = None
) -> Answer:
    """Whatever the status; raises OSError where nobody answers, or the certificate does not check out."""
    request = Request(url, data=data, headers=dict(headers or {}), method=method)  # noqa: S310  our own settings
    started_s = monotonic_s()
    try:
        with _opener().open(request, timeout=TIMEOUT_S) as found:
            body, status, told = found.read(MOST_BYTES), found.status, found.headers
    except HTTPError as refusal:
        body, status, told = b"", refusal.code, refusal.headers
    return Answer(status, {name.lower(): value for name, value in told.items()}, body, monotonic_s() - started_s)


def _opener() -> OpenerDirector:
    return build_opener(HTTPSHandler(context=ssl.create_default_context()), _Stays)
