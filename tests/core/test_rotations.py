"""Secrets: a change is noticed by itself, or recorded by somebody; after 30 days one is due; no value is ever shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select

from core import current
from core.audit import AuditEvent
from core.db import acting_as_system, db, transaction
from core.rotations import jobs, services
from core.rotations.services import SECRETS, THE_SERVICE, UnknownSecret, fingerprint_of
from core.settings import Settings
from wsgi import create_app

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OLD, NEW = "9d1f6b3c5e7a2048" * 2, "f3b1c07d94ae5286" * 2
ALL = {
    "secret_key": OLD,
    "metrics_token": "metrics-token-of-the-test",
    "backup_key": "AGE-SECRET-KEY-1TEST",
    "backup_s3_access_key_id": "bucket-writer",
    "backup_s3_secret_access_key": "bucket-secret-of-the-test",
    "inbound_mail_token": "inbound-mail-token-of-the-test",
    "alertmanager_token": "alertmanager-token-of-the-test",
    "evidence_key": "evidence-key-of-the-test",
    "monitor_key": "monitor-key-of-the-test",
    "grafana_token": "grafana-token-of-the-test",
    "log_signing_key": "A" * 43 + "=",
    "policy_signing_key": "B" * 42 + "A=",
    "database_url": "postgresql://aig:d%40tabase-password@db/aig",
    "database_web_url": "postgresql://aig_web:web-password@db/aig",
    "redis_url": "rediss://aig:redis-password@redis:6379/0",
    "clickhouse_url": "https://aig:clickhouse-password@clickhouse:8443/aig",
    "smtp_url": "smtps://aig:mail-password@mail:465",
    "stripe_api_key": "sk_test_of-the-test",
    "stripe_webhook_secret": "whsec_of-the-test",
}


@pytest.fixture
def settle(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Changes settings of the running app, as a restart would."""

    def change(**values: str | None) -> None:
        settings = msgspec.structs.replace(app.extensions[current.EXTENSION], **values)
        monkeypatch.setitem(app.extensions, current.EXTENSION, settings)

    change(**ALL)
    return change


def notice(app: Flask, now: datetime = NOW) -> list[str]:
    with app.app_context(), acting_as_system(), transaction():
        return services.notice(now=now)


def rotation_of(app: Flask, name: str, *, now: datetime = NOW) -> services.Rotation:
    with app.app_context(), acting_as_system():
        return next(one for one in services.rotations(now=now) if one.name == name)


def test_the_first_start_dates_every_secret_and_the_next_none(app: Flask, settle: Any) -> None:
    first, second = notice(app), notice(app, NOW + timedelta(days=3))

    assert first == list(SECRETS)
    assert second == []
    assert rotation_of(app, "SECRET_KEY").rotated_at == NOW


def test_a_changed_secret_is_noticed_at_the_next_start_and_is_on_the_trail(app: Flask, settle: Any) -> None:
    notice(app)
    settle(secret_key=NEW, database_url="postgresql://aig:another-password@db/aig")

    noticed = notice(app, NOW + timedelta(days=3))

    assert noticed == ["SECRET_KEY", "DATABASE_URL"]
    rotation = rotation_of(app, "SECRET_KEY")
    assert (rotation.rotated_at, rotation.recorded_by) == (NOW + timedelta(days=3), THE_SERVICE)
    with app.app_context(), acting_as_system():
        told = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "secret.rotated")).all()
    assert {event.subject_id for event in told} == set(SECRETS)
    assert NEW not in str([event.after for event in told])


def test_another_address_with_the_same_password_is_no_change(app: Flask, settle: Any) -> None:
    notice(app)
    settle(database_url="postgresql://aig:d%40tabase-password@elsewhere/aig?sslmode=verify-full")

    assert notice(app) == []


def test_going_back_to_an_older_value_keeps_its_date(app: Flask, settle: Any) -> None:
    notice(app)
    settle(secret_key=NEW)
    notice(app, NOW + timedelta(days=3))
    settle(secret_key=OLD)

    assert notice(app, NOW + timedelta(days=4)) == []
    assert rotation_of(app, "SECRET_KEY").rotated_at == NOW


def test_a_person_can_record_a_change_and_record_it_again(app: Flask, settle: Any) -> None:
    notice(app)
    with app.app_context(), acting_as_system(), transaction():
        services.record("REDIS_URL", by="Olga", now=NOW + timedelta(days=1))
        services.record("REDIS_URL", by="Olga", now=NOW + timedelta(days=2))

    rotation = rotation_of(app, "REDIS_URL")

    assert (rotation.rotated_at, rotation.recorded_by) == (NOW + timedelta(days=2), "Olga")


@pytest.mark.parametrize("name", ["PASSWORD", "redis_url", "REDIS_URL"])
def test_what_is_no_secret_or_is_not_set_cannot_be_recorded(app: Flask, settle: Any, name: str) -> None:
    settle(redis_url=None)

    with app.app_context(), acting_as_system(), pytest.raises(UnknownSecret):
        services.record(name, by="Olga", now=NOW)


@pytest.mark.parametrize(("age", "is_overdue"), [(timedelta(days=29, hours=23), False), (timedelta(days=30), True)])
def test_a_secret_is_due_after_thirty_days(app: Flask, settle: Any, age: timedelta, is_overdue: bool) -> None:
    notice(app)

    rotation = rotation_of(app, "METRICS_TOKEN", now=NOW + age)

    assert rotation.is_overdue is is_overdue
    assert rotation.due_at == NOW + timedelta(days=30)


def test_a_fingerprint_tells_values_and_names_apart_and_is_short() -> None:
    prints = {fingerprint_of(name, value) for name in ("SECRET_KEY", "METRICS_TOKEN") for value in (OLD, NEW)}

    assert len(prints) == 4
    assert {len(one) for one in prints} == {8}


def test_the_list_shows_dates_and_what_is_overdue_and_no_value(app: Flask, settle: Any) -> None:
    notice(app)
    with app.app_context(), acting_as_system(), transaction():
        services.record("SECRET_KEY", by="Olga", now=datetime(2026, 1, 1, tzinfo=UTC))

    shown = app.test_cli_runner().invoke(args=["secrets", "list"])

    assert shown.exit_code == 0
    lines = {line.split()[0]: line for line in shown.output.splitlines()}
    assert "2026-01-01" in lines["SECRET_KEY"]
    assert "OVERDUE" in lines["SECRET_KEY"]
    assert lines["SECRET_KEY"].endswith("Olga")
    assert "Overdue (older than 30 days): SECRET_KEY" in shown.output
    assert not [secret for secret in (*ALL.values(), "d@tabase-password", "redis-password") if secret in shown.output]


def test_the_command_records_and_refuses_what_it_does_not_know(app: Flask, settle: Any) -> None:
    runner = app.test_cli_runner()

    recorded = runner.invoke(args=["secrets", "record", "STRIPE_API_KEY", "--by", "Olga"])
    unknown = runner.invoke(args=["secrets", "record", "NOTHING", "--by", "Olga"])

    assert recorded.exit_code == 0
    assert rotation_of(app, "STRIPE_API_KEY").recorded_by == "Olga"
    assert unknown.exit_code == 1
    assert "Choose one that is set" in unknown.output


def test_a_start_without_a_database_goes_on(tmp_path: Path) -> None:
    app = create_app(Settings(database_url="postgresql://aig@127.0.0.1:9/aig", data_dir=str(tmp_path)))

    jobs.notice_at_start(app)


def test_the_age_is_a_gauge_with_the_name_alone(app: Flask, settle: Any) -> None:
    notice(app)

    page = app.test_client().get("/metrics", headers={"Authorization": "Bearer a-token-for-metrics"}).text

    lines = [line for line in page.splitlines() if line.startswith("aig_secret_age_seconds{")]
    assert [line.partition("}")[0] + "}" for line in lines] == [
        f'aig_secret_age_seconds{{name="{name}"}}' for name in SECRETS
    ]


def test_the_metrics_token_before_opens_too_while_it_is_set(app: Flask) -> None:
    room = app.extensions["runtime"]
    before = room.settings
    room.settings = msgspec.structs.replace(before, metrics_token=NEW, metrics_token_previous=OLD)
    try:
        answers = [
            app.test_client().get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code
            for token in (NEW, OLD, "another", "")
        ]
    finally:
        room.settings = before

    assert answers == [200, 200, 404, 404]
