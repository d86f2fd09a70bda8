"""Calls to services outside: a deadline for each, places for few, and no call while nobody answers."""

import threading
from collections.abc import Iterator

import pytest

from core.clock import monotonic_s
from core.outbound import Breaker, Outbound, Unreachable


@pytest.fixture
def silence() -> Iterator[threading.Event]:
    """What a call that hangs waits for."""
    event = threading.Event()
    yield event
    event.set()


def test_a_call_gives_what_it_gives_and_raises_what_it_raises() -> None:
    outbound = Outbound("there", places=1)

    assert outbound.call(lambda: 7, within_s=1) == 7
    with pytest.raises(ZeroDivisionError):
        outbound.call(lambda: 1 // 0, within_s=1)


def test_whoever_waits_is_released_at_the_deadline(silence: threading.Event) -> None:
    outbound = Outbound("there", places=1)
    began_s = monotonic_s()

    with pytest.raises(Unreachable) as caught:
        outbound.call(silence.wait, within_s=0.1)

    assert not caught.value.is_unsent
    assert monotonic_s() - began_s < 1


def test_when_all_places_are_taken_nothing_is_sent(silence: threading.Event) -> None:
    outbound = Outbound("there", places=2)
    for _ in range(2):
        with pytest.raises(Unreachable):
            outbound.call(silence.wait, within_s=0.05)

    with pytest.raises(Unreachable, match="in progress") as caught:
        outbound.call(lambda: 7, within_s=0.05)
    assert caught.value.is_unsent


def test_a_place_is_free_again_once_its_call_has_really_ended(silence: threading.Event) -> None:
    outbound = Outbound("there", places=1)
    with pytest.raises(Unreachable):
        outbound.call(silence.wait, within_s=0.05)

    silence.set()

    assert outbound.call(lambda: 7, within_s=5) == 7


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    with pytest.raises(Unreachable) as caught:
        Outbound("there", places=1).call(lambda: 7, within_s=0)

    assert caught.value.is_unsent


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_try() -> None:
    breaker = Breaker(failures=3, open_s=10)
    assert [breaker.note_failure(0) for _ in range(3)] == [False, False, True]

    assert not breaker.may_begin(9)
    assert [breaker.may_begin(10), breaker.may_begin(10)] == [True, False]
    breaker.note_success()
    assert breaker.may_begin(11)


def test_successes_between_failures_keep_it_closed() -> None:
    breaker = Breaker(failures=2)
    for _ in range(5):
        breaker.note_failure(0)
        breaker.note_success()

    assert breaker.may_begin(0)


def test_an_open_breaker_refuses_at_once() -> None:
    outbound = Outbound("there", places=1, breaker=Breaker(failures=1))
    with pytest.raises(OSError, match="reset"):
        outbound.call(lambda: (_ for _ in ()).throw(OSError("reset")).__next__(), within_s=5)

    with pytest.raises(Unreachable, match="a moment ago"):
        outbound.call(lambda: 7, within_s=5)
