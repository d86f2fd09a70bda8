"""How long Stripe may take: together for a page, by the call for a job, and together for whoever says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flask import g, has_request_context

from core.clock import monotonic_s

REQUEST_S = 2.0
"""For all that one request of a page asks of Stripe, together."""
JOB_S = 10.0
"""For each call of a job or a command."""

_ends_s: ContextVar[float | None] = ContextVar("stripe_ends_s", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All that is asked meanwhile, together: many slow answers end as one that never comes."""
    before = _ends_s.set(monotonic_s() + seconds)
    try:
        yield
    finally:
        _ends_s.reset(before)


def left_s() -> float:
    """How long the next call may take."""
    ends_s, most_s = _ends_s.get(), JOB_S
    if has_request_context():
        page_ends_s: float = g.setdefault("stripe_ends_s", monotonic_s() + REQUEST_S)
        most_s = page_ends_s - monotonic_s()
    return most_s if ends_s is None else min(most_s, ends_s - monotonic_s())
