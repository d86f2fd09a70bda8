"""Audits: when they may be, what becomes of them, and who is told."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.audit import SYSTEM
from core.db import acting_for, db
from core.errors import InvalidRequest, NotFound
from legal_docs.audits import rules
from legal_docs.audits import services as audits
from legal_docs.audits.models import Audit
from legal_docs.audits.rules import AuditOfTheYearUsed, refuse_days, refuse_second
from legal_docs.audits.services import AuditChanged, Booking
from legal_docs.audits.states import MOVES, AuditKind, AuditStatus, Cause
from tests.legal_docs.scene import NOW, Firm, mails, recipients_of

TODAY = NOW.date()
IN_15_DAYS = TODAY + timedelta(days=15)
IN_30_DAYS = TODAY + timedelta(days=30)


def booking(**changes: Any) -> Booking:
    facts: dict[str, Any] = {
        "kind": AuditKind.AUDIT,
        "cause": Cause.YEARLY,
        "scope": "Backups",
        "auditor": "Anna Auditor, Audit GmbH",
        "starts_on": IN_15_DAYS,
        "ends_on": IN_15_DAYS,
    }
    return Booking(**{**facts, **changes})


def book(firm: Firm, *, once: UUID | None = None, **changes: Any) -> Audit:
    return audits.book(firm.id, booking(**changes), once=once or uuid4(), by=firm.owner, now=NOW)


@pytest.mark.parametrize(
    ("kind", "cause", "days", "fits"),
    [
        (AuditKind.AUDIT, Cause.YEARLY, 15, True),
        (AuditKind.AUDIT, Cause.YEARLY, 14, False),
        (AuditKind.AUDIT, Cause.BREACH, 0, True),
        (AuditKind.AUDIT, Cause.BREACH, -1, False),
        (AuditKind.AUDIT, Cause.AUTHORITY, 0, True),
        (AuditKind.PENETRATION_TEST, Cause.YEARLY, 30, True),
        (AuditKind.PENETRATION_TEST, Cause.YEARLY, 29, False),
        (AuditKind.PENETRATION_TEST, Cause.BREACH, 29, False),
        (AuditKind.PENETRATION_TEST, Cause.BREACH, 30, True),
    ],
)
def test_the_notice_is_as_agreed(kind: AuditKind, cause: Cause, days: int, fits: bool) -> None:
    day = TODAY + timedelta(days=days)

    if fits:
        refuse_days(kind, cause, starts_on=day, ends_on=day, today=TODAY)
    else:
        with pytest.raises(InvalidRequest) as refusal:
            refuse_days(kind, cause, starts_on=day, ends_on=day, today=TODAY)
        assert [fault.path for fault in refusal.value.errors] == ["starts_on"]


@pytest.mark.parametrize(("length", "fits"), [(-1, False), (0, True), (30, True), (31, False)])
def test_it_ends_after_it_begins_and_within_a_month(length: int, fits: bool) -> None:
    days = {"starts_on": IN_15_DAYS, "ends_on": IN_15_DAYS + timedelta(days=length), "today": TODAY}

    if fits:
        refuse_days(AuditKind.AUDIT, Cause.YEARLY, **days)
    else:
        with pytest.raises(InvalidRequest) as refusal:
            refuse_days(AuditKind.AUDIT, Cause.YEARLY, **days)
        assert [fault.path for fault in refusal.value.errors] == ["ends_on"]


@pytest.mark.parametrize(("apart", "fits"), [(0, False), (364, False), (-364, False), (365, True), (-365, True)])
def test_there_is_one_regular_audit_a_year(apart: int, fits: bool) -> None:
    others = [IN_15_DAYS + timedelta(days=apart)]

    if fits:
        refuse_second(IN_15_DAYS, others=others)
    else:
        with pytest.raises(AuditOfTheYearUsed):
            refuse_second(IN_15_DAYS, others=others)


def test_an_audit_is_booked_and_waits_for_our_answer(ada: Firm) -> None:
    found = book(ada)

    assert (found.status, found.requested_by, found.answer_due_at) == (
        "requested",
        ada.owner_id,
        NOW + timedelta(days=5),
    )
    assert audits.every_audit() == [found]


def test_the_same_form_sent_twice_books_once(ada: Firm) -> None:
    once = uuid4()

    assert book(ada, once=once).id == book(ada, once=once).id
    assert len(audits.list_for(ada.id)) == 1


def test_a_second_regular_audit_needs_a_special_reason(ada: Firm) -> None:
    book(ada)

    with pytest.raises(AuditOfTheYearUsed):
        book(ada)

    assert book(ada, cause=Cause.AUTHORITY).status == "requested"
    assert book(ada, kind=AuditKind.PENETRATION_TEST, starts_on=IN_30_DAYS, ends_on=IN_30_DAYS).status == "requested"


def test_one_that_was_canceled_or_declined_does_not_count(ada: Firm) -> None:
    audits.cancel(ada.id, book(ada).id, by=ada.owner, now=NOW)
    audits.decline(book(ada).id, answer="No room.", by=SYSTEM, now=NOW)

    assert book(ada).status == "requested"


def test_another_customer_s_audit_does_not_count(ada: Firm, cleo: Firm) -> None:
    book(cleo)

    assert book(ada).status == "requested"


def test_confirming_agrees_on_days_and_tells_the_customer(ada: Firm) -> None:
    later = IN_15_DAYS + timedelta(days=7)
    found = audits.confirm(book(ada).id, starts_on=later, ends_on=later, answer="Come at nine.", by=SYSTEM, now=NOW)

    assert (found.status, found.starts_on) == ("confirmed", later)
    assert recipients_of(mails("legal_audit")) == ["contact@ada-and-co.example", "owner@ada-and-co.example"]
    (mail, _) = mails("legal_audit")
    assert mail.subject == "Audit confirmed"
    assert "Audit on 14 Dec 2026: confirmed." in str(mail.text)
    assert "Come at nine." in str(mail.text)
    assert f"/documents/audits/{found.id}" in str(mail.text)


def test_what_was_found_is_kept_with_it(ada: Firm) -> None:
    found = book(ada)
    audits.confirm(found.id, starts_on=IN_15_DAYS, ends_on=IN_15_DAYS, answer="Fine.", by=SYSTEM, now=NOW)

    completed = audits.complete(found.id, findings="None.", by=SYSTEM, now=NOW)

    assert (completed.status, completed.findings, completed.ended_at) == ("completed", "None.", NOW)


def _to(found: Audit, status: AuditStatus, firm: Firm) -> Audit:
    days = {"starts_on": IN_15_DAYS, "ends_on": IN_15_DAYS}
    match status:
        case AuditStatus.CONFIRMED:
            return audits.confirm(found.id, **days, answer="Yes.", by=SYSTEM, now=NOW)
        case AuditStatus.DECLINED:
            return audits.decline(found.id, answer="No.", by=SYSTEM, now=NOW)
        case AuditStatus.COMPLETED:
            return audits.complete(found.id, findings="None.", by=SYSTEM, now=NOW)
        case _:
            return audits.cancel(firm.id, found.id, by=firm.owner, now=NOW)


@pytest.mark.parametrize("before", list(AuditStatus))
@pytest.mark.parametrize("after", [one for one in AuditStatus if one is not AuditStatus.REQUESTED])
def test_each_step_is_taken_or_refused_as_the_table_says(ada: Firm, before: AuditStatus, after: AuditStatus) -> None:
    found = book(ada)
    if before is AuditStatus.COMPLETED:
        found = _to(found, AuditStatus.CONFIRMED, ada)
    if before is not AuditStatus.REQUESTED:
        found = _to(found, before, ada)

    if after in MOVES[before]:
        assert _to(found, after, ada).status == after.value
    else:
        with pytest.raises(AuditChanged):
            _to(found, after, ada)


def test_a_stranger_finds_no_audit(ada: Firm, cleo: Firm) -> None:
    found = book(ada)

    with pytest.raises(NotFound):
        audits.cancel(cleo.id, found.id, by=cleo.owner, now=NOW)
    with acting_for(cleo.id):
        assert audits.list_for(ada.id) == []


def test_a_customer_cannot_answer_for_us(ada: Firm) -> None:
    book(ada)

    with acting_for(ada.id), pytest.raises(DatabaseError, match="permission denied"), db.session.begin_nested():
        db.session.execute(text("UPDATE legal_audit SET answer = 'Yes.'"))


def test_the_year_has_365_days() -> None:
    assert (rules.YEAR, date(2027, 12, 7) - date(2026, 12, 7)) == (timedelta(days=365), timedelta(days=365))
