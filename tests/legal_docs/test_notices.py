"""A new version: two notices that provably left, then a date, and acceptance lifts it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.accounts import Organization, OrganizationStatus
from core.clock import utc_now
from core.db import acting_for, db
from core.members import Role
from legal_docs import jobs
from legal_docs.acceptances import reacceptance
from legal_docs.acceptances import services as acceptances
from legal_docs.acceptances.status import AcceptanceStatus, acceptance_status, has_accepted_everything
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import Kind
from legal_docs.notices import services as notices
from legal_docs.notices.deadlines import NoticeTooShort
from legal_docs.notices.models import LegalNotice
from tests.legal_docs.scene import (
    NOW,
    Firm,
    accept_all,
    found_firm,
    join,
    mails,
    publish_second_terms,
    publish_version,
    recipients_of,
    seen_now,
    send_mail_at,
    statement,
    trail_of,
)

LATER = NOW + timedelta(days=100)


def due_date_of(firm: Firm) -> datetime | None:
    return db.session.get_one(Organization, firm.id, populate_existing=True).legal_due_at


def tell(firm: Firm, *, now: datetime = LATER) -> LegalNotice:
    """Publishes version 2.0 of the Terms and gives the first notice."""
    accept_all(firm)
    version = publish_second_terms(now=now)
    reacceptance.give_first_notices(version, now=now)
    reacceptance.follow_up(now=now)
    notice = notices.find(firm.id, version_id=version.id)
    assert notice is not None
    return notice


def test_owners_and_contacts_are_told_once_each(ada: Firm) -> None:
    join(ada.id, "viewer@ada.example", role=Role.VIEWER)
    tell(ada)

    assert recipients_of(mails("legal_new_version")) == ["contact@ada-and-co.example", "owner@ada-and-co.example"]


def test_telling_again_tells_nobody_twice(ada: Firm) -> None:
    tell(ada)

    assert reacceptance.give_first_notices(documents.find(Kind.TERMS, "2.0"), now=LATER) == 0


def test_who_accepted_the_new_version_already_is_not_told(ada: Firm) -> None:
    accept_all(ada)
    version = publish_second_terms(now=LATER)
    accept_all(ada, now=LATER + timedelta(seconds=1))

    assert reacceptance.give_first_notices(version, now=LATER + timedelta(seconds=2)) == 0


def test_who_never_accepted_is_not_told(ada: Firm, cleo: Firm) -> None:
    tell(ada)

    assert notices.find(cleo.id, version_id=documents.find(Kind.TERMS, "2.0").id) is None


def test_a_closed_organization_is_not_told(ada: Firm) -> None:
    accept_all(ada)
    db.session.get_one(Organization, ada.id).status = OrganizationStatus.CLOSED.value
    version = publish_second_terms(now=LATER)

    assert reacceptance.give_first_notices(version, now=LATER) == 0


def test_the_time_counts_from_the_day_the_mail_left(ada: Firm, mail_server_away: None) -> None:
    notice = tell(ada)
    assert notice.due_at is None

    send_mail_at("legal_new_version", LATER + timedelta(days=5))
    reacceptance.follow_up(now=LATER + timedelta(days=6))

    assert notice.due_at == LATER + timedelta(days=35)


def test_one_notice_alone_never_gives_a_date(ada: Firm) -> None:
    notice = tell(ada)
    assert notice.due_at is not None
    reacceptance.follow_up(now=notice.due_at - timedelta(days=7, seconds=1))

    assert mails("legal_reminder") == []
    assert due_date_of(ada) is None
    assert acceptance_status(ada.id, now=notice.due_at + timedelta(days=1))[0].status is AcceptanceStatus.DUE


def test_a_reminder_that_did_not_leave_gives_no_date(ada: Firm, mail_server_away: None) -> None:
    notice = tell(ada)
    send_mail_at("legal_new_version", LATER)
    for days in (1, 23, 31, 60):
        reacceptance.follow_up(now=LATER + timedelta(days=days))

    assert notice.due_at == LATER + timedelta(days=30)
    assert len(mails("legal_reminder")) == 2
    assert due_date_of(ada) is None
    assert has_accepted_everything(ada.id, now=LATER + timedelta(days=60))


def test_after_both_notices_there_is_a_date_and_then_it_is_overdue(ada: Firm) -> None:
    notice = tell(ada)
    due_at = notice.due_at
    assert due_at is not None
    reacceptance.follow_up(now=due_at - timedelta(days=7))
    reacceptance.follow_up(now=due_at - timedelta(days=6))

    assert len(mails("legal_reminder")) == 2
    assert trail_of(ada.id) == ["legal.notice_given", "legal.reminded"]
    assert due_date_of(ada) == due_at
    assert acceptance_status(ada.id, now=due_at - timedelta(seconds=1))[0].status is AcceptanceStatus.DUE
    assert acceptance_status(ada.id, now=due_at)[0].status is AcceptanceStatus.OVERDUE
    assert not has_accepted_everything(ada.id, now=due_at)


def test_a_late_reminder_moves_the_date(ada: Firm) -> None:
    notice = tell(ada)
    assert notice.due_at is not None
    late = notice.due_at + timedelta(days=2)
    reacceptance.follow_up(now=late)

    assert due_date_of(ada) == late + timedelta(days=7)


def test_acceptance_lifts_the_date_at_once(ada: Firm) -> None:
    notice = tell(ada)
    assert notice.due_at is not None
    reacceptance.follow_up(now=notice.due_at - timedelta(days=7))
    overdue = notice.due_at + timedelta(days=1)

    with acting_for(ada.id):
        accept_all(ada, now=overdue)

    assert due_date_of(ada) is None
    assert has_accepted_everything(ada.id, now=overdue)


def test_who_accepts_early_is_not_reminded(ada: Firm) -> None:
    notice = tell(ada)
    accept_all(ada, now=LATER + timedelta(days=1))
    assert notice.due_at is not None
    reacceptance.follow_up(now=notice.due_at)

    assert mails("legal_reminder") == []
    assert due_date_of(ada) is None


def test_accepting_one_document_leaves_the_other_due(ada: Firm) -> None:
    accept_all(ada)
    for kind in (Kind.TERMS, Kind.DPA):
        days = 30 if kind is Kind.TERMS else 40
        version = publish_version(kind, "2.0", now=LATER, effective_at=LATER + timedelta(days=days))
        reacceptance.give_first_notices(version, now=LATER)
    for days in (23, 24, 33, 34):
        reacceptance.follow_up(now=LATER + timedelta(days=days))
    assert due_date_of(ada) == LATER + timedelta(days=30)

    words = statement(ada, count=1)
    acceptances.accept(ada.id, seen=seen_now(Kind.TERMS), statement=words, by=ada.owner, now=LATER)

    assert due_date_of(ada) == LATER + timedelta(days=40)


def test_a_minor_version_is_told_and_never_due(ada: Firm) -> None:
    accept_all(ada)
    version = publish_version(Kind.TERMS, "1.1", now=LATER, effective_at=LATER + timedelta(days=30))
    reacceptance.give_first_notices(version, now=LATER)
    for days in (0, 25, 60):
        reacceptance.follow_up(now=LATER + timedelta(days=days))

    assert "You don't need to do anything" in (mails("legal_new_version")[0].text or "")
    assert mails("legal_reminder") == []
    assert due_date_of(ada) is None


def test_a_new_privacy_policy_is_told_to_everybody_before_it_holds(ada: Firm, cleo: Firm) -> None:
    accept_all(ada)
    with pytest.raises(NoticeTooShort):
        publish_version(Kind.PRIVACY, "2.0", now=LATER)
    version = publish_version(Kind.PRIVACY, "2.0", now=LATER, effective_at=LATER + timedelta(days=30))
    found_firm("too-late-inc", now=LATER + timedelta(minutes=1))

    assert reacceptance.give_first_notices(version, now=LATER) == 2
    reacceptance.follow_up(now=LATER + timedelta(days=40))
    assert due_date_of(ada) is None


def test_the_database_knows_no_date_without_two_notices(ada: Firm) -> None:
    tell(ada)

    with pytest.raises(DatabaseError, match="ck_legal_notice_two_notices"), db.session.begin_nested():
        db.session.execute(text("UPDATE legal_notice SET enforced_at = now(), second_sent_at = NULL"))


def test_an_organization_cannot_write_notices_and_sees_only_its_own(ada: Firm, cleo: Firm) -> None:
    notice = tell(ada)

    with acting_for(cleo.id):
        assert notices.find(ada.id, version_id=notice.version_id) is None
    with acting_for(ada.id), pytest.raises(DatabaseError, match="permission denied"), db.session.begin_nested():
        db.session.execute(text("UPDATE legal_notice SET due_at = now()"))


def test_a_newer_major_version_brings_a_time_of_its_own(ada: Firm) -> None:
    tell(ada)
    reacceptance.follow_up(now=LATER + timedelta(days=23))
    assert due_date_of(ada) == LATER + timedelta(days=30)
    published_at = LATER + timedelta(days=29)
    third = publish_version(Kind.TERMS, "3.0", now=published_at, effective_at=published_at + timedelta(days=30))

    reacceptance.give_first_notices(third, now=published_at)

    assert due_date_of(ada) is None
    assert has_accepted_everything(ada.id, now=published_at + timedelta(days=5))


def test_a_void_version_is_not_reminded_of(ada: Firm) -> None:
    tell(ada)
    published_at = LATER + timedelta(days=1)
    publish_version(Kind.TERMS, "3.0", now=published_at, effective_at=LATER + timedelta(days=60))
    reacceptance.follow_up(now=LATER + timedelta(days=29))

    assert mails("legal_reminder") == []


def test_the_jobs_give_what_is_due_and_may_run_again(ada: Firm) -> None:
    accept_all(ada)
    version = publish_second_terms(now=utc_now())

    jobs.give_version_notices(version_id=str(version.id))
    jobs.follow_up_notices(timestamp=0)

    assert len(mails("legal_new_version")) == 2
    assert notices.find(ada.id, version_id=version.id) is not None


def test_the_hourly_job_gives_what_the_first_one_missed(ada: Firm) -> None:
    accept_all(ada)
    version = publish_second_terms(now=utc_now())

    jobs.follow_up_notices(timestamp=0)

    found = notices.find(ada.id, version_id=version.id)
    assert found is not None
    assert found.due_at is not None
