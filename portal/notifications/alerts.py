"""Alerts of the monitoring, as Alertmanager tells them: each firing and each end is put on the audit log once.

Alertmanager repeats itself by design. Needs the system's scope.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core import audit
from core.audit import SYSTEM
from core.db import db
from core.formats import iso
from core.rows import locking
from core.scope import needs_system_scope
from portal.notifications.models import Alert

TEST_ALERT = "LaunchBoardTest"
"""Sent by the launch board itself: it is kept, and nobody is told of it."""
KEPT = timedelta(days=90)
_LONGEST = 500


class ReportedAlert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert of a message; what else it says is left aside."""

    status: Literal["firing", "resolved"]
    fingerprint: Annotated[str, Meta(pattern=r"^[0-9A-Za-z_.:-]{1,128}$")]
    starts_at: Annotated[datetime, Meta(tz=True)]
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class AlertReport(msgspec.Struct, frozen=True):
    alerts: list[ReportedAlert]


def store(told: AlertReport, *, now: datetime) -> int:
    """How many were news."""
    return sum(_store(alert, now=now) for alert in told.alerts)


@needs_system_scope
def purge(*, now: datetime) -> None:
    db.session.execute(delete(Alert).where(Alert.started_at < now - KEPT, Alert.resolved_at.is_not(None)))


def _store(told: ReportedAlert, *, now: datetime) -> bool:
    is_over = told.status == "resolved"
    is_new = db.session.execute(
        insert(Alert)
        .values(
            fingerprint=told.fingerprint,
            started_at=told.starts_at,
            name=_short(told.labels.get("alertname")) or "unnamed",
            severity=_short(told.labels.get("severity")),
            summary=_short(told.annotations.get("summary") or told.annotations.get("description")),
            resolved_at=now if is_over else None,
        )
        .on_conflict_do_nothing()
        .returning(Alert.fingerprint)
    ).first()
    if is_new is None and not (is_over and _end(told, now=now)):
        return False
    if told.labels.get("alertname") != TEST_ALERT:
        _note(told, "alert.resolved" if is_over else "alert.firing", now=now)
    return True


def _end(told: ReportedAlert, *, now: datetime) -> bool:
    """Whether it ends now, and has not ended before."""
    alert = db.session.scalar(
        locking(select(Alert).where(Alert.fingerprint == told.fingerprint, Alert.started_at == told.starts_at))
    )
    if alert is None or alert.resolved_at is not None:
        return False
    alert.resolved_at = now
    return True


def _note(told: ReportedAlert, action: str, *, now: datetime) -> None:
    alert = db.session.get_one(Alert, (told.fingerprint, told.starts_at))
    about = {
        "alert": alert.name,
        "severity": alert.severity,
        "about": alert.summary,
        "started_at": iso(alert.started_at),
    }
    audit.write(None, action, by=SYSTEM, now=now, subject_id=told.fingerprint, after=about)


def _short(text: str | None) -> str | None:
    return text.replace("\x00", "")[:_LONGEST] if text else None
