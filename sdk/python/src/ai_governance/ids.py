"""Names that clients make: UUID version 7, which begin with their time."""

import secrets
import time
from uuid import UUID


def new_id() -> str:
    """A UUID version 7 (RFC 9562, 5.7) for now."""
    noise = secrets.randbits(74)
    high = (time.time_ns() // 1_000_000 << 16) | 0x7000 | (noise >> 62)
    return str(UUID(int=(high << 64) | (0b10 << 62) | (noise & ((1 << 62) - 1))))
