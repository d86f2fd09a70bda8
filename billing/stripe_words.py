"""How Stripe's SDK speaks, put into our words: plain objects, ids, and refusals."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import stripe

from billing.errors import PaymentsAway, PaymentsRefused
from core.outbound import Unreachable

Snapshot = dict[str, Any]
"""An object word for word as Stripe tells it."""

PRODUCT = "ai-governance"
"""In the metadata of all that is ours: other products may share the account."""


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
        raise away from error
    except stripe.StripeError as error:
        raise PaymentsRefused(error.user_message) from error


def plain(found: stripe.StripeObject) -> Snapshot:
    return found.to_dict(for_json=True)


def every(service: Any, params: dict[str, Any] | None = None) -> Iterator[Any]:
    """All that a list has, page by page: the account may have more than ours."""
    return iter(service.list({**(params or {}), "limit": MOST_LISTED}).auto_paging_iter())


def id_of(reference: Any) -> str:
    """Stripe gives an id, or where it was asked to, the whole object."""
    return str(reference["id"] if isinstance(reference, dict) else reference)


def ours(organization_id: UUID) -> dict[str, str]:
    return {"product": PRODUCT, "organization_id": str(organization_id)}


def is_ours(found: stripe.StripeObject) -> bool:
    """By its metadata; other products may share the account."""
    return ((plain(found).get("metadata") or {}).get("product")) == PRODUCT
