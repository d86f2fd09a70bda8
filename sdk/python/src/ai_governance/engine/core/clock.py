# Made from core/clock.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""The only place that asks the machine for the time. Everywhere else time is an argument."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def unix_ms() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return time.monotonic()
