"""A fault of a setting, and how strong a secret is."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import msgspec
from zxcvbn import zxcvbn


class Fault(msgspec.Struct, frozen=True):
    """`problem` goes on from the setting's name; `remedy` is a sentence. Neither ever holds the value."""

    setting: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.setting} {self.problem}. {self.remedy}"


_LONGEST_JUDGED = 72
_SAMPLES = re.compile(
    r"change[-_ ]?me|change[-_ ]?it|replace[-_ ]?(me|this|with)|your[-_ ]|example|sample|insecure|placeholder|"
    r"default|development|password|secret[-_ ]?key|not[-_ ]?secure",
    re.IGNORECASE,
)
"""Words of templates and tutorials. A random secret has none of them but by a very unlikely chance."""


def is_guessable(secret: str, *, guesses_log10: float) -> bool:
    """Whether it is a sample, or fewer than 10 to the power of `guesses_log10` guesses would find it."""
    if _SAMPLES.search(secret):
        return True
    return bool(zxcvbn(secret[:_LONGEST_JUDGED])["guesses_log10"] < guesses_log10)


def address_of(url: str) -> SplitResult | None:
    """The parts of an address; None if it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError:
        return None
    return parts


def is_near(host: str | None) -> bool:
    """This machine, a socket on it, or a private network: names without a dot are known there alone."""
    if not host or ("." not in host and ":" not in host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return host.endswith((".internal", ".local", ".localhost", ".cluster.local"))
    return address.is_private or address.is_loopback


def is_this_machine(host: str | None) -> bool:
    if not host or host == "localhost" or host.endswith((".localhost", ".localdomain")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
