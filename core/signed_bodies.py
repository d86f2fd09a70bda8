"""Bodies that one of our own tools signs with a key of the settings: HMAC-SHA256 over the time and the bytes."""

import hmac
import re
from datetime import datetime, timedelta

HEADER = "X-Signature"
GOOD_FOR = timedelta(minutes=5)
_SHAPE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(body: bytes, *, key: str, now: datetime) -> str:
    seconds = int(now.timestamp())
    return f"t={seconds},v1={_digest(body, key=key, seconds=seconds)}"


def is_signed(header: str | None, body: bytes, *, key: str, now: datetime) -> bool:
    """Whether the header is of this key, over these bytes, and no older than a few minutes."""
    found = _SHAPE.fullmatch(header or "")
    if found is None:
        return False
    seconds = int(found[1])
    is_fresh = abs(now.timestamp() - seconds) <= GOOD_FOR.total_seconds()
    return hmac.compare_digest(found[2], _digest(body, key=key, seconds=seconds)) and is_fresh


def _digest(body: bytes, *, key: str, seconds: int) -> str:
    return hmac.digest(key.encode(), f"{seconds}.".encode() + body, "sha256").hex()
