"""Since when a subscription is in arrears: pure rules about its invoices."""

from collections.abc import Sequence
from datetime import datetime

from billing.access import GRACE
from billing.stripe_objects import StripeObject, moment_of

IN_ARREARS = frozenset({"past_due", "unpaid"})


def began_at(invoices: Sequence[StripeObject]) -> datetime | None:
    """When the first invoice of the present run was not paid in time.

    The run is what came after the last month that was paid or written off: what was owed before that is settled, or
    was not what Stripe waited for. Where nothing but a written-off month is left, that is the one.
    """
    run: list[datetime] = []
    for invoice in sorted(invoices, key=_issued_at, reverse=True):
        if invoice.get("status") == "uncollectible" and not run:
            return _failed_at(invoice)
        if invoice.get("status") in {"paid", "uncollectible"}:
            break
        since = _failed_at(invoice) if invoice.get("status") == "open" else None
        if since is not None:
            run.append(since)
    return min(run, default=None)


def still_counts(since: datetime, invoices: Sequence[StripeObject]) -> bool:
    """Whether the run that was noted as begun at `since` goes on.

    No later month was paid, and the one that began it was not written off while its days of grace ran.
    """
    later = [one for one in invoices if (moment := _finalized_at(one)) is not None and moment > since]
    if any(one.get("status") == "paid" for one in later):
        return False
    first = [one for one in invoices if _failed_at(one) == since]
    return not any(_was_let_go(one, since) for one in first)


def _was_let_go(invoice: StripeObject, since: datetime) -> bool:
    written_off = moment_of((invoice.get("status_transitions") or {}).get("marked_uncollectible_at"))
    if invoice.get("status") == "uncollectible":
        return written_off is not None and written_off < since + GRACE
    return invoice.get("status") in {"paid", "void"}


def _failed_at(invoice: StripeObject) -> datetime | None:
    """One that is sent is late from its due date on; one that is charged, from its first attempt on."""
    if invoice.get("collection_method") == "send_invoice":
        return moment_of(invoice.get("due_date")) or _finalized_at(invoice)
    return _finalized_at(invoice) if invoice.get("attempt_count") else None


def _issued_at(invoice: StripeObject) -> float:
    return float(invoice.get("created") or (invoice.get("status_transitions") or {}).get("finalized_at") or 0)


def _finalized_at(invoice: StripeObject) -> datetime | None:
    return moment_of((invoice.get("status_transitions") or {}).get("finalized_at")) or moment_of(invoice.get("created"))
