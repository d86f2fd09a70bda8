"""How Stripe's SDK speaks, put into our words: plain objects, ids, and refusals."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from math import isfinite
from typing import Any
from uuid import UUID

import stripe

from billing.errors import PaymentsAway, PaymentsRefused
from billing.stripe_objects import PRODUCT, StripeObject
from core.outbound import Unreachable

MOST_LISTED = 100
"""On one page."""


@contextmanager
def translated() -> Iterator[None]:
    """Raises PaymentsAway or PaymentsRefused."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError, stripe.AuthenticationError) as error:
        away = PaymentsAway()
        away.is_unsent = isinstance(error.__cause__, Unreachable) and error.__cause__.is_unsent
        away.is_answered = error.http_status not in {None, HTTPStatus.CONFLICT}  # that says: the same key is at work
        raise away from error
    except stripe.StripeError as error:
        refused = PaymentsRefused(error.user_message)
        refused.is_missing = error.code == "resource_missing" or error.http_status == HTTPStatus.NOT_FOUND
        raise refused from error


def found_or_none(ask: Callable[[], stripe.StripeObject]) -> StripeObject | None:
    """None for what Stripe does not have. Raises PaymentsAway or PaymentsRefused."""
    try:
        with translated():
            return plain(ask())
    except PaymentsRefused as refused:
        if refused.is_missing:
            return None
        raise


def plain(found: stripe.StripeObject) -> StripeObject:
    return found.to_dict(for_json=True)


def every(service: Any, params: dict[str, Any] | None = None) -> Iterator[Any]:
    """All that a list has, page by page: the account may have more than ours."""
    return iter(service.list({**(params or {}), "limit": MOST_LISTED}).auto_paging_iter())


def ours(organization_id: UUID) -> dict[str, str]:
    return {"product": PRODUCT, "organization_id": str(organization_id)}


def is_ours(found: stripe.StripeObject) -> bool:
    """By its metadata; other products may share the account."""
    return ((plain(found).get("metadata") or {}).get("product")) == PRODUCT


MOST_LEVELS = 64


def is_storable(value: Any, *, levels: int = MOST_LEVELS) -> bool:
    """Whether PostgreSQL can keep it as JSON: no NUL, no half of a character, no number beyond all bounds."""
    if levels == 0:
        return False
    if isinstance(value, dict):
        return all(is_storable(name) and is_storable(inner, levels=levels - 1) for name, inner in value.items())
    if isinstance(value, list):
        return all(is_storable(inner, levels=levels - 1) for inner in value)
    if isinstance(value, float):
        return isfinite(value)
    return not isinstance(value, str) or ("\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value))
