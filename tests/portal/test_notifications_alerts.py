"""Alertmanager tells us of alerts; operators' channels are told of each once."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select

from core import current
from core.audit import AuditEvent
from core.db import acting_as_system, db
from tests.portal.notify import deliveries_of, make_channel

TOKEN = "a-token-for-the-alertmanager"
FIRING = {
    "status": "firing",
    "labels": {"alertname": "ErrorRateHigh", "severity": "critical", "instance": "web-1"},
    "annotations": {"summary": "More than 1% of requests fail."},
    "startsAt": "2026-11-22T10:00:00.123456789+01:00",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus.example:9090/graph",
    "fingerprint": "1a30ba71cca2921f",
}
RESOLVED = {**FIRING, "status": "resolved", "endsAt": "2026-11-22T09:10:00Z"}
ENVELOPE = {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "us"}


@pytest.fixture
def told_app(app: Flask) -> Iterator[Flask]:
    """With a token in its settings."""
    before = app.extensions[current.EXTENSION]
    app.extensions[current.EXTENSION] = msgspec.structs.replace(before, alertmanager_token=TOKEN)
    yield app
    app.extensions[current.EXTENSION] = before


def tell(app: Flask, *alerts: Any, token: str | None = TOKEN, body: bytes | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = msgspec.json.encode({**ENVELOPE, "alerts": alerts}) if body is None else body
    return app.test_client().post("/webhooks/alertmanager", data=data, headers=headers)


def actions(app: Flask) -> list[str]:
    with app.app_context(), acting_as_system():
        query = select(AuditEvent.action).where(AuditEvent.action.startswith("alert.")).order_by(AuditEvent.id)
        return list(db.session.scalars(query))


def test_an_alert_that_fires_reaches_the_operators_channels(told_app: Flask) -> None:
    made = make_channel(told_app, None, "alert.firing", "alert.resolved")

    answer = tell(told_app, FIRING)

    (delivery,) = deliveries_of(told_app, made.channel.id)
    assert answer.status_code == 204
    assert delivery.payload["data"] | {"link": ""} == {
        "summary": "Alert firing",
        "about": "More than 1% of requests fail.",
        "link": "",
        "subject": "1a30ba71cca2921f",
        "alert": "ErrorRateHigh",
        "severity": "critical",
        "started_at": "2026-11-22T09:00:00Z",
    }


def test_what_is_repeated_is_told_once_and_its_end_too(told_app: Flask) -> None:
    for alert in (FIRING, FIRING, RESOLVED, RESOLVED, FIRING):
        tell(told_app, alert)

    assert actions(told_app) == ["alert.firing", "alert.resolved"]


def test_an_alert_that_fires_anew_is_news(told_app: Flask) -> None:
    tell(told_app, FIRING)
    tell(told_app, {**FIRING, "startsAt": "2026-11-23T10:00:00Z"}, {**FIRING, "fingerprint": "another"})

    assert actions(told_app) == ["alert.firing"] * 3


def test_an_end_of_which_we_never_heard_the_beginning_is_told(told_app: Flask) -> None:
    tell(told_app, RESOLVED)

    assert actions(told_app) == ["alert.resolved"]


def test_without_a_token_in_the_settings_there_is_no_such_address(app: Flask) -> None:
    answer = tell(app, FIRING)

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("token", [None, "", "another-token", TOKEN + "x", "ünicode"])
def test_a_wrong_token_is_refused(told_app: Flask, token: str | None) -> None:
    answer = tell(told_app, FIRING, token=token)

    assert (answer.status_code, answer.json["code"]) == (401, "wrong_alert_token")
    assert actions(told_app) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"alerts": [{"status": "firing"}]}',
        b'{"alerts": [{"status": "firing", "fingerprint": "f", "startsAt": "yesterday"}]}',
        b'{"alerts": [{"status": "firing", "fingerprint": "f", "startsAt": "2026-11-22T10:00:00"}]}',
        b'{"alerts": [{"status": "on fire", "fingerprint": "f", "startsAt": "2026-11-22T10:00:00Z"}]}',
        b'{"alerts": [{"status": "firing", "fingerprint": "\\u0000", "startsAt": "2026-11-22T10:00:00Z"}]}',
    ],
)
def test_what_is_no_message_of_alertmanager_is_refused_with_words(told_app: Flask, body: bytes) -> None:
    answer = tell(told_app, body=body)

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert actions(told_app) == []
