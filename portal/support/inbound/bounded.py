"""The standard library's parser of mail with bounds: of size, lines, parts, depth and headers. Imports no database."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

from portal.support.alphabets import decoded

MOST_BYTES = 15_000_000
_MOST_LINES, _MOST_PARTS, _MOST_DEPTH = 400_000, 250, 20
_MOST_HEADERS, _LONGEST_HEADER, _LONGEST_OF_MIME = 1_000, 16_000, 2_500
"""Of MIME's own headers less, since the time of reading one grows with the square of its length."""


class Reason(StrEnum):
    """Why a mail is in the quarantine."""

    TOO_COMPLEX = "too_complex"
    UNREADABLE = "unreadable"
    SENDER = "sender"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    LIST = "list"
    FLOOD = "flood"
    OURS = "ours"
    NOT_TAKEN = "not_taken"


class NotRead(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class _Part(EmailMessage):
    """Counts while it is read, so that reading ends at a bound and not after it."""

    depth = 0

    def attach(self, payload: Any) -> None:
        payload.depth = self.depth + 1
        if payload.depth > _MOST_DEPTH:
            raise NotRead(Reason.TOO_COMPLEX)
        super().attach(payload)

    def set_raw(self, name: str, value: Any) -> None:
        if len(self) >= _MOST_HEADERS:
            raise NotRead(Reason.TOO_COMPLEX)
        super().set_raw(name, value)


class _Lenient(policy.EmailPolicy):
    """A header that cannot be read is taken letter for letter; bytes in headers are text in some alphabet."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse([line[:_LONGEST_HEADER] for line in sourcelines[:_MOST_HEADERS]])
        most = _LONGEST_OF_MIME if name.lower().startswith("content-") else _LONGEST_HEADER
        return name, decoded(value[:most].encode("ascii", "surrogateescape"))

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return _fetched(name, value)


@lru_cache(maxsize=256)
def _fetched(name: str, value: str) -> Any:
    """The library reads a header anew each time that it is asked for one."""
    try:
        return policy.default.header_fetch_parse(name, value)
    except Exception:  # noqa: BLE001  the library raises many kinds for what is malformed
        return " ".join(value.split())


_POLICY = _Lenient()


def parse(raw: bytes) -> EmailMessage:
    """Raises NotRead."""
    if len(raw) > MOST_BYTES or raw.count(b"\n") + raw.count(b"\r") > 2 * _MOST_LINES:
        raise NotRead(Reason.TOO_COMPLEX)
    made = 0

    def make(*_given: Any, **options: Any) -> EmailMessage:
        nonlocal made
        made += 1
        if made > _MOST_PARTS:
            raise NotRead(Reason.TOO_COMPLEX)
        return _Part(**options)

    try:
        return cast("EmailMessage", BytesParser(make, policy=_POLICY).parsebytes(raw))
    except NotRead:
        raise
    except Exception as error:
        raise NotRead(Reason.UNREADABLE) from error


def headers_of(message: EmailMessage) -> dict[str, list[str]]:
    """All of each name, in lower case, unfolded and not decoded."""
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), []).append(" ".join(str(value).split()))
    return found


def headers_alone(raw: bytes) -> EmailMessage:
    """Of a mail that is too much to read: enough to say whose it seems. Never raises."""
    head = raw[: 4 * _LONGEST_HEADER].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    try:
        return cast("EmailMessage", BytesParser(_Part, policy=_POLICY).parsebytes(head, headersonly=True))
    except Exception:  # noqa: BLE001  whatever it is, an operator sees it
        return _Part(policy=_POLICY)
