"""All of it at once: pages, a hanging Stripe, slow callers and two noisy tenants."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask

from api.keys.token import KeyEnvironment
from core.members import Role
from tests.api.test_hostile_bodies import HOSTILE_BATCHES
from tests.billing.silence import hanging_stripe
from tests.cast import Member, organization_with_key
from tests.faults.crowding.callers import Noise, slow_senders
from tests.faults.crowding.scene import (
    assert_others_are_served,
    serving,
)
from tests.people import person

pytestmark = pytest.mark.faults


@pytest.fixture
def viewer_cookie(app: Flask, noisy: Member) -> str:
    vera = person(app, "Vera", noisy.organization_id, Role.VIEWER)
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = vera.browser.client.get_cookie(name)
    assert cookie is not None
    return f"{name}={cookie.value}"


def test_pages_that_wait_for_stripe_slow_callers_and_two_noisy_tenants_at_once_hold_up_nobody(
    app: Flask, url: str, tmp_path: Path, member: Member, noisy: Member, viewer_cookie: str
) -> None:
    other = organization_with_key(app, rate_limit=10_000_000, environment=KeyEnvironment.TEST)
    question = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": False}}
    honest = json.dumps({"checks": [question] * 100}).encode()
    headers = {"Content-Type": "application/json"}
    with ExitStack() as stack:
        stripe = stack.enter_context(hanging_stripe())
        settings = {"STRIPE_API_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x", "STRIPE_API_BASE": stripe}
        service = stack.enter_context(serving(url, tmp_path, **settings))
        authorization = f"Authorization: Bearer {noisy.secret}\r\n"
        stack.enter_context(slow_senders(service.port, "/v1/check", count=10, authorization=authorization))
        stack.enter_context(slow_senders(service.port, "/log-in", count=10))
        pages = stack.enter_context(Noise(service.port, "/plan", {"Cookie": viewer_cookie}, None, callers=32))
        noises = [
            stack.enter_context(
                Noise(service.port, "/v1/checks", {**headers, "Authorization": f"Bearer {tenant.secret}"}, body)
            )
            for tenant, body in ((noisy, HOSTILE_BATCHES["unknown names"]), (other, honest))
        ]
        assert_others_are_served(service, member)

    assert set(pages.statuses) <= {200, 503}
    assert all(set(noise.statuses) <= {200, 503} for noise in noises)
