"""Probes, incidents, maintenance and subscribers as kept. They belong to nobody: read in the system's scope."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from portal.status.states import (
    OPEN,
    UNDER_WAY,
    Component,
    ComponentState,
    Impact,
    IncidentStatus,
    MaintenanceStatus,
)

_COMPONENT = "component IN ('check_api', 'management_api', 'decision_log', 'portal', 'messages')"
_INCIDENT_STATUS = "status IN ('investigating', 'identified', 'monitoring', 'resolved', 'postmortem')"
_MAINTENANCE_STATUS = "status IN ('scheduled', 'in_progress', 'verifying', 'completed', 'cancelled')"


class AvailabilityProbe(Base):
    __tablename__ = "status_probe"
    __table_args__ = (
        CheckConstraint(_COMPONENT, name="component"),
        CheckConstraint("source IN ('worker', 'monitor')", name="source"),
        Index("ix_status_probe_probed_at", "probed_at"),
    )

    component: Mapped[str] = mapped_column(primary_key=True)
    probed_at: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    """Our own worker, or the monitor outside."""
    is_ok: Mapped[bool]
    seconds: Mapped[float]
    failure: Mapped[str | None]
    is_excused: Mapped[bool]
    """It fell into maintenance that was announced in time."""


class AvailabilityDay(Base):
    """What a day's probes add up to, by the minute: two sources that probe in one minute measure one minute. Kept when
    the probes themselves are gone."""

    __tablename__ = "status_day"
    __table_args__ = (CheckConstraint(_COMPONENT, name="component"),)

    component: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    probes: Mapped[int]
    """Minutes with at least one."""
    failures: Mapped[int]
    """Minutes in which any of them failed."""
    excused: Mapped[int]
    """Failures that are not counted as outage."""
    slow: Mapped[int]


class AvailabilityKey(Base):
    """The key with which we probe ourselves, sealed with the app's secret."""

    __tablename__ = "status_probe_key"

    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    sealed_secret: Mapped[bytes]
    created_at: Mapped[datetime]


class Incident(Base):
    __tablename__ = "incident"
    __table_args__ = (
        CheckConstraint(_INCIDENT_STATUS, name="status"),
        CheckConstraint("impact IN ('none', 'minor', 'major', 'critical')", name="impact"),
        Index(
            "ix_incident_open",
            "id",
            postgresql_where=text("status IN ('investigating', 'identified', 'monitoring')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    status: Mapped[str]
    impact: Mapped[str]
    version: Mapped[int]
    began_at: Mapped[datetime]
    """When the trouble itself began, as far as it is known."""
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    published_at: Mapped[datetime | None]
    """Until then operators alone see it."""
    updated_at: Mapped[datetime]
    next_update_due_at: Mapped[datetime | None]
    monitoring_from: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        return IncidentStatus(self.status) in OPEN

    @property
    def severity(self) -> Impact:
        return Impact(self.impact)


class IncidentUpdate(Base):
    __tablename__ = "incident_update"
    __table_args__ = (
        CheckConstraint(_INCIDENT_STATUS, name="status"),
        Index("ix_incident_update_incident_id", "incident_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"))
    status: Mapped[str]
    body: Mapped[str]
    written_at: Mapped[datetime]
    written_by: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    mailed_at: Mapped[datetime | None]


class IncidentComponent(Base):
    __tablename__ = "incident_component"
    __table_args__ = (
        CheckConstraint(_COMPONENT, name="component"),
        CheckConstraint(
            "state IN ('operational', 'degraded_performance', 'partial_outage', 'major_outage')", name="state"
        ),
    )

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    component: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]


class IncidentTick(Base):
    """An item of the playbook that somebody has done."""

    __tablename__ = "incident_tick"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[str | None]
    ticked_at: Mapped[datetime]
    ticked_by: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))


class IncidentReview(Base):
    """The post-mortem, with the seven fields of the playbook's last step."""

    __tablename__ = "incident_review"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    what_happened: Mapped[str]
    impact: Mapped[str]
    root_cause: Mapped[str]
    prevention: Mapped[str]
    actions: Mapped[str]
    lessons: Mapped[str]
    explanation: Mapped[str]
    written_at: Mapped[datetime]
    written_by: Mapped[UUID] = mapped_column(ForeignKey("app_user.id"))


class IncidentWarning(Base):
    """A clock that ran out, told once."""

    __tablename__ = "incident_warning"
    __table_args__ = (CheckConstraint("kind IN ('notice', 'update', 'review', 'breach_notice')", name="kind"),)

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    warned_at: Mapped[datetime]


class Maintenance(Base):
    __tablename__ = "maintenance"
    __table_args__ = (
        CheckConstraint(_MAINTENANCE_STATUS, name="status"),
        CheckConstraint(
            "components <@ ARRAY['check_api', 'management_api', 'decision_log', 'portal', 'messages']::text[]",
            name="components",
        ),
        CheckConstraint("starts_at < ends_at", name="times"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str]
    status: Mapped[str]
    version: Mapped[int]
    components: Mapped[list[str]] = mapped_column(ARRAY(Text))
    announced_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def is_under_way(self) -> bool:
        return MaintenanceStatus(self.status) in UNDER_WAY


class MaintenanceUpdate(Base):
    __tablename__ = "maintenance_update"
    __table_args__ = (
        CheckConstraint(_MAINTENANCE_STATUS, name="status"),
        Index("ix_maintenance_update_maintenance_id", "maintenance_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    maintenance_id: Mapped[UUID] = mapped_column(ForeignKey("maintenance.id"))
    status: Mapped[str]
    body: Mapped[str]
    written_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]


class Subscriber(Base):
    """An address that asked for mail; it gets none before it was confirmed, and is forgotten when it has enough."""

    __tablename__ = "status_subscriber"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    secret: Mapped[str] = mapped_column(unique=True)
    """Stands in every mail's link. All it opens is confirming and ending this subscription."""
    asked_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


States = dict[Component, ComponentState]
