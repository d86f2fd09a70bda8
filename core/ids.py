"""Identifiers: UUID version 7 inside, `dec_…`, `key_…` and `req_…` outside.

A version 7 UUID starts with its time in milliseconds, so a decision's id leads straight to its day's partition. Ids
are names, not secrets: their noise is from the quick generator, which every process seeds anew, also after a fork.
"""

from datetime import UTC, datetime, timedelta
from random import getrandbits
from uuid import UUID

from core.clock import unix_ms

_HEX_DIGITS = 32
_VERSION = 7
_LAST_MS = 253_402_300_799_999  # the end of the year 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_uuid(*, at_ms: int | None = None) -> UUID:
    """A UUID version 7 (RFC 9562, 5.7) for `at_ms` milliseconds since the epoch, by default now."""
    milliseconds = unix_ms() if at_ms is None else at_ms
    noise = getrandbits(74)
    value = (milliseconds << 80) | (0x7 << 76) | ((noise >> 62) << 64) | (0b10 << 62) | (noise & ((1 << 62) - 1))
    return UUID(int=value)


def first_uuid_at(moment: datetime) -> UUID:
    """Before every version 7 UUID of this millisecond: a place in a list from which to go on."""
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0b10 << 62))


def derived_uuid(*, at_ms: int, noise: int) -> UUID:
    """The UUID version 7 for `at_ms` whose 74 bits of noise are given: the same for the same."""
    return UUID(int=(at_ms << 80) | (0x7 << 76) | ((noise >> 62) << 64) | (0b10 << 62) | (noise & ((1 << 62) - 1)))


def time_of(identifier: UUID) -> datetime:
    """The moment a version 7 UUID was made, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=ms_of(identifier))


def ms_of(identifier: UUID) -> int:
    """The same in milliseconds since the epoch."""
    return identifier.int >> 80


def public_id(prefix: str, identifier: UUID) -> str:
    """How an id is shown outside: `dec_0199f2…`."""
    return f"{prefix}_{identifier.hex}"


def parse_public_id(prefix: str, text: str) -> UUID | None:
    """The UUID behind a public id, or None if `text` is not one."""
    head, separator, tail = text.partition("_")
    if head != prefix or not separator or len(tail) != _HEX_DIGITS:
        return None
    try:
        identifier = UUID(hex=tail)
    except ValueError:
        return None
    is_ours = identifier.version == _VERSION and identifier.int >> 80 <= _LAST_MS
    return identifier if is_ours else None


def new_request_id() -> str:
    """A name for one HTTP request, given back in every answer.

    It begins with its time, as a version 7 UUID does: the log's index of them grows at its end alone. With names of
    noise each decision touched another page of it, which cost more the longer the log was.
    """
    return f"req_{unix_ms():012x}{getrandbits(48):012x}"
