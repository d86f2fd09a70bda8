"""Noticing that a secret was changed, recording who did it, and saying which are due. Needs the system's scope."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import blinker
import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core import audit, current, database_address
from core.audit import COMMAND_LINE, SYSTEM, Actor
from core.clock import utc_now
from core.db import db
from core.errors import AppError
from core.observability import Reading, gauge_at_scrape
from core.rotations.models import SecretRotation
from core.scope import needs_system_scope
from core.settings import Settings

ROTATED_EVERY = timedelta(days=30)
THE_SERVICE = "the service"

encrypted_with_key = blinker.Signal()
"""Sent with `secret_keys`, the present one first; receivers seal anew what only an older one opens: how much was it?"""


def _password_of(url: str | None) -> str | None:
    password = urlsplit(url or "").password
    return unquote(password) if password else None


def _password_of_database(url: str | None) -> str | None:
    address = database_address.read(url or "")
    return address.password if address else None


SECRETS: dict[str, Callable[[Settings], str | None]] = {
    "SECRET_KEY": lambda settings: settings.secret_key,
    "METRICS_TOKEN": lambda settings: settings.metrics_token,
    "DATABASE_URL": lambda settings: _password_of_database(settings.database_url),
    "DATABASE_WEB_URL": lambda settings: _password_of_database(settings.database_web_url),
    "REDIS_URL": lambda settings: _password_of(settings.redis_url),
    "CLICKHOUSE_URL": lambda settings: _password_of(settings.clickhouse_url),
    "SMTP_URL": lambda settings: _password_of(settings.smtp_url),
    "STRIPE_API_KEY": lambda settings: settings.stripe_api_key,
    "STRIPE_WEBHOOK_SECRET": lambda settings: settings.stripe_webhook_secret,
    "BACKUP_KEY": lambda settings: settings.backup_key,
    "BACKUP_S3_SECRET_ACCESS_KEY": lambda settings: settings.backup_s3_secret_access_key,
    "INBOUND_MAIL_TOKEN": lambda settings: settings.inbound_mail_token,
    "ALERTMANAGER_TOKEN": lambda settings: settings.alertmanager_token,
    "EVIDENCE_KEY": lambda settings: settings.evidence_key,
    "MONITOR_KEY": lambda settings: settings.monitor_key,
    "LOG_SIGNING_KEY": lambda settings: settings.log_signing_key,
    "POLICY_SIGNING_KEY": lambda settings: settings.policy_signing_key,
    "GRAFANA_TOKEN": lambda settings: settings.grafana_token,
}
"""What is to be changed every month: of an address, the password in it."""


class UnknownSecret(AppError):
    status, code, title = HTTPStatus.NOT_FOUND, "unknown_secret", "Secret not found"
    advice = f"Choose one that is set: {', '.join(SECRETS)}."


class Rotation(msgspec.Struct, frozen=True):
    """How old the value is that a secret has now; `rotated_at` is None for one that nobody noticed yet."""

    name: str
    fingerprint: str
    rotated_at: datetime | None
    recorded_by: str | None
    is_overdue: bool

    @property
    def due_at(self) -> datetime | None:
        return self.rotated_at + ROTATED_EVERY if self.rotated_at else None


def fingerprint_of(name: str, secret: str) -> str:
    """Tells one value from another and opens nothing: 32 bits of a hash that is used for nothing else."""
    return hashlib.sha256(f"fingerprint of {name}\0{secret}".encode()).hexdigest()[:8]


@needs_system_scope
def rotations(*, now: datetime) -> list[Rotation]:
    """Every secret that is set, with the date of its present value. One query."""
    known = {(row.name, row.fingerprint): row for row in db.session.scalars(select(SecretRotation))}
    return [
        _rotation(name, fingerprint, known.get((name, fingerprint)), now=now)
        for name, fingerprint in _fingerprints().items()
    ]


@needs_system_scope
def notice(*, now: datetime) -> list[str]:
    """Dates every value that was never seen before. One that was, such as after a roll-back, keeps its date."""
    noticed = []
    for name, fingerprint in _fingerprints().items():
        row = {"name": name, "fingerprint": fingerprint, "rotated_at": now, "recorded_by": THE_SERVICE}
        added = insert(SecretRotation).values(row).on_conflict_do_nothing().returning(SecretRotation.name)
        if db.session.scalar(added) is not None:
            _write(name, fingerprint, by=SYSTEM, now=now)
            noticed.append(name)
    return noticed


@needs_system_scope
def record(name: str, *, by: str, now: datetime) -> Rotation:
    """Dates the present value: somebody changed it and says so. Raises UnknownSecret."""
    fingerprint = _fingerprints().get(name)
    if fingerprint is None:
        raise UnknownSecret
    row = {"name": name, "fingerprint": fingerprint, "rotated_at": now, "recorded_by": by}
    statement = insert(SecretRotation).values(row)
    changed = {"rotated_at": now, "recorded_by": by}
    db.session.execute(statement.on_conflict_do_update(index_elements=["name", "fingerprint"], set_=changed))
    _write(name, fingerprint, by=COMMAND_LINE, now=now)
    return Rotation(name=name, fingerprint=fingerprint, rotated_at=now, recorded_by=by, is_overdue=False)


def reseal() -> int:
    """Seals anew, with the present key, all that is sealed with the one before. How much that was."""
    keys = current.settings().secret_keys
    return sum(count for _, count in encrypted_with_key.send(None, secret_keys=keys))


@gauge_at_scrape("aig_secret_age_seconds", "Since when a secret has its present value.")
def _ages() -> list[Reading]:
    now = utc_now()
    return [
        ({"name": one.name}, (now - one.rotated_at).total_seconds()) for one in rotations(now=now) if one.rotated_at
    ]


def _fingerprints() -> dict[str, str]:
    settings = current.settings()
    values = {name: value_of(settings) for name, value_of in SECRETS.items()}
    return {name: fingerprint_of(name, value) for name, value in values.items() if value}


def _rotation(name: str, fingerprint: str, row: SecretRotation | None, *, now: datetime) -> Rotation:
    return Rotation(
        name=name,
        fingerprint=fingerprint,
        rotated_at=row.rotated_at if row else None,
        recorded_by=row.recorded_by if row else None,
        is_overdue=row is not None and row.rotated_at + ROTATED_EVERY <= now,
    )


def _write(name: str, fingerprint: str, *, by: Actor, now: datetime) -> None:
    audit.write(None, "secret.rotated", by=by, now=now, subject_id=name, after={"fingerprint": fingerprint})
