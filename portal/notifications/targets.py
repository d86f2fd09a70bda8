"""Where a webhook may go, as far as its address tells. What a name leads to is checked when we send (`outside`).

Knows no network and no database.
"""

from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import idna
import msgspec

from core.errors import AppError

PORTS = frozenset({443, 8443})
SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
LONGEST = 2000
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_HTTP_PORT = 80
_HTTPS_PORT = 443

_GLOBAL_V6 = ip_network("2000::/3")
_NOT_OUTSIDE = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16/32",  # the inside of a large cloud, at an address that looks public
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",  # documentation
    )
)


class TargetRefused(AppError):
    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "target_refused", "This address cannot be used"
    advice = "Enter a public https address, such as https://hooks.your-company.com/ai-governance."


class Target(msgspec.Struct, frozen=True):
    """An address taken apart. `host` is as DNS and certificates spell it, `path` has the query with it."""

    host: str
    port: int
    path: str
    is_tls: bool = True

    @property
    def url(self) -> str:
        scheme, usual = ("https", _HTTPS_PORT) if self.is_tls else ("http", _HTTP_PORT)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}{'' if self.port == usual else f':{self.port}'}{self.path}"

    @property
    def shown(self) -> str:
        """Without what may be a secret: whoever knows such an address can often write to it."""
        tail = self.path[-4:] if len(self.path) > 12 else ""  # noqa: PLR2004  of less, four characters would be much
        return f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}/…{tail}"


def read_target(text: str, *, allows_this_machine: bool = False, ports: frozenset[int] = PORTS) -> Target:
    """Raises TargetRefused, with words on what to enter instead."""
    if len(text) > LONGEST or not text.isprintable() or any(sign in text for sign in " \\"):
        raise TargetRefused("The address is too long or contains spaces, backslashes or control characters.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise TargetRefused(f"This is not a valid URL. {TargetRefused.advice}") from error
    if "@" in parts.netloc:
        raise TargetRefused("Remove the user name and password. Webhooks are signed instead.")
    if not text.isascii() and not (parts.path + parts.query).isascii():
        raise TargetRefused("Percent-encode special characters after the host name.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if allows_this_machine and parts.scheme == "http" and parts.hostname in _THIS_MACHINE:
        return Target(parts.hostname, port or _HTTP_PORT, path, is_tls=False)
    if parts.scheme != "https":
        raise TargetRefused(f"The URL must start with https://. {TargetRefused.advice}")
    if (port or _HTTPS_PORT) not in ports:
        raise TargetRefused(f"Use port {' or '.join(map(str, sorted(ports)))}.")
    return Target(_host_of(parts), port or _HTTPS_PORT, path)


def is_public(address: str) -> bool:
    """Whether this is an address of the open internet, and not a private one in any of its disguises."""
    found = ip_address(address.partition("%")[0])
    if any(found in network for network in _NOT_OUTSIDE) or found.is_multicast or found.is_reserved:
        return False
    if isinstance(found, IPv6Address) and found not in _GLOBAL_V6:
        return False  # NAT64, mapped and compatible IPv4, local and link-local addresses are all outside of it
    return found.is_global


def _host_of(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if _is_number(host):
        raise TargetRefused("Enter a host name, not an IP address. The certificate must match the name.")
    try:
        name = idna.encode(host, uts46=True, std3_rules=True).decode()
    except idna.IDNAError as error:
        raise TargetRefused(f"This is not a valid host name. {TargetRefused.advice}") from error
    if "." not in name or name.endswith(".") or _is_number(name):
        raise TargetRefused(f"Enter the full name of a public host, without a trailing dot. {TargetRefused.advice}")
    return name


def _is_number(host: str) -> bool:
    """As browsers and resolvers read it: also 127.1, 0x7f000001, 2130706433 and such with dots at the end."""
    last = host.rstrip(".").rpartition(".")[2]
    return ":" in host or last.isdigit() or last.lower().startswith("0x")
