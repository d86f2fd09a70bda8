"""The access as it is worked out from the database, notified of, and projected to the checks."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import func, select, text

from api.keys.token import KeyEnvironment
from api.usage import counts
from api.usage.jobs import look_for_late_checks, seal_hours, watch_quotas
from billing import emails, entitlements, usage
from billing.jobs import refresh_entitlements, remind_of_pilots
from billing.models import BillingEmail, UsageHour
from billing.plans import PLANS, PlanCode
from core.accounts import BlockReason, Organization
from core.audit import COMMAND_LINE, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.members import Role
from tests.cast import Caller, Member, another_key
from tests.people import Person, mails_to, person
from tests.portal.test_documents import forget

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def change(app: Flask, who: Member, **values: Any) -> None:
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, who.organization_id)
        for name, value in values.items():
            setattr(organization, name, value)


def refresh(app: Flask, who: Member, now: datetime | None = None) -> Any:
    with app.app_context(), acting_as_system(), transaction():
        access = entitlements.refresh(who.organization_id, now=now or utc_now())
    forget(app, who)
    return access


def in_job(app: Flask, job: Callable[..., Any], now: datetime | None = None) -> None:
    with app.app_context():
        job(timestamp=int((now or utc_now()).timestamp()))


@pytest.fixture
def owner(app: Flask, ada: Member) -> Person:
    return person(app, "Ada", ada.organization_id)


@pytest.fixture
def as_test(app: Flask, ada: Member) -> Caller:
    key = another_key(app, ada, environment=KeyEnvironment.TEST, rate_limit=None)
    return Caller(app.test_client(), key.secret)


def test_a_pilot_that_ends_leads_to_free_and_says_so_once(app: Flask, ada: Member, owner: Person) -> None:
    refresh(app, ada)
    change(app, ada, pilot_ends_at=utc_now())

    for _ in range(2):
        in_job(app, refresh_entitlements)
        refresh(app, ada)

    assert [mail.template for mail in mails_to(app, owner.email)] == ["pilot_ended"]
    with app.app_context(), acting_as_system():
        [event] = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "entitlement.changed"))
        assert (event.before, (event.after or {})["plan"]) == ({"state": "pilot", "plan": "pilot"}, "free")


def test_the_clock_finds_what_changes_by_time_alone(app: Flask, ada: Member) -> None:
    refresh(app, ada)
    with app.app_context(), acting_as_system():
        assert ada.organization_id not in entitlements.due(utc_now())
        assert ada.organization_id in entitlements.due(utc_now() + 200 * DAY)


def test_reminders_come_at_thirty_seven_and_one_day_and_anew_when_the_end_moves(
    app: Flask, ada: Member, owner: Person
) -> None:
    ends_at = utc_now() + 29 * DAY
    change(app, ada, pilot_ends_at=ends_at)
    for days in (40, 29, 20, 6, 5, 1, 0.5):
        in_job(app, remind_of_pilots, ends_at - days * DAY)
    assert [mail.template for mail in mails_to(app, owner.email)] == ["pilot_ending"] * 3

    change(app, ada, pilot_ends_at=ends_at + DAY)
    in_job(app, remind_of_pilots, ends_at)
    assert len(mails_to(app, owner.email)) == 4


@pytest.mark.parametrize("minute_of_day", [0, 1, 479, 480, 481, 719, 1_439])
@pytest.mark.parametrize("every_hours", [1, 24])
def test_a_reminder_never_comes_later_than_it_says(
    app: Flask, ada: Member, owner: Person, minute_of_day: int, every_hours: int
) -> None:
    """Whenever in the day a pilot ends, and also if the clock struck once a day only."""
    midnight = (utc_now() + 60 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    ends_at = midnight + timedelta(minutes=minute_of_day)
    change(app, ada, pilot_ends_at=ends_at)
    left: list[timedelta] = []
    for hours in range(0, 34 * 24, every_hours):
        at = midnight - 33 * DAY + timedelta(hours=hours + 8)
        if at >= ends_at or not any(0 <= (ends_at - at) / DAY - days < 2.1 for days in (30, 7, 1)):
            continue  # nothing is sent between; the rest is left out for speed
        before = len(mails_to(app, owner.email))
        in_job(app, remind_of_pilots, at)
        left += [ends_at - at] * (len(mails_to(app, owner.email)) - before)

    assert len(left) == 3
    for days, remaining in zip((30, 7, 1), left, strict=True):
        assert days * DAY <= remaining <= (days + 1) * DAY


def test_who_has_a_plan_is_not_reminded_of_the_pilot(app: Flask, ada: Member, owner: Person) -> None:
    change(app, ada, pilot_ends_at=utc_now() + 5 * DAY)
    with app.app_context(), acting_as_system(), transaction():
        entitlements.grant(
            ada.organization_id, PlanCode.PRO, until=None, reason="Agreed.", by=COMMAND_LINE, now=utc_now()
        )

    in_job(app, remind_of_pilots)

    assert mails_to(app, owner.email) == []


def test_a_plans_rate_reaches_the_checks(app: Flask, ada: Member) -> None:
    key = another_key(app, ada, rate_limit=None)
    caller = Caller(app.test_client(), key.secret)
    with app.app_context(), acting_as_system(), transaction():
        entitlements.grant(
            ada.organization_id, PlanCode.ENTERPRISE, until=None, reason="Agreed.", by=COMMAND_LINE, now=utc_now()
        )
    forget(app, ada)

    assert caller.check().headers["RateLimit-Limit"] == "6000"


def trail_of(app: Flask, action: str) -> list[dict[str, int]]:
    """What the audit log stores of each such action, without the dates."""
    with app.app_context(), acting_as_system():
        found = db.session.scalars(select(AuditEvent.after).where(AuditEvent.action == action))
        return [{name: value for name, value in (after or {}).items() if name != "until"} for after in found]


def test_the_month_is_used_up_with_two_warnings_and_test_keys_go_on(
    app: Flask, ada: Member, owner: Person, as_ada: Caller, as_test: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(app, ada, pilot_ends_at=None, created_at=utc_now() - DAY)
    refresh(app, ada)
    allow(monkeypatch, checks=10)
    for _ in range(7):
        assert as_ada.check().status_code == 200
    in_job(app, watch_quotas)
    assert mails_to(app, owner.email) == []

    as_ada.check()
    in_job(app, watch_quotas)
    in_job(app, watch_quotas)
    assert [mail.template for mail in mails_to(app, owner.email)] == ["quota_near"]

    as_ada.check()
    as_ada.check()
    in_job(app, watch_quotas)
    in_job(app, watch_quotas)
    forget(app, ada)
    assert [mail.template for mail in mails_to(app, owner.email)] == ["quota_near", "quota_reached"]
    assert trail_of(app, "entitlement.quota_near") == [{"used": 8, "limit": 10}]
    assert trail_of(app, "entitlement.quota_reached") == [{"used": 10, "limit": 10}]
    refused = as_ada.check()
    assert (refused.status_code, refused.json["code"]) == (402, "quota_reached")
    assert as_test.check().status_code == 200
    assert "checks are used up" in owner.get("/keys").text

    with app.app_context(), acting_as_system(), transaction():
        entitlements.grant(
            ada.organization_id, PlanCode.PRO, until=None, reason="Agreed.", by=COMMAND_LINE, now=utc_now()
        )
    forget(app, ada)
    assert as_ada.check().status_code == 200


def test_a_new_month_wakes_the_keys_without_anybody_doing_anything(app: Flask, ada: Member, as_ada: Caller) -> None:
    change(app, ada, blocked_from=utc_now() - HOUR, blocked_until=utc_now(), blocked_because=BlockReason.QUOTA.value)
    forget(app, ada)

    assert as_ada.check().status_code == 200


def test_a_deadline_that_passes_restricts_in_its_own_second(app: Flask, ada: Member, as_ada: Caller) -> None:
    change(app, ada, blocked_from=utc_now() + HOUR, blocked_because=BlockReason.PAYMENT.value)
    forget(app, ada)
    assert as_ada.check().status_code == 200

    change(app, ada, blocked_from=utc_now())
    forget(app, ada)
    refused = as_ada.check()
    assert (refused.status_code, refused.json["code"]) == (402, "payment_required")
    assert "plan page" in refused.json["detail"]


def test_hours_are_sealed_once_and_what_comes_late_is_a_part_of_its_own_hour(
    app: Flask, ada: Member, as_ada: Caller, as_test: Caller
) -> None:
    for _ in range(3):
        as_ada.check()
    as_test.check()
    now = utc_now() + HOUR
    hour = utc_now().replace(minute=0, second=0, microsecond=0)
    with app.app_context(), acting_as_system(), transaction():
        assert counts.seal_hours(now=now + 10 * timedelta(minutes=1)) == 3
        assert counts.seal_hours(now=now + 20 * timedelta(minutes=1)) == 0
        assert counts.used_in(ada.organization_id, since=hour, until=hour + DAY) == 3

    as_ada.check()
    with app.app_context(), acting_as_system(), transaction():
        assert counts.count_again(since=hour, until=hour + DAY, now=now + HOUR) == 1
        assert counts.used_in(ada.organization_id, since=hour, until=hour + DAY) == 4
        parts = db.session.execute(
            select(UsageHour.hour, UsageHour.part, UsageHour.checks).where(
                UsageHour.organization_id == ada.organization_id
            )
        )
        assert sorted(tuple(row) for row in parts) == [(hour, 1, 3), (hour, 2, 1)]


def test_the_hourly_and_the_nightly_count_do_no_harm_together(app: Flask, ada: Member, as_ada: Caller) -> None:
    as_ada.check()
    hour = utc_now().replace(minute=0, second=0, microsecond=0)
    for job in (seal_hours, look_for_late_checks, seal_hours):
        in_job(app, job)

    with app.app_context(), acting_for(ada.organization_id):
        assert counts.used_in(ada.organization_id, since=hour, until=hour + DAY) == 1


def test_decisions_that_were_deleted_take_nothing_away_from_what_was_counted(app: Flask, ada: Member) -> None:
    hour = utc_now().replace(minute=0, second=0, microsecond=0)
    with app.app_context(), acting_as_system(), transaction():
        assert usage.seal(ada.organization_id, {hour: 5}, now=utc_now()) == 5
        assert usage.seal(ada.organization_id, {hour: 2}, now=utc_now()) == 0
        assert usage.sealed_checks(ada.organization_id, since=hour, until=hour + HOUR) == 5


@pytest.mark.parametrize("table", ["billing_account", "entitlement", "billing_letter", "usage_hour"])
def test_an_organization_can_change_nothing_about_its_own_money(app: Flask, ada: Member, table: str) -> None:
    with app.app_context(), acting_for(ada.organization_id):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET organization_id = organization_id"):
            with pytest.raises(Exception, match="permission denied"), db.session.begin_nested():
                db.session.execute(text(statement))


def test_one_letter_about_one_thing(app: Flask, ada: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get_one(Organization, ada.organization_id)
        sent = [emails.send_once("pilot_ended", organization, about="x", now=utc_now()) for _ in range(2)]
        assert sent == [True, False]
        assert db.session.scalar(select(func.count()).select_from(BillingEmail)) == 1


def test_who_is_in_charge_of_billing_gets_the_letters_too(app: Flask, ada: Member, owner: Person) -> None:
    bill = person(app, "Bill", ada.organization_id, Role.BILLING)
    refresh(app, ada)
    change(app, ada, pilot_ends_at=utc_now())
    refresh(app, ada)

    assert [mail.template for mail in mails_to(app, bill.email)] == ["pilot_ended"]


def allow(monkeypatch: pytest.MonkeyPatch, *, checks: int) -> None:
    """A Free plan so small that a test can use it up."""
    free = PLANS[PlanCode.FREE]
    small = msgspec.structs.replace(free, limits=msgspec.structs.replace(free.limits, checks_a_month=checks))
    monkeypatch.setitem(PLANS, PlanCode.FREE, small)
