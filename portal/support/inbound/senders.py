"""Who a mail says it is from: one address, read by the rules of addresses, never searched for. Imports no database."""

import re
import unicodedata
from collections.abc import Sequence
from email.errors import InvalidHeaderDefect
from email.headerregistry import HeaderRegistry
from email.utils import getaddresses
from typing import Any

import msgspec
from email_validator import EmailNotValidError, validate_email

_HEADERS = HeaderRegistry()
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_LOCAL, _DOMAIN = re.compile(r"[^\s<>()\[\],;:@\"\\]+"), re.compile(r"[^\s<>(),;:@\"\\]+")
_LONGEST_ADDRESS, _LONGEST_NAME, _LONGEST_HEADER = 320, 200, 2_000
_UNSEEN = frozenset("\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")


class Sender(msgspec.Struct, frozen=True):
    name: str
    email: str


def sender_of(headers: Sequence[str]) -> Sender | None:
    """None where it is not plain: no From, several, several addresses, or one that cannot be read as an address."""
    if len(headers) != 1 or len(headers[0]) > _LONGEST_HEADER:
        return None
    found = _well_formed(headers[0]) or _bracketed(headers[0])
    if found is None:
        return None
    name, email = one_line(found[0]), normalized(found[1])
    if email is None:
        return None
    is_misleading = "@" in name and name.lower() != email
    return Sender(email if is_misleading or not name else name[:_LONGEST_NAME], email)


def addresses_in(headers: Sequence[str]) -> tuple[str, ...]:
    """None of what is nested so deep that nobody can have meant it."""
    try:
        return tuple(address for _, address in getaddresses(list(headers)) if address)
    except RecursionError:
        return ()


def normalized(address: str) -> str | None:
    """As accounts keep theirs; an address that we would not take at a sign-up may write to us all the same."""
    if len(address) > _LONGEST_ADDRESS:
        return None
    try:
        found = validate_email(address, check_deliverability=False, allow_quoted_local=True, allow_domain_literal=True)
    except EmailNotValidError:
        local, at, domain = address.rpartition("@")
        is_quoted = _QUOTED.fullmatch(local) is not None and local.isprintable()
        is_one = at and (is_quoted or _LOCAL.fullmatch(local)) and _DOMAIN.fullmatch(domain)
        return f"{local}@{domain}".lower() if is_one and address.isprintable() else None
    return found.normalized.lower()


def one_line(text: str) -> str:
    """Without what can't be seen and what turns the direction of letters."""
    seen = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Cs"} or letter in _UNSEEN else letter for letter in text
    )
    return " ".join(seen.split())


def _well_formed(header: str) -> tuple[str, str] | None:
    try:
        read: Any = _HEADERS("from", header)
    except Exception:  # noqa: BLE001  the library raises many kinds for what is malformed
        return None
    if len(read.addresses) != 1 or any(isinstance(one, InvalidHeaderDefect) for one in read.defects):
        return None
    return read.addresses[0].display_name, read.addresses[0].addr_spec


def _bracketed(header: str) -> tuple[str, str] | None:
    """What mail programs that know no quoting write: a name with marks in it, then the address in angle brackets."""
    outside = _QUOTED.sub(lambda found: "_" * len(found[0]), header)
    begin = outside.find("<")
    if begin < 0:
        return "", header.strip()
    name, end = outside[:begin], outside.find(">", begin)
    is_plain = outside.count("<") == 1 and end > 0 and not outside[end + 1 :].strip()
    if not is_plain or ("@" in name and "," in name):
        return None
    return header[:begin].strip(' "'), header[begin + 1 : end].strip()
