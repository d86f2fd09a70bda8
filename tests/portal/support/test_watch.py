"""Warnings, hand-overs, silence and closing, with the time given by hand."""

from datetime import timedelta

from flask import Flask

from core.audit import SYSTEM
from core.db import acting_as_system, transaction
from portal.support import desk, rota, surveys, watch
from portal.support.severities import Level, Severity
from portal.support.states import RequestStatus
from tests.cast import Member
from tests.people import Person, person
from tests.portal.support.scene import (
    answer,
    at,
    mails,
    misses,
    opened,
    ticket_of,
    tickets,
    watched,
    write,
)


def test_a_warning_comes_at_three_quarters_once(app: Flask, ada: Member, operator: Person) -> None:
    opened(app, ada.organization_id, now=at(1, 0))

    watched(app, now=at(1, 2, 59))
    before = len(mails(app, "ticket_warned"))
    watched(app, now=at(1, 3))
    watched(app, now=at(1, 3, 1))

    assert (before, [mail.recipient for mail in mails(app, "ticket_warned")]) == (0, [operator.email])


def test_a_missed_promise_goes_to_the_next_level_and_is_kept_once(app: Flask, ada: Member, operator: Person) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))

    for minute in range(3):
        watched(app, now=at(1, 4, 1 + minute))

    assert ticket_of(app, ticket_id).level == Level.ENGINEERING
    assert [(miss.clock, miss.due_at) for miss in misses(app, ticket_id)] == [("first_response", at(1, 4))]
    handed = mails(app, "ticket_escalated")
    assert [mail.recipient for mail in handed] == [operator.email]
    assert "Every check gets 403." in (handed[0].text or "")


def test_each_missed_promise_hands_over_one_level_up_to_whoever_is_on_call(
    app: Flask, ada: Member, operator: Person
) -> None:
    on_call = person(app, "Otto", is_operator=True)
    with app.app_context(), acting_as_system(), transaction():
        rota.put_on_call(rota.monday_of(at(2)), on_call.user_id, by=SYSTEM, now=at(1))
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))

    watched(app, now=at(1, 4, 1))
    watched(app, now=at(2, 0, 1))

    assert ticket_of(app, ticket_id).level == Level.ON_CALL
    assert [mail.recipient for mail in mails(app, "ticket_escalated")][-1:] == [on_call.email]


def test_what_was_answered_late_before_the_watch_looked_is_kept_all_the_same(app: Flask, ada: Member) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))

    answer(app, ticket_id, now=at(1, 4, 0) + timedelta(seconds=30))
    watched(app, now=at(1, 4, 1))

    assert [miss.clock for miss in misses(app, ticket_id)] == ["first_response"]


def test_a_lighter_severity_after_a_miss_erases_nothing(app: Flask, ada: Member) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    watched(app, now=at(1, 4, 1))

    with app.app_context(), acting_as_system(), transaction():
        version = ticket_of(app, ticket_id).version
        desk.weigh(ticket_id, Severity.LOW, reason="Only one key", version=version, by=SYSTEM, now=at(1, 5))
    watched(app, now=at(1, 6))

    assert [miss.due_at for miss in misses(app, ticket_id)] == [at(1, 4)]


def test_while_we_wait_for_the_customer_nothing_is_due(app: Flask, ada: Member) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))

    answer(app, ticket_id, now=at(1, 1), then=RequestStatus.WAITING_ON_CUSTOMER)
    waiting = ticket_of(app, ticket_id).due_at
    write(app, ticket_id, now=at(3, 1))

    assert waiting is None
    assert (ticket_of(app, ticket_id).status, ticket_of(app, ticket_id).due_at) == ("open", at(3, 5))


def test_after_two_weeks_of_silence_a_request_counts_as_resolved_and_later_is_closed(
    app: Flask, ada: Member, owner: Person
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, ticket_id, now=at(1, 1), then=RequestStatus.WAITING_ON_CUSTOMER)

    with app.app_context(), acting_as_system():
        early, due = watch.unheard(at(15, 0)), watch.unheard(at(15, 2))
        with transaction():
            watch.end_waiting(ticket_id, now=at(15, 2))
        resolved = tickets(app)[0].status
        with transaction():
            watch.close(ticket_id, now=at(29, 1))
        kept_open = tickets(app)[0].status
        with transaction():
            watch.close(ticket_id, now=at(29, 3))

    assert (early, due, resolved, kept_open) == ([], [ticket_id], "resolved", "resolved")
    assert tickets(app)[0].status == "closed"
    assert len(mails(app, "ticket_not_heard")) == 1


def test_a_week_after_its_resolution_it_is_asked_about_once(app: Flask, ada: Member, owner: Person) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, ticket_id, now=at(1, 1), then=RequestStatus.RESOLVED)

    with app.app_context(), acting_as_system():
        early = watch.to_be_asked(at(8, 0))
        for moment in (at(8, 2), at(8, 3)):
            for due in watch.to_be_asked(moment):
                with transaction():
                    watch.ask(due, now=moment)
        mean = surveys.mean_score(since=at(1))

    assert (early, len(mails(app, "ticket_survey")), mean) == ([], 1, (None, 0))
