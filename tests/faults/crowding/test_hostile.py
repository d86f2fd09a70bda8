"""Batches that are dear to read, and full honest ones, hold up nobody."""

import json

import pytest

from tests.api.test_hostile_bodies import HOSTILE_BATCHES
from tests.cast import Member
from tests.faults.crowding.callers import Noise
from tests.faults.crowding.scene import (
    assert_others_are_served,
)
from tests.services import Service

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("kind", HOSTILE_BATCHES)
def test_a_hostile_batch_holds_up_nobody_and_is_answered_shortly(
    service: Service, member: Member, noisy: Member, kind: str
) -> None:
    headers = {"Authorization": f"Bearer {noisy.secret}", "Content-Type": "application/json"}
    with Noise(service.port, "/v1/checks", headers, HOSTILE_BATCHES[kind]) as noise:
        assert_others_are_served(service, member, log_in=False)

    assert noise.statuses
    assert noise.longest_bytes < 200_000


def test_full_honest_batches_hold_up_nobody(service: Service, member: Member, noisy: Member) -> None:
    question = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": False}}
    headers = {"Authorization": f"Bearer {noisy.secret}", "Content-Type": "application/json"}
    body = json.dumps({"checks": [question] * 100}).encode()
    with Noise(service.port, "/v1/checks", headers, body, callers=4) as noise:
        assert_others_are_served(service, member, log_in=False)

    assert set(noise.statuses) == {200}
