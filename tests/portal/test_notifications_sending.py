"""Sending: tried again, given up, never twice at once, never lost, and no receiver holds up another."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text, update

from core import jobs
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from core.members import Role
from core.observability import metrics_page
from portal.notifications import channels, deliveries, dispatch, sending
from portal.notifications.dispatch import DueDelivery, attempts_of
from portal.notifications.egress import Answer
from portal.notifications.events import EVENTS, TEST
from portal.notifications.models import Channel, Delivery
from portal.notifications.states import DELIVERY_MOVES, TRIES, UNDER_WAY, DeliveryState, wait_before_next
from tests.cast import Member, another_key, organization_with_key
from tests.core.test_jobs import let_due_within_s
from tests.people import Person, mails_to, person
from tests.portal.notify import Receiver, channel, deliveries_of, make_channel, send_all, way_out
from tests.services import wait_until

FAILS = Answer(took_ms=5, status=503, text="later")


def try_once(app: Flask, answer: Answer, *, now: datetime, is_isolated: bool = False) -> DueDelivery | None:
    with app.app_context(), acting_as_system():
        with transaction():
            due = dispatch.take(is_isolated=is_isolated, now=now)
        if due is not None:
            with transaction():
                dispatch.record_outcome(due, answer, now=now)
        return due


@pytest.fixture
def waiting(app: Flask, ada: Member) -> Channel:
    """A channel with one delivery that waits."""
    made = make_channel(app, ada.organization_id)
    another_key(app, ada)
    return made.channel


def the_delivery(app: Flask, made: Channel) -> Delivery:
    (found,) = deliveries_of(app, made.id)
    return found


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_ten_tries_take_about_three_days_and_each_wait_is_longer(chance: float) -> None:
    waits = [wait_before_next(failed, chance=chance) or timedelta(0) for failed in range(1, TRIES)]

    assert all(before < after for before, after in pairwise(waits))
    assert timedelta(days=2.5) < sum(waits, timedelta(0)) < timedelta(days=3.5)
    assert wait_before_next(TRIES, chance=chance) is None


def test_a_receiver_may_ask_for_a_longer_wait_and_not_for_ever() -> None:
    hour, year = timedelta(hours=1), timedelta(days=365)

    assert wait_before_next(1, chance=1, asked=hour) == hour
    assert wait_before_next(1, chance=1, asked=year) == timedelta(hours=24)
    assert wait_before_next(1, chance=1, asked=-hour) == timedelta(seconds=30)


def test_what_is_under_way_can_end_and_what_has_ended_can_only_be_asked_for_again() -> None:
    for state, onward in DELIVERY_MOVES.items():
        assert (DeliveryState.WAITING in onward) is (state not in UNDER_WAY)


def test_a_delivery_is_tried_again_until_it_is_taken(app: Flask, waiting: Channel) -> None:
    now = utc_now()
    try_once(app, FAILS, now=now)
    failed = the_delivery(app, waiting)
    assert (failed.state, failed.tries) == ("failed", 1)
    assert failed.next_try_at is not None
    assert try_once(app, FAILS, now=now + timedelta(seconds=15), is_isolated=True) is None, "not before its time"

    try_once(app, Answer(took_ms=5, status=200), now=failed.next_try_at, is_isolated=True)

    done = the_delivery(app, waiting)
    assert (done.state, done.next_try_at) == ("delivered", None)
    assert [attempt.status for attempt in attempts_of(done)] == [503, 200]


def test_a_receiver_that_asks_for_time_gets_it(app: Flask, waiting: Channel) -> None:
    now = utc_now()

    try_once(app, Answer(took_ms=5, status=429, retry_after=timedelta(hours=2)), now=now)

    assert the_delivery(app, waiting).next_try_at == now + timedelta(hours=2)


def test_after_ten_tries_it_is_given_up_the_channel_stops_and_admins_know(
    app: Flask, waiting: Channel, owner: Person, admin: Person, developer: Person
) -> None:
    now = utc_now()
    for number in range(TRIES):
        try_once(app, FAILS, now=now, is_isolated=number > 0)
        now += timedelta(days=3)

    assert the_delivery(app, waiting).state == "given_up"
    assert channel(app, waiting.id).state == "failing"
    assert channel(app, waiting.id).stopped_because == "failures"
    for person_told in (owner, admin):
        assert mails_to(app, person_told.email)[-1].template == "notification_stopped"
    assert "notification_stopped" not in [mail.template for mail in mails_to(app, developer.email)]


def test_a_channel_to_which_others_got_through_goes_on(app: Flask, waiting: Channel, ada: Member) -> None:
    now = utc_now()
    for number in range(TRIES):
        try_once(app, FAILS, now=now, is_isolated=number > 0)
        now += timedelta(days=3)
        if number == TRIES - 2:
            with app.app_context(), acting_as_system(), transaction():
                db.session.execute(update(Channel).values(delivered_at=now))

    assert the_delivery(app, waiting).state == "given_up"
    assert channel(app, waiting.id).state == "active"


def test_a_receiver_that_is_gone_stops_the_channel_at_once(app: Flask, waiting: Channel, owner: Person) -> None:
    try_once(app, Answer(took_ms=5, status=410), now=utc_now())

    assert the_delivery(app, waiting).state == "given_up"
    assert channel(app, waiting.id).stopped_because == "gone"
    assert "no longer exists" in (mails_to(app, owner.email)[-1].text or "")


def test_operators_are_told_when_a_channel_of_theirs_stops(app: Flask, operator: Person) -> None:
    made = make_channel(app, None, "alert.firing")
    with app.app_context(), acting_as_system(), transaction():
        event = EVENTS["alert.firing"]
        body = deliveries.body_of(event, made.channel.id, about=None, data={}, now=utc_now())
        deliveries.leave(channels.find(None, made.channel.id), event, made.channel.id, body, now=utc_now())

    try_once(app, Answer(took_ms=5, status=410), now=utc_now())

    assert f"/console/notifications/{made.channel.id}" in (mails_to(app, operator.email)[-1].text or "")


def test_a_worker_that_dies_while_it_sends_loses_nothing(app: Flask, waiting: Channel) -> None:
    now, receiver = utc_now(), Receiver()
    with app.app_context(), acting_as_system(), transaction():
        assert dispatch.take(is_isolated=False, now=now) is not None  # and it is never heard of again

    assert try_once(app, FAILS, now=now + timedelta(seconds=50)) is None, "somebody has it"
    taken_over = try_once(app, Answer(took_ms=5, status=200), now=now + timedelta(seconds=61))

    assert taken_over is not None
    assert the_delivery(app, waiting).state == "delivered"
    assert receiver.taken == []


def test_a_worker_that_comes_back_late_overwrites_nothing(app: Flask, waiting: Channel) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        late = dispatch.take(is_isolated=False, now=now)
    assert late is not None
    try_once(app, Answer(took_ms=5, status=200), now=now + timedelta(seconds=61))

    with app.app_context(), acting_as_system(), transaction():
        dispatch.record_outcome(late, FAILS, now=now + timedelta(seconds=62))

    assert the_delivery(app, waiting).state == "delivered"


def test_a_worker_that_comes_back_while_another_sends_leaves_it_to_that_one(app: Flask, waiting: Channel) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system():
        with transaction():
            late = dispatch.take(is_isolated=False, now=now)
        with transaction():
            other = dispatch.take(is_isolated=False, now=now + timedelta(seconds=61))
        assert late is not None
        assert other is not None

        with transaction():
            dispatch.record_outcome(late, FAILS, now=now + timedelta(seconds=62))

    assert (the_delivery(app, waiting).state, the_delivery(app, waiting).attempts) == ("waiting", [])


def test_what_was_deleted_while_it_was_sent_is_forgotten(app: Flask, waiting: Channel, admin: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        due = dispatch.take(is_isolated=False, now=utc_now())
    admin.post(f"/organization/notifications/{waiting.id}/delete")

    with app.app_context(), acting_as_system(), transaction():
        assert due is not None
        dispatch.record_outcome(due, FAILS, now=utc_now())

    assert deliveries_of(app, waiting.id) == []


def test_slow_and_failing_receivers_stand_apart_until_they_are_quick_again(app: Flask, waiting: Channel) -> None:
    try_once(app, Answer(took_ms=2_500, status=200), now=utc_now())
    assert channel(app, waiting.id).is_isolated

    with app.app_context(), acting_as_system(), transaction():
        event = TEST
        body = deliveries.body_of(event, waiting.id, about=None, data={}, now=utc_now())
        deliveries.leave(db.session.get_one(Channel, waiting.id), event, waiting.id, body, now=utc_now())
    try_once(app, Answer(took_ms=100, status=200), now=utc_now(), is_isolated=True)

    assert not channel(app, waiting.id).is_isolated


class Broken(Receiver):
    def post(self, *_: Any, **__: Any) -> Answer:
        raise RuntimeError


def test_one_owners_slow_receivers_leave_places_for_others(app: Flask, ada: Member, cleo: Member) -> None:
    for member, names in ((ada, ("First", "Second", "Third")), (cleo, ("Only",))):
        for name in names:
            make_channel(app, member.organization_id, name=name)
        another_key(app, member)
    taken = []
    for _ in range(4):
        with app.app_context(), acting_as_system(), transaction():
            due = dispatch.take(is_isolated=False, now=utc_now())
            taken.append(due and db.session.get_one(Delivery, due.delivery_id).organization_id)

    assert taken == [ada.organization_id, ada.organization_id, cleo.organization_id, None]
    assert try_once(app, FAILS, now=utc_now() + timedelta(seconds=61)) is not None, "nobody is left out for good"


def test_a_fault_of_ours_counts_as_a_failed_try_and_the_next_is_sent(app: Flask, waiting: Channel) -> None:
    with way_out(app, Broken()):
        send_all(app)

    failed = the_delivery(app, waiting)
    assert failed.state == "failed"
    assert attempts_of(failed)[0].problem == "Internal error on our side."


def test_what_cannot_be_opened_any_more_holds_up_nobody(app: Flask, waiting: Channel, ada: Member) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(update(Channel).values(sealed_target=b"sealed by another secret"))
    fine, receiver = make_channel(app, ada.organization_id, name="Fine"), Receiver()
    another_key(app, ada)

    with way_out(app, receiver):
        send_all(app)

    assert "cannot be decrypted" in (attempts_of(deliveries_of(app, waiting.id)[0])[0].problem or "")
    assert [one.state for one in deliveries_of(app, fine.channel.id)] == ["delivered"]


def test_one_event_is_told_once_to_each_channel(app: Flask, waiting: Channel) -> None:
    existing = the_delivery(app, waiting)

    with app.app_context(), acting_as_system(), pytest.raises(Exception, match="uq_notification_delivery"):
        deliveries.leave(waiting, TEST, existing.event_id, {}, now=utc_now())


def test_how_much_waits_can_be_seen_in_the_metrics(app: Flask, waiting: Channel) -> None:
    with app.app_context(), acting_as_system():
        page = metrics_page()[0].decode()

    assert 'aig_notification_deliveries{state="waiting"} 1.0' in page
    assert 'aig_notification_channels{state="active"} 1.0' in page
    assert "aig_notification_oldest_due_seconds" in page


class Slow(Receiver):
    """Some addresses hang until the test lets them go."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.under_way = 0
        self.most_at_once = 0
        self.lock = threading.Lock()

    def post(self, url: str, body: bytes, headers: dict[str, str], *, now: Any) -> Answer:
        with self.lock:
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
        if "dead" in url:
            self.gate.wait(20)
        answer = super().post(url, body, headers, now=now)
        with self.lock:
            self.under_way -= 1
        return answer


def test_two_workers_never_send_one_delivery_twice(live_app: Flask) -> None:
    ada = organization_with_key(live_app)
    names = [f"Hook {number}" for number in range(4)]
    made = [make_channel(live_app, ada.organization_id, name=name) for name in names]
    for _ in range(5):
        another_key(live_app, ada)
    receiver = Slow()

    def work() -> int:
        with live_app.app_context():
            return sending.send_while_due(is_isolated=False, is_over=lambda: False)

    with way_out(live_app, receiver), ThreadPoolExecutor(8) as pool:
        while any(one.state == "waiting" for each in made for one in deliveries_of(live_app, each.channel.id)):
            assert sum(one.result() for one in [pool.submit(work) for _ in range(8)])

    assert len(receiver.taken) == 20
    told = [one for each in made for one in deliveries_of(live_app, each.channel.id)]
    assert {(one.state, len(one.attempts)) for one in told} == {("delivered", 1)}


def by_the_worker(app: Flask) -> None:
    jobs.run_worker(app, until_done=True)


def in_one_run(app: Flask) -> None:
    with app.app_context():
        sending.send_due()


@pytest.mark.parametrize("work", [by_the_worker, in_one_run])
def test_a_dead_receiver_holds_up_nobody_else(
    live_app: Flask, monkeypatch: pytest.MonkeyPatch, work: Callable[[Flask], None]
) -> None:
    """While one hangs, all others are served."""
    let_due_within_s(monkeypatch, 0)
    ada = organization_with_key(live_app)
    dead = make_channel(live_app, ada.organization_id, name="Dead", target="https://dead.example.com/")
    alive = make_channel(live_app, ada.organization_id, name="Alive")
    for _ in range(5):
        another_key(live_app, ada)
    receiver = Slow()

    with way_out(live_app, receiver):
        worker = threading.Thread(target=work, args=(live_app,))
        worker.start()
        ends = monotonic_s() + 20
        while {one.state for one in deliveries_of(live_app, alive.channel.id)} != {"delivered"}:
            assert monotonic_s() < ends
        states_of_dead = {one.state for one in deliveries_of(live_app, dead.channel.id)}
        receiver.gate.set()
        worker.join(60)

    assert states_of_dead == {"waiting"}
    assert {one.state for one in deliveries_of(live_app, dead.channel.id)} == {"delivered"}


def test_what_was_committed_is_sent_by_whoever_works_next(live_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web server dies right after its commit; the job was committed with the row."""
    let_due_within_s(monkeypatch, 0)
    ada = organization_with_key(live_app)
    boss = person(live_app, "Ada", ada.organization_id, Role.OWNER)
    made = make_channel(live_app, ada.organization_id)
    another_key(live_app, ada)
    receiver = Receiver()

    with way_out(live_app, receiver):
        jobs.run_worker(live_app, until_done=True)

    assert len(receiver.taken) == 1
    (delivery,) = deliveries_of(live_app, made.channel.id)
    assert delivery.state == "delivered"
    assert boss.get(f"/organization/notifications/{made.channel.id}").status_code == 200


def test_the_rest_is_sent_when_the_clock_comes_round(app: Flask, waiting: Channel) -> None:
    receiver = Receiver()
    try_once(app, FAILS, now=utc_now() - timedelta(minutes=5))

    with way_out(app, receiver):
        assert send_all(app) == 1


def test_after_a_failure_the_next_delivery_does_not_wait_for_the_minute(app: Flask, ada: Member) -> None:
    made = make_channel(app, ada.organization_id)
    another_key(app, ada, name="First")
    with way_out(app, Receiver(Answer(took_ms=5, status=500, text="broken"))):
        send_all(app)
    before = deferred(app, "portal.notifications.sending.send_isolated")

    another_key(app, ada, name="Second")

    assert channel(app, made.channel.id).is_isolated
    assert deferred(app, "portal.notifications.sending.send_isolated") == before + 1


def deferred(app: Flask, task: str) -> int:
    with app.app_context(), acting_as_system():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        count = db.session.scalar(
            text("SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = :task"), {"task": task}
        )
        db.session.rollback()
        return int(count or 0)


def retries_of(app: Flask, delivery: Delivery) -> list[datetime]:
    """When somebody looks at it again, whatever the clock does."""
    left = text("SELECT scheduled_at FROM jobs.procrastinate_jobs WHERE args->>'delivery_id' = :id ORDER BY id")
    with app.app_context(), acting_as_system():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        found = list(db.session.scalars(left, {"id": str(delivery.id)}))
        db.session.rollback()
        return found


def test_a_failed_delivery_leaves_a_job_for_the_time_of_its_next_try(app: Flask, waiting: Channel) -> None:
    with way_out(app, Receiver(FAILS)):
        send_all(app)

    failed = the_delivery(app, waiting)
    assert failed.state == "failed"
    assert retries_of(app, failed) == [failed.next_try_at]


def test_what_was_delivered_or_given_up_leaves_no_job(app: Flask, waiting: Channel, ada: Member) -> None:
    with way_out(app, Receiver(Answer(took_ms=5, status=200), Answer(took_ms=5, status=410))):
        send_all(app)
        another_key(app, ada, name="Second")
        send_all(app)

    told = deliveries_of(app, waiting.id)
    assert [one.state for one in told] == ["delivered", "given_up"]
    assert [retries_of(app, one) for one in told] == [[], []]


def test_a_retry_goes_out_when_it_is_due_though_the_clock_starts_nothing(
    live_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_due_within_s(monkeypatch, 0)
    monkeypatch.setattr(dispatch, "wait_before_next", lambda *_, **__: timedelta(0))
    ada = organization_with_key(live_app)
    made = make_channel(live_app, ada.organization_id)
    another_key(live_app, ada)
    receiver = Receiver(FAILS, FAILS)

    with way_out(live_app, receiver):
        for _ in range(5):  # what was left while it ran is for the next run: a retry, and the run that it begins
            jobs.run_worker(live_app, until_done=True)

    (delivered,) = deliveries_of(live_app, made.channel.id)
    assert (delivered.state, [attempt.status for attempt in attempts_of(delivered)]) == ("delivered", [503, 503, 200])
    assert len({body["id"] for body in receiver.bodies}) == 1


def test_a_retry_that_somebody_else_has_made_meanwhile_is_not_made_twice(app: Flask, waiting: Channel) -> None:
    receiver = Receiver(FAILS)
    with way_out(app, receiver):
        send_all(app)
        failed = the_delivery(app, waiting)
        with app.app_context(), acting_as_system(), transaction():
            db.session.execute(update(Delivery).values(next_try_at=utc_now()))
        send_all(app)
        with app.app_context():
            sending.retry(delivery_id=str(failed.id), tries=failed.tries)
        send_all(app)

    assert the_delivery(app, waiting).state == "delivered"
    assert len(receiver.taken) == 2


def test_a_retry_whose_job_comes_early_is_put_off_until_it_is_due(app: Flask, waiting: Channel) -> None:
    """The clocks of the database and of a worker differ by a little."""
    with way_out(app, Receiver(FAILS)):
        send_all(app)
    failed = the_delivery(app, waiting)

    with app.app_context():
        sending.retry(delivery_id=str(failed.id), tries=failed.tries)

    assert retries_of(app, failed) == [failed.next_try_at, failed.next_try_at]


def test_a_retry_does_not_wait_for_a_receiver_that_hangs(live_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "wait_before_next", lambda *_, **__: timedelta(milliseconds=300))
    ada = organization_with_key(live_app)
    make_channel(live_app, ada.organization_id, name="Dead", target="https://dead.example.com/")
    other = make_channel(live_app, ada.organization_id, name="Other")
    with live_app.app_context(), acting_as_system(), transaction():
        db.session.execute(update(Channel).values(is_isolated=True))
    another_key(live_app, ada)
    receiver = Slow()
    receiver.answers.append(FAILS)

    with way_out(live_app, receiver), ThreadPoolExecutor(1) as pool:
        run = pool.submit(in_a_run_apart, live_app)
        wait_until(lambda: len(receiver.taken) == 2, "the other is tried again, while the dead one hangs", within_s=5)
        receiver.gate.set()
        run.result()

    assert [one.state for one in deliveries_of(live_app, other.channel.id)] == ["delivered"]


def in_a_run_apart(app: Flask) -> None:
    with app.app_context():
        sending.send_isolated()


def test_what_waited_while_a_channel_was_paused_goes_at_once_when_it_is_resumed(
    app: Flask, waiting: Channel, admin: Person
) -> None:
    admin.post(f"/organization/notifications/{waiting.id}/pause")
    before = deferred(app, "portal.notifications.sending.send_due")

    admin.post(f"/organization/notifications/{waiting.id}/resume")

    assert deferred(app, "portal.notifications.sending.send_due") == before + 1
