"""An early refusal costs little, and keeps the connection."""

import pytest
from flask import Flask

from api.keys.token import KeyEnvironment
from tests.cast import Member, another_key
from tests.faults.crowding.callers import Noise, asked
from tests.services import Service

pytestmark = pytest.mark.faults


def test_a_batch_beyond_its_limit_is_refused_before_it_is_read(app: Flask, service: Service, noisy: Member) -> None:
    narrow = another_key(app, noisy, environment=KeyEnvironment.TEST, rate_limit=1)
    headers = {"Authorization": f"Bearer {narrow.secret}", "Content-Type": "application/json"}
    with Noise(service.port, "/v1/checks", headers, b"no batch at all", callers=1) as noise:
        asked(service.port, "GET", "/health/live", count=20)

    assert noise.statuses[0] == 400
    assert set(noise.statuses[1:]) == {429}


@pytest.mark.parametrize(
    ("status", "path", "headers", "size"),
    [
        (401, "/v1/check", {"Authorization": "Bearer nobody"}, 300_000),
        (413, "/v1/check", {}, 3_000_000),
        (415, "/v1/check", {"Content-Encoding": "gzip"}, 300_000),
        (404, "/v1/nothing", {}, 300_000),
        (405, "/health", {}, 300_000),
        (413, "/log-in", {}, 5_000_000),
    ],
)
def test_a_refusal_while_the_body_is_still_sent_keeps_the_connection(
    service: Service, noisy: Member, status: int, path: str, headers: dict[str, str], size: int
) -> None:
    as_noisy = {"Authorization": f"Bearer {noisy.secret}", "Content-Type": "application/json"}
    with Noise(service.port, path, {**as_noisy, **headers}, b"x" * size, callers=1) as noise:
        asked(service.port, "GET", "/health/live", count=40)

    assert set(noise.statuses) == {status}
    assert noise.broken == 0


def test_an_unknown_host_is_told_so_while_the_body_is_still_sent(service: Service) -> None:
    with Noise(service.port, "/v1/check", {"Host": "evil.example"}, b"x" * 300_000, callers=1) as noise:
        asked(service.port, "GET", "/health/live", count=40)

    assert set(noise.statuses) == {400}
    assert noise.broken == 0
