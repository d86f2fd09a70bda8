"""A monitor outside of us: what it may report, and that a minute which two sources measured counts once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from core import current, signed_bodies
from core.clock import utc_now
from core.db import acting_as_system
from core.settings import Settings
from deploy import outside_monitor
from portal.status import probes
from portal.status.detection import Day, uptime_of
from portal.status.states import Component
from tests.portal.launch.world import served
from tests.portal.status_scene import probe, trail
from tests.services import free_port

KEY = "0f6b2d91c7a84e35b6d08f24"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def watched(app: Flask) -> Iterator[Flask]:
    before: Settings = app.extensions[current.EXTENSION]
    app.extensions[current.EXTENSION] = msgspec.structs.replace(before, monitor_key=KEY)
    yield app
    app.extensions[current.EXTENSION] = before


def noon() -> datetime:
    """A moment of today or yesterday with ten minutes of its day before it, and none of the future after it."""
    now = utc_now().astimezone(UTC).replace(second=0, microsecond=0)
    return now if now.hour or now.minute > 20 else now - timedelta(hours=1)


def post(app: Flask, body: bytes, *, key: str = KEY, signed_at: datetime | None = None) -> TestResponse:
    mark = signed_bodies.sign(body, key=key, now=signed_at or utc_now())
    return app.test_client().post("/webhooks/monitor", data=body, headers={"X-Signature": mark})


def report(app: Flask, marks: str, *, until: datetime, component: str = "check_api", second: int = 0) -> TestResponse:
    """A minute apart, the oldest first: `.` was answered, `x` failed."""
    samples = [
        {
            "component": component,
            "probed_at": (until - back * MINUTE + timedelta(seconds=second)).isoformat(),
            "seconds": 0.2,
            "failure": None if mark == "." else "timed out",
        }
        for back, mark in zip(range(len(marks) - 1, -1, -1), marks, strict=True)
    ]
    return post(app, msgspec.json.encode({"samples": samples}))


def day(app: Flask, moment: datetime) -> Day:
    with app.app_context(), acting_as_system():
        return next(one for one in probes.days_of(Component.CHECK_API, now=utc_now()) if one.day == moment.date())


@pytest.mark.parametrize(
    ("worker", "monitor", "measured", "failed"),
    [
        ("....", "....", 4, 0),
        ("....", ".x..", 4, 1),
        (".x..", "....", 4, 1),
        ("xxxx", "xxxx", 4, 4),
        ("..", "....", 4, 0),
        ("....", "..", 4, 0),
        ("", "x...", 4, 1),
    ],
)
def test_a_minute_counts_once_whoever_measured_it_and_a_failure_of_either_counts(
    watched: Flask, worker: str, monitor: str, measured: int, failed: int
) -> None:
    until = noon()
    probe(watched, worker, until=until)

    assert report(watched, monitor, until=until, second=17).status_code == 204

    found = day(watched, until)
    assert (found.probes, found.failures) == (measured, failed)


def test_what_the_monitor_measured_while_the_worker_was_stopped_is_known(watched: Flask) -> None:
    until = noon()
    probe(watched, "..", until=until - 6 * MINUTE)
    probe(watched, "..", until=until)
    unknown = day(watched, until).unknown

    report(watched, "....", until=until - 2 * MINUTE)

    assert (unknown, day(watched, until).unknown) == (4, 0)
    assert uptime_of([day(watched, until)]) == 100


def test_two_sources_that_fail_in_one_minute_are_no_outage_and_three_minutes_are_told_once(watched: Flask) -> None:
    until = utc_now().astimezone(UTC).replace(second=0, microsecond=0)
    probe(watched, "..xx", until=until - MINUTE)
    report(watched, "xx", until=until - MINUTE, second=5)
    assert trail(watched, "probe") == []

    probe(watched, "x", until=until)
    report(watched, "x", until=until, second=5)

    assert trail(watched, "probe") == ["probe.failing"]


def test_reported_twice_counts_once(watched: Flask) -> None:
    until = noon()

    answers = [report(watched, ".x.", until=until).status_code for _ in range(2)]

    assert answers == [204, 204]
    assert (day(watched, until).probes, day(watched, until).failures) == (3, 1)


def test_a_failure_and_an_answer_of_one_minute_are_a_failure(watched: Flask) -> None:
    at = noon()
    samples = [
        {"component": "check_api", "probed_at": (at + timedelta(seconds=s)).isoformat(), "seconds": 1, "failure": f}
        for s, f in ((1, None), (31, "HTTP 503"))
    ]

    post(watched, msgspec.json.encode({"samples": samples}))

    assert (day(watched, at).probes, day(watched, at).failures) == (1, 1)


def one(**changes: Any) -> dict[str, Any]:
    sample = {"component": "check_api", "probed_at": utc_now().isoformat(), "seconds": 0.2, "failure": None}
    return {**sample, **changes}


@pytest.mark.parametrize(
    "sample",
    [
        one(component="messages"),
        one(component="everything"),
        {"hours": 1},
        {"hours": -25},
        one(probed_at="2026-11-28T12:00:00"),
        one(failure="<b>words of an answer</b>"),
        one(seconds=-1),
        one(surprise=1),
    ],
    ids=["messages", "unknown", "future", "too old", "no zone", "foreign words", "negative", "more"],
)
def test_what_cannot_be_is_refused_and_nothing_of_it_kept(watched: Flask, sample: dict[str, Any]) -> None:
    if "hours" in sample:
        sample = one(probed_at=(utc_now() + timedelta(**sample)).isoformat())
    answer = post(watched, msgspec.json.encode({"samples": [one(), sample]}))

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")  # type: ignore[index]
    with watched.app_context(), acting_as_system():
        assert probes.latest(Component.CHECK_API) == []


def test_what_is_not_signed_with_the_key_now_is_refused(watched: Flask) -> None:
    body = msgspec.json.encode({"samples": [one()]})
    answers = [
        watched.test_client().post("/webhooks/monitor", data=body),
        post(watched, body, key="x" * 24),
        post(watched, body, signed_at=utc_now() - timedelta(minutes=6)),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


def test_without_a_key_there_is_no_such_address(app: Flask) -> None:
    assert post(app, b"{}").status_code == 404


def test_our_own_monitor_keeps_what_it_saw_while_we_were_away_and_reports_it_then(
    watched: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_KEY", KEY)
    port, file = free_port(), tmp_path / "seen.json"

    assert outside_monitor.main(f"http://127.0.0.1:{port}", file) == 1
    assert [one["failure"] for one in outside_monitor.kept(file)] == ["not reachable"]
    with served(watched, port=port):
        assert outside_monitor.main(f"http://127.0.0.1:{port}/", file) == 0

    assert outside_monitor.kept(file) == []
    with watched.app_context(), acting_as_system():
        (seen, *_) = probes.latest(Component.PORTAL)
    assert seen.failure == "not reachable"
