"""One request to somebody else's server, from which nobody learns anything about our network.

The name is resolved by us, each address that it has must be one of the open internet, and the connection goes to
exactly the address that was checked, with the certificate checked for the name: an answer that changes between check
and connection changes nothing. The HTTP client of the standard library follows no redirect and reads no proxy from the
environment. Everything together takes at most ten seconds, and of the answer 64 KB are read.
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer

import dns.exception
import dns.resolver
import msgspec
from flask import Flask, current_app

from core.clock import monotonic_s
from core.settings import Environment, Settings
from portal.notifications.targets import PORTS, Target, TargetRefused, is_public, read_target

WITHIN_S = 10.0
MOST_BYTES = 65_536
EXCERPT = 500

Resolve = Callable[[str, float], Sequence[str]]
"""The addresses of a name, found within so many seconds. Raises OSError."""
Connect = Callable[[tuple[str, int], float], socket.socket]


class Answer(msgspec.Struct, frozen=True):
    """What came of one attempt: a status, or a problem in words and no status."""

    took_ms: int
    status: int | None = None
    text: str = ""
    problem: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def resolve_by_dns(name: str, within_s: float) -> Sequence[str]:
    """Asks the name servers and nobody else: names of this machine and of its neighbourhood are none."""
    try:
        return list(dns.resolver.resolve_name(name, lifetime=within_s).addresses())
    except dns.exception.DNSException as error:
        raise OSError(f"The host {name} could not be resolved.") from error


class Egress(msgspec.Struct, frozen=True):
    """The way out. Tests put their own resolver, connection and trust in."""

    allows_this_machine: bool = False
    ports: frozenset[int] = PORTS
    resolve: Resolve = resolve_by_dns
    is_allowed: Callable[[str], bool] = is_public
    connect: Connect = socket.create_connection
    make_trust: Callable[[], ssl.SSLContext] = ssl.create_default_context
    within_s: float = WITHIN_S

    def read_target(self, text: str) -> Target:
        return read_target(text, allows_this_machine=self.allows_this_machine, ports=self.ports)

    def post(self, url: str, body: bytes, headers: dict[str, str], *, now: datetime) -> Answer:
        """Raises nothing that a receiver could cause."""
        started = monotonic_s()
        ends = started + self.within_s
        try:
            status, text, asked = self._exchange(self.read_target(url), body, headers, ends=ends)
        except (OSError, HTTPException, TargetRefused, ValueError) as error:
            is_late = monotonic_s() >= ends
            return Answer(
                took_ms=_ms_since(started), problem=_words_for(error, is_late=is_late, within_s=self.within_s)
            )
        return Answer(took_ms=_ms_since(started), status=status, text=text, retry_after=_read_wait(asked, now=now))

    def _exchange(
        self, target: Target, body: bytes, headers: dict[str, str], *, ends: float
    ) -> tuple[int, str, str | None]:
        connection = self._open(target, ends=ends)
        line = connection.sock
        watchdog = Timer(_left(ends), _cut, [line])  # a receiver that sends byte by byte is late all the same
        watchdog.start()
        try:
            connection.request("POST", target.path, body, headers)
            with connection.getresponse() as answer:
                return answer.status, _excerpt(answer), answer.headers.get("Retry-After")
        finally:
            watchdog.cancel()
            line.close()
            connection.close()

    def _open(self, target: Target, *, ends: float) -> HTTPConnection:
        line = self._reach(target, ends=ends)
        if not target.is_tls:
            plain = HTTPConnection(target.host, target.port)
            plain.sock = line
            return plain
        try:
            line.settimeout(_left(ends))
            trust = self.make_trust()
            connection = HTTPSConnection(target.host, target.port, context=trust)
            connection.sock = trust.wrap_socket(line, server_hostname=target.host)
        except BaseException:
            line.close()
            raise
        return connection

    def _reach(self, target: Target, *, ends: float) -> socket.socket:
        """A connection to the first of the checked addresses that takes one. Raises OSError or TargetRefused."""
        failure = OSError(f"The host {target.host} has no address.")
        for address in self._checked_addresses(target, ends=ends):
            try:
                return self.connect((address, target.port), _left(ends))
            except OSError as error:
                failure = error
        raise failure

    def _checked_addresses(self, target: Target, *, ends: float) -> list[str]:
        """All of the host's addresses, the older kind first; one bad address among them spoils all."""
        if not target.is_tls:  # nothing but this machine is spoken to in clear
            return ["::1" if target.host == "::1" else "127.0.0.1"]
        addresses = sorted(self.resolve(target.host, _left(ends)), key=lambda address: ":" in address)
        if not all(map(self.is_allowed, addresses)):
            raise TargetRefused(f"The host {target.host} resolves to a private address. Use a public address.")
        return addresses


def _left(ends: float) -> float:
    left = ends - monotonic_s()
    if left <= 0:
        raise TimeoutError
    return left


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _excerpt(answer: HTTPResponse) -> str:
    text = answer.read(MOST_BYTES).decode(errors="replace")
    return "".join(sign for sign in text if sign.isprintable() or sign == "\n")[:EXCERPT]


def _read_wait(asked: str | None, *, now: datetime) -> timedelta | None:
    """Retry-After, as seconds or as a date; None for what is neither."""
    if asked is None:
        return None
    try:
        return timedelta(seconds=int(asked)) if asked.isdigit() else parsedate_to_datetime(asked).astimezone(UTC) - now
    except (ValueError, OverflowError):
        return None


def _words_for(error: Exception, *, is_late: bool, within_s: float) -> str:
    """What went wrong, for whoever looks after the receiver."""
    if isinstance(error, TargetRefused):
        return error.detail
    if isinstance(error, TimeoutError) or is_late:
        return f"No response within {within_s:g} seconds."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not valid: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return "The TLS connection failed."
    if isinstance(error, HTTPException | ValueError):
        return "The response is not valid HTTP."
    return (error.strerror or str(error) or "The connection failed") if isinstance(error, OSError) else str(error)


def _ms_since(started: float) -> int:
    return round((monotonic_s() - started) * 1000)


EXTENSION = "outside"


def init_app(app: Flask, settings: Settings) -> None:
    """Only a trial on somebody's own machine may speak to that machine."""
    is_trial = settings.environment is not Environment.PRODUCTION and settings.public_url is None
    app.extensions[EXTENSION] = Egress(allows_this_machine=is_trial)


def egress() -> Egress:
    found: Egress = current_app.extensions[EXTENSION]
    return found
