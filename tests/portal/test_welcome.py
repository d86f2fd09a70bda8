"""The mail on approval says everything that a customer needs, and nothing secret; silence is followed up once."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Flask

from api.keys.token import KeyEnvironment
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from portal.customer.applications import review
from portal.customer.applications.models import Application
from portal.customer.applications.welcome import call_slots
from tests.cast import Caller, Member, another_key
from tests.people import Person, mails_to
from tests.portal.test_applications import applicant, application_of, decide, submitted

__all__ = ["applicant", "submitted"]


def test_calls_are_offered_on_working_days() -> None:
    friday = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)

    assert [slot.strftime("%A %H:%M") for slot in call_slots(friday)] == [
        "Monday 10:00",
        "Tuesday 10:00",
        "Wednesday 10:00",
    ]


PARTS = (
    "/dashboard",
    "/keys/new?environment=live",
    'curl http://127.0.0.1:8000/v1/check -H "Authorization: Bearer $AIG_KEY"',
    "/decisions",
    "/support/new",
    "/status",
    "/checklist",
    "/policies",
    "/team",
    "/documents",
    "23 Nov 2026, 10:00 UTC",
    "First%20call%20on",
    "Pro ($49 a month, 99.9% availability)",
    "Enterprise (by agreement)",
    "22 May 2027",
    "Monday to Friday, 09:00 to 18:00 UTC",
    "You can stop sending checks",
)


def test_the_mail_on_approval_has_every_part_and_no_key(
    app: Flask, submitted: tuple[Person, UUID], operator: Person
) -> None:
    ann, organization_id = submitted

    decide(
        operator,
        application_of(app, organization_id),
        "approve",
        pilot_ends_on="2027-05-22",
        **{"slot-0": "2026-11-23T10:00", "slot-1": "", "slot-2": "2026-11-25T10:00"},
    )

    mail = mails_to(app, ann.email)[-1]
    assert [part for part in PARTS if part not in (mail.text or "")] == []
    assert re.search(r"aig_(live|test)_[0-9A-Za-z]{33}", (mail.text or "") + (mail.html or "")) is None


def test_who_asks_nothing_for_a_day_gets_one_mail(app: Flask, submitted: tuple[Person, UUID], operator: Person) -> None:
    ann, organization_id = submitted
    decide(operator, application_of(app, organization_id), "approve")
    tomorrow = utc_now() + timedelta(hours=25)

    with app.app_context(), acting_as_system():
        too_early = review.quiet_since_approval(utc_now())
        with transaction():
            review.follow_up(organization_id, by=SYSTEM, now=tomorrow)
        again = review.quiet_since_approval(tomorrow)

    assert organization_id not in [*too_early, *again]
    assert [mail.template for mail in mails_to(app, ann.email)][-1] == "no_first_check"


def test_who_has_asked_is_left_in_peace(app: Flask, submitted: tuple[Person, UUID], operator: Person) -> None:
    organization_id = submitted[1]
    decide(operator, application_of(app, organization_id), "approve")
    member = Member(organization_id, "ann", UUID(int=0), "")
    tomorrow = utc_now() + timedelta(hours=25)
    with app.app_context(), acting_as_system():
        quiet = review.quiet_since_approval(tomorrow)
    Caller(app.test_client(), another_key(app, member, environment=KeyEnvironment.LIVE).secret).check()

    with app.app_context(), acting_as_system():
        assert db.session.query(Application).count() == 1
        assert (organization_id in quiet, organization_id in review.quiet_since_approval(tomorrow)) == (True, False)
