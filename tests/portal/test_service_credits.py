"""Service credits: what a month that missed the promise gives back, to whom, and who is told."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from api.runtime import runtime
from billing.models import Invoice
from core.calendar import months_later
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.service_levels import SERVICE_CREDITS
from legal_docs.documents import drafts
from legal_docs.documents.kinds import Kind
from portal.customer.plan import credited_months, jobs
from tests.cast import Member
from tests.legal_docs.scene import NOW, PROVIDER, REVIEW
from tests.people import Person, mails_to

DAY = timedelta(days=1)


def this_month() -> datetime:
    return utc_now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


LAST = months_later(this_month(), -1)


def pay(app: Flask, who: Member, *, at: datetime, minor: int = 4_900, refunded: int = 0) -> None:
    snapshot = {"number": f"AIG-{at:%m%d}", "currency": "usd", "amount_paid": minor, "total": minor}
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            Invoice(
                id=f"in_{who.organization_id}_{at:%m%d}",
                organization_id=who.organization_id,
                status="paid",
                created_at=at,
                fetched_at=at,
                snapshot=snapshot,
                charge={"amount_refunded": refunded},
            )
        )


def ask(app: Flask, who: Member, *, at: datetime, answered: int, failed: int, environment: str = "live") -> None:
    for status, count in ((200, answered), (503, failed), (429, 500)):
        for _ in range(count):
            runtime(app).requests.note(
                who.organization_id, key_id=None, environment=environment, status=status, seconds=0.1, at=at
            )
    runtime(app).requests.flush()


def test_a_month_below_the_promise_shows_its_credit_to_customer_and_operators(
    app: Flask, ada: Member, cleo: Member, viewer: Person, stranger: Person, operator: Person
) -> None:
    pay(app, ada, at=LAST + 3 * DAY)
    pay(app, cleo, at=LAST + 3 * DAY)
    ask(app, ada, at=LAST + DAY, answered=98, failed=2)
    ask(app, cleo, at=LAST + DAY, answered=100, failed=0)

    page = " ".join(viewer.get("/plan").text.split())

    assert "98% of your valid live checks were answered" in page
    assert "Your service credit is 25% of what you paid in that month: 12.25 USD of invoice" in page
    assert "Your service credit" not in stranger.get("/plan").text
    console = operator.get("/console/billing").text
    assert "Service credits due" in console
    assert f"/console/organizations/{ada.organization_id}" in console
    assert f"/console/organizations/{cleo.organization_id}" not in console


@pytest.mark.parametrize(
    ("paid_at", "asked_at", "environment", "refunded"),
    [
        (LAST - DAY, LAST + DAY, "live", 0),
        (this_month(), LAST + DAY, "live", 0),
        (LAST, this_month(), "live", 0),
        (LAST, LAST - timedelta(hours=1), "live", 0),
        (LAST, LAST + DAY, "test", 0),
        (LAST, LAST + DAY, "live", 4_900),
    ],
    ids=["paid before", "paid after", "failed after", "failed before", "test keys", "refunded already"],
)
def test_nothing_is_due_where_that_month_was_not_paid_or_not_missed(
    app: Flask, ada: Member, paid_at: datetime, asked_at: datetime, environment: str, refunded: int
) -> None:
    pay(app, ada, at=paid_at, refunded=refunded)
    ask(app, ada, at=asked_at, answered=1, failed=9, environment=environment)

    with app.app_context(), acting_as_system():
        assert credited_months.due(now=utc_now()) == []


def test_operators_are_told_what_to_refund_and_nothing_when_nothing_is_due(
    app: Flask, ada: Member, operator: Person
) -> None:
    with app.app_context():
        jobs.report_service_credits(timestamp=0)
    assert mails_to(app, operator.email) == []
    pay(app, ada, at=LAST)
    ask(app, ada, at=LAST + DAY, answered=0, failed=1)

    with app.app_context():
        jobs.report_service_credits(timestamp=0)

    (mail,) = mails_to(app, operator.email)
    assert mail.template == "service_credits_due"
    assert "49.00 USD" in str(mail.text)


def test_terms_and_plan_page_state_every_step_of_one_table(viewer: Person) -> None:
    terms = drafts.draft(
        Kind.TERMS,
        number="1.0",
        provider=PROVIDER,
        register=(),
        review=REVIEW,
        published_at=NOW,
        effective_at=NOW,
        measures={},
    )
    page = " ".join(viewer.get("/plan").text.split())

    for step in SERVICE_CREDITS:
        assert f"| below {step.below_percent} % | {step.credit_percent} % |" in terms
        assert f"{step.credit_percent}% if below {step.below_percent}%" in page
