"""A Stripe that hangs holds up nobody for longer than its deadline, and few at a time."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask

from billing.connection import _stripe, places_of
from billing.deadline import within
from billing.errors import PaymentsAway
from billing.gateway import Gateway
from core.clock import monotonic_s
from core.settings import Settings
from tests.billing.silence import hanging_stripe, resetting_stripe


def connect(address: str) -> Gateway:
    return _stripe(Settings(stripe_api_key="sk_test_x", stripe_webhook_secret="whsec_x", stripe_api_base=address))


@pytest.fixture
def hanging() -> Iterator[Gateway]:
    with hanging_stripe() as address:
        yield connect(address)


def test_a_request_waits_two_seconds_for_all_that_it_asks(app: Flask, hanging: Gateway) -> None:
    began_s = monotonic_s()
    with app.test_request_context():
        for _ in range(3):
            with pytest.raises(PaymentsAway):
                hanging.customer("cus_1")

    assert 1.5 < monotonic_s() - began_s < 4


def test_many_calls_of_a_job_have_one_deadline_where_one_is_said(app: Flask, hanging: Gateway) -> None:
    began_s = monotonic_s()
    with app.app_context(), within(0.6):
        for _ in range(3):
            with pytest.raises(PaymentsAway):
                hanging.customer("cus_1")

    assert 0.5 < monotonic_s() - began_s < 1.6


def test_of_many_requests_few_wait_and_the_others_are_told_at_once(app: Flask, hanging: Gateway) -> None:
    waited: list[float] = []

    def ask() -> None:
        began_s = monotonic_s()
        with app.test_request_context(), pytest.raises(PaymentsAway):
            hanging.customer("cus_1")
        waited.append(monotonic_s() - began_s)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(waited) == 16
    assert sum(one > 1 for one in waited) == 4
    with app.test_request_context(), pytest.raises(PaymentsAway) as caught:
        hanging.customer("cus_1")
    assert caught.value.is_unsent


def test_a_closed_connection_is_tried_once_more_and_then_told(app: Flask) -> None:
    with resetting_stripe() as address, app.test_request_context(), pytest.raises(PaymentsAway) as caught:
        connect(address).customer("cus_1")

    assert not caught.value.is_unsent


@pytest.mark.parametrize(("threads", "places"), [(1, 1), (4, 1), (16, 4), (64, 4)])
def test_a_quarter_of_the_threads_at_most_waits(threads: int, places: int) -> None:
    assert places_of(Settings(web_threads=threads)) == places
