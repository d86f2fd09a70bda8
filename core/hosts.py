"""Under which names the service answers. An unknown Host header could poison caches and links, or come from a page that
bound its own name to our address (DNS rebinding).
"""

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import msgspec

from core.errors import PROBLEM_CONTENT_TYPE, AppError
from core.ids import new_request_id
from core.security_headers import headers_of_answer
from core.settings import Environment, Settings

ANY_NAME = ("/health", "/health/live", "/health/ready", "/metrics")
"""Asked by balancers and Prometheus at whatever address a machine has; nothing in the answer depends on it."""


class UnknownHost(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "unknown_host", "The service does not respond to this host name"
    advice = "Use the service's public URL. Operators can add other host names to ALLOWED_HOSTS."


class HostNames:
    """The names of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._names = names_of(settings)
        self._is_production = settings.environment is Environment.PRODUCTION
        self._is_known = lru_cache(maxsize=256)(self._judge)

    def need_known(self, environ: WSGIEnvironment) -> None:
        """Raises UnknownHost."""
        if not self._is_known(str(environ.get("HTTP_HOST", ""))) and environ.get("PATH_INFO") not in ANY_NAME:
            raise UnknownHost

    def _judge(self, host: str) -> bool:
        name = name_of(host)
        return name in self._names or (not self._is_production and _is_of_this_desk(name))


class KnownHosts:
    """WSGI middleware around all of the app, for whoever calls it without our web server."""

    def __init__(self, wsgi_app: WSGIApplication, settings: Settings) -> None:
        self._wsgi_app = wsgi_app
        self._base_url = settings.base_url
        self._hosts = HostNames(settings)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            self._hosts.need_known(environ)
        except UnknownHost as refusal:
            return self._refused(refusal, start_response)
        return self._wsgi_app(environ, start_response)

    def _refused(self, refusal: UnknownHost, start_response: StartResponse) -> Iterable[bytes]:
        request_id = new_request_id()
        body = msgspec.json.encode(refusal.problem(request_id=request_id, base_url=self._base_url))
        headers = headers_of_answer(PROBLEM_CONTENT_TYPE, body, request_id=request_id)
        start_response(f"{refusal.status.value} {refusal.status.phrase}", [*headers, ("Connection", "close")])
        return [body]


def names_of(settings: Settings) -> frozenset[str]:
    urls = (settings.base_url, settings.probed_url)
    given = (name.strip() for name in settings.allowed_hosts.split(","))
    found = (*(urlsplit(url).netloc.rpartition("@")[2] for url in urls), *given)
    return frozenset(name for name in map(name_of, found) if name)


def name_of(host: str) -> str:
    """Without the port, in small letters; empty for what is no host."""
    if "@" in host or "/" in host or not host.isascii() or not host.isprintable() or " " in host:
        return ""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    return (parts.hostname or "").removesuffix(".")


def _is_of_this_desk(name: str) -> bool:
    """While developing: this machine under its usual names, and addresses, which nobody can bind another name to."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
