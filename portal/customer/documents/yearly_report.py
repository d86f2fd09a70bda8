"""What is on record of one year: for a customer who wants to know whether the agreement was kept."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, func, select

from api.usage import availability
from api.usage.availability import RequestTotals
from backups.models import BackupRun, RunKind, RunStatus
from core.accounts import Organization
from core.atom import FeedEntry
from core.audit import AuditEvent
from core.db import acting_as_system, db
from core.errors import NotFound
from core.formats import number, percent
from core.settings import Settings
from legal_docs import changelog
from legal_docs.audits import services as audits
from legal_docs.audits.states import KIND_NAMES, STATUS_NAMES, AuditKind, AuditStatus
from legal_docs.documents.drafts import fill
from legal_docs.documents.models import LegalVersion
from legal_docs.documents.pdf import Imprint, to_pdf
from legal_docs.documents.provider import trial_provider
from legal_docs.measures import services as measures
from portal.status import breach_notices
from portal.status.models import Incident

_LIVE = "live"
_DECEMBER = 12
_PURGED = "decisions.purged"
_COUNTED_ACTIONS = ("decisions.erased", "api_key.erased", "decisions.exported")


class Month(msgspec.Struct, frozen=True):
    name: str
    answered: str
    refused: str
    failed: str
    availability: str
    p95: str


class Counts(msgspec.Struct, frozen=True):
    purges: int
    purged_decisions: int
    erasures: int
    key_erasures: int
    exports: int


class HeldAudit(msgspec.Struct, frozen=True):
    kind: str
    starts_on: date
    ends_on: date
    status: str
    findings: str | None


class Report(msgspec.Struct, frozen=True):
    year: int
    organization: str
    requests: Sequence[Month]
    incidents: Sequence[Any]
    breach_notices: Sequence[datetime]
    counts: Counts
    restores: int
    versions: Sequence[Any]
    changes: Sequence[FeedEntry]
    audits: Sequence[HeldAudit]


def years_of(organization_id: UUID, *, now: datetime) -> list[int]:
    """Since the account was opened, the newest first."""
    organization = db.session.get_one(Organization, organization_id)
    return list(range(now.year, organization.created_at.astimezone(UTC).year - 1, -1))


def markdown(organization_id: UUID, year: int, settings: Settings, *, now: datetime) -> str:
    """Raises NotFound for a year before the account or after this one."""
    if year not in years_of(organization_id, now=now):
        raise NotFound("There is no report for this year.")
    return fill(
        "yearly_report",
        made_at=now,
        provider=trial_provider(settings),
        report=_report(organization_id, year),
        measures=measures.for_annex(),
    )


def as_pdf(text: str, year: int, settings: Settings) -> bytes:
    imprint = Imprint(
        title="Annual service report",
        version=str(year),
        sha256=sha256(text.encode()).hexdigest(),
        author=trial_provider(settings).name,
    )
    return to_pdf((text,), imprint)


def _report(organization_id: UUID, year: int) -> Report:
    since, until = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    with acting_as_system():
        incidents = db.session.scalars(
            select(Incident)
            .where(Incident.published_at.is_not(None), _within(Incident.began_at, since, until))
            .order_by(Incident.began_at)
        ).all()
        restores = _restores(since, until)
    return Report(
        year=year,
        organization=db.session.get_one(Organization, organization_id).name,
        requests=_months(organization_id, year),
        incidents=incidents,
        breach_notices=[
            one.sent_at for one in breach_notices.every_one_of(organization_id) if since <= one.sent_at < until
        ],
        counts=_counts(organization_id, since, until),
        restores=restores,
        versions=db.session.scalars(
            select(LegalVersion)
            .where(_within(LegalVersion.published_at, since, until))
            .order_by(LegalVersion.published_at)
        ).all(),
        changes=[one for one in reversed(changelog.register_entries(base_url="")) if since <= one.at < until],
        audits=_audits(organization_id, year),
    )


def _within(column: Any, since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(column >= since, column < until)


def _restores(since: datetime, until: datetime) -> int:
    query = select(func.count()).where(
        BackupRun.kind == RunKind.VERIFICATION.value,
        BackupRun.status == RunStatus.SUCCEEDED.value,
        _within(BackupRun.finished_at, since, until),
    )
    return int(db.session.scalar(query) or 0)


def _months(organization_id: UUID, year: int) -> list[Month]:
    found = []
    for month in range(1, _DECEMBER + 1):
        since = datetime(year, month, 1, tzinfo=UTC)
        until = datetime(year + month // _DECEMBER, month % _DECEMBER + 1, 1, tzinfo=UTC)
        totals = availability.totals(organization_id, since=since, until=until, environment=_LIVE)
        if totals.valid or totals.refused:
            found.append(_month(f"{since:%B}", totals))
    return found


def _month(name: str, totals: RequestTotals) -> Month:
    return Month(
        name=name,
        answered=number(totals.answered),
        refused=number(totals.refused),
        failed=number(totals.failed),
        availability=percent(totals.availability / 100, 3) if totals.availability is not None else "no valid requests",
        p95=f"{totals.p95_ms} ms" if totals.p95_ms is not None else "no answers",
    )


def _counts(organization_id: UUID, since: datetime, until: datetime) -> Counts:
    """Exports can be very many, so they are counted by the database; purges are one a day."""
    in_year = AuditEvent.organization_id == organization_id, _within(AuditEvent.occurred_at, since, until)
    counted = select(AuditEvent.action, func.count()).where(*in_year, AuditEvent.action.in_(_COUNTED_ACTIONS))
    counts = {row[0]: row[1] for row in db.session.execute(counted.group_by(AuditEvent.action))}
    purges = db.session.scalars(select(AuditEvent.after).where(*in_year, AuditEvent.action == _PURGED)).all()
    return Counts(
        purges=len(purges),
        purged_decisions=sum(int((after or {}).get("decisions", 0)) for after in purges),
        erasures=counts.get("decisions.erased", 0),
        key_erasures=counts.get("api_key.erased", 0),
        exports=counts.get("decisions.exported", 0),
    )


def _audits(organization_id: UUID, year: int) -> list[HeldAudit]:
    return [
        HeldAudit(
            kind=KIND_NAMES[AuditKind(one.kind)],
            starts_on=one.starts_on,
            ends_on=one.ends_on,
            status=STATUS_NAMES[AuditStatus(one.status)],
            findings=one.findings,
        )
        for one in audits.list_for(organization_id)
        if one.starts_on.year == year
    ]
