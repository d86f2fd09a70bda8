"""Days of grace: counted from the present run of unpaid invoices, and noted once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from billing import arrears, mirror
from billing.access import GRACE, AccessState
from billing.connection import gateway
from billing.models import Subscription
from core.accounts import Organization
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from local.stripe_sandbox import store, subscriptions
from tests.billing.scene import access, happen, subscription_id
from tests.cast import Member

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def invoice(status: str, days_ago: int, **more: Any) -> dict[str, Any]:
    finalized_at = int((NOW - days_ago * DAY).timestamp())
    return {"status": status, "attempt_count": 1, "status_transitions": {"finalized_at": finalized_at}, **more}


@pytest.mark.parametrize(
    ("newest_first", "days_ago"),
    [
        ([("open", 1), ("paid", 30), ("open", 60)], 1),
        ([("open", 1), ("paid", 30), ("uncollectible", 60)], 1),
        ([("open", 1), ("uncollectible", 60)], 1),
        ([("open", 1), ("open", 31), ("paid", 61)], 31),
        ([("open", 1), ("void", 31), ("paid", 61)], 1),
        ([("uncollectible", 31), ("paid", 61)], 31),
    ],
)
def test_only_the_present_run_counts(newest_first: list[tuple[str, int]], days_ago: int) -> None:
    assert arrears.began_at([invoice(*one) for one in newest_first]) == NOW - days_ago * DAY


def test_one_that_is_sent_is_late_from_its_due_date_on() -> None:
    due_date = int((NOW - 2 * DAY).timestamp())
    sent = invoice("open", 32, collection_method="send_invoice", attempt_count=0, due_date=due_date)

    assert arrears.began_at([sent]) == NOW - 2 * DAY


def test_a_run_goes_on_until_a_later_month_is_paid_or_its_first_is_let_go_in_time() -> None:
    since = NOW - 20 * DAY

    assert arrears.still_counts(since, [invoice("open", 1), invoice("open", 20)])
    assert not arrears.still_counts(since, [invoice("paid", 1), invoice("open", 20)])
    for days, goes_on in ((5, False), (15, True)):
        marked = {
            "finalized_at": int(since.timestamp()),
            "marked_uncollectible_at": int((since + days * DAY).timestamp()),
        }
        let_go = invoice("uncollectible", 20, status_transitions=marked)
        assert arrears.still_counts(since, [invoice("open", 1), let_go]) is goes_on


@pytest.mark.parametrize("left_as", ["open", "uncollectible"])
def test_a_later_failure_has_all_its_days_of_grace(app: Flask, subscribed: Member, left_as: str) -> None:
    """A month that was written off, or left open while the next one was paid, takes none of them."""
    identifier = subscription_id(app, subscribed)
    happen(app, subscriptions.next_period, identifier, is_paid=False)
    age(app, 60, status=left_as)
    happen(app, subscriptions.next_period, identifier, is_paid=True)
    age(app, 30)
    happen(app, subscriptions.next_period, identifier, is_paid=False)

    found = access(app, subscribed)

    assert found.state is AccessState.GRACE
    assert found.unpaid_from is not None
    assert found.unpaid_from - utc_now() > GRACE - DAY


@pytest.mark.parametrize(
    ("written_off_after", "state"), [(5, AccessState.GRACE), (15, AccessState.RESTRICTED)], ids=["in time", "too late"]
)
def test_a_month_that_is_written_off_gives_new_days_of_grace_only_while_its_own_ran(
    app: Flask, subscribed: Member, written_off_after: int, state: AccessState
) -> None:
    """When the run began is noted once."""
    identifier = subscription_id(app, subscribed)
    age(app, 50)
    with app.app_context(), acting_as_system(), transaction():
        db.session.get_one(Organization, subscribed.organization_id).pilot_ends_at = None
        subscriptions.next_period(identifier, is_paid=False)
    age(app, 20)
    sync(app, subscribed)
    assert access(app, subscribed).state is AccessState.RESTRICTED

    age(app, 0, status="uncollectible", marked_days_ago=20 - written_off_after)
    happen(app, subscriptions.next_period, identifier, is_paid=False)

    assert access(app, subscribed).state is state


def test_a_run_that_was_paid_is_forgotten(app: Flask, subscribed: Member) -> None:
    identifier = subscription_id(app, subscribed)
    happen(app, subscriptions.next_period, identifier, is_paid=False)
    happen(app, subscriptions.pay_open_invoice, identifier)

    with app.app_context(), acting_as_system():
        assert db.session.get_one(Subscription, identifier).unpaid_since is None


def sync(app: Flask, who: Member) -> None:
    with app.app_context(), acting_as_system():
        mirror.sync(who.organization_id, gateway(), now=utc_now())


def age(app: Flask, days: int, *, marked_days_ago: int | None = None, **changes: str) -> None:
    """The newest invoice is that old, and maybe something else became of it."""
    with app.app_context(), acting_as_system(), transaction():
        newest = store.every("invoice")[0]
        then = newest["created"] - days * 86_400
        moved = {**newest["status_transitions"], "finalized_at": then}
        if marked_days_ago is not None:
            moved["marked_uncollectible_at"] = int((utc_now() - marked_days_ago * DAY).timestamp())
        store.save({**newest, "status_transitions": moved, "created": then, **changes})
