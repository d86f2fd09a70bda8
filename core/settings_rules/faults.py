"""A fault of a setting, and how strong a secret is."""

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
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
    r"default|development|password|secret[-_ ]?key|not[-_ ]?secure|"
    # The empty hashes, that of "password", the UUID of the standard, and pi.
    r"d41d8cd98f00b204|da39a3ee5e6b4b0d|e3b0c44298fc1c14|5f4dcc3b5aa765d6|123e4567-e89b|3141592653",
    re.IGNORECASE,
)
"""Words of templates and tutorials. A random secret has none of them but by a very unlikely chance."""
_PHRASE = re.compile(r"([A-Z]?[a-z]+|[A-Z]+|\d{1,4})([-_ .,:/+]+([A-Z]?[a-z]+|[A-Z]+|\d{1,4})){2,}", re.ASCII)
"""Words with something between them: somebody has typed them."""
_TYPED = frozenset({"dictionary", "spatial", "repeat", "sequence"})
_SHORTEST_WORD, _MOST_TYPED = 4, 0.5
"""Of random characters such runs are few and short."""


@lru_cache(maxsize=64)
def _judged(secret: str) -> dict[str, Any]:
    return dict(zxcvbn(secret[:_LONGEST_JUDGED]))


def is_guessable(secret: str, *, guesses_log10: float) -> bool:
    """Whether it is a sample, or fewer than 10 to the power of `guesses_log10` guesses would find it."""
    if _SAMPLES.search(secret):
        return True
    return bool(_judged(secret)["guesses_log10"] < guesses_log10)


def is_typed(secret: str) -> bool:
    """Whether it is made of words or of runs on the keyboard, however long: a generator would not have made it."""
    runs = _judged(secret)["sequence"]
    typed = sum(len(run["token"]) for run in runs if run["pattern"] in _TYPED and len(run["token"]) >= _SHORTEST_WORD)
    return bool(_PHRASE.fullmatch(secret)) or typed > _MOST_TYPED * len(secret[:_LONGEST_JUDGED])


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
