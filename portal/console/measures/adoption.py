"""How each live customer gets on, a page of them at a time."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text

from api.decisions.hourly.counting import counted_until, full_hour
from api.usage import availability
from api.usage.availability import Milestones
from core.accounts import OrganizationStatus
from core.db import db
from core.paging import Page, page_of
from core.scope import needs_system_scope
from portal.status import probes

_ADOPTION = text("""
    SELECT chosen.id, chosen.name, chosen.slug, chosen.pilot_ends_at,
           coalesce(first.hour, open.first_at), coalesce(open.last_at, newest.at),
           week.decisions + open.decisions AS last_week, coalesce(week.of_day, 0) + open.of_day AS last_day
    FROM (
        SELECT id, name, slug, pilot_ends_at FROM organization
        WHERE status = :live AND slug <> :ours AND (name ILIKE :pattern OR slug ILIKE :pattern)
          AND (CAST(:after AS uuid) IS NULL OR (name, id) > (SELECT name, id FROM organization WHERE id = :after))
        ORDER BY name, id LIMIT :size
    ) AS chosen
    LEFT JOIN LATERAL (
        SELECT hour FROM decision_hour WHERE organization_id = chosen.id AND environment = 'live'
        ORDER BY hour LIMIT 1
    ) AS first ON true
    LEFT JOIN LATERAL (
        SELECT hour FROM decision_hour WHERE organization_id = chosen.id AND environment = 'live'
        ORDER BY hour DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT max(decided_at) AS at FROM decision WHERE organization_id = chosen.id AND environment = 'live'
          AND decided_at >= last.hour AND decided_at < last.hour + interval '1 hour'
    ) AS newest ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(allowed + blocked), 0) AS decisions,
               sum(allowed + blocked) FILTER (WHERE hour >= :day) AS of_day
        FROM decision_hour WHERE organization_id = chosen.id AND environment = 'live' AND hour >= :week
    ) AS week
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE decided_at >= :week) AS decisions,
               count(*) FILTER (WHERE decided_at >= :day) AS of_day,
               min(decided_at) AS first_at, max(decided_at) AS last_at
        FROM decision WHERE organization_id = chosen.id AND environment = 'live' AND decided_at >= :counted_until
    ) AS open
    ORDER BY chosen.name, chosen.id
""")

ENOUGH_A_DAY = 100


class Adoption(msgspec.Struct, frozen=True):
    """How one live customer gets on: live decisions still on record."""

    organization_id: UUID
    name: str
    slug: str
    pilot_ends_at: datetime | None
    first_at: datetime | None
    last_at: datetime | None
    last_week: int
    last_day: int
    milestones: Milestones | None = None
    """From the counts of requests, which are kept for longer than decisions."""

    @property
    def live_since(self) -> date | None:
        found = [self.milestones.first_day] if self.milestones else []
        return min([*found, *([self.first_at.date()] if self.first_at else [])], default=None)

    @property
    def enough_since(self) -> date | None:
        return self.milestones.enough_day if self.milestones else None

    @property
    def step(self) -> str:
        """Where they are on the way that a pilot is meant to go."""
        if self.live_since is None:
            return "No live check yet"
        if self.last_day > ENOUGH_A_DAY:
            return f"Over {ENOUGH_A_DAY} a day"
        return "Live" if self.last_week else "No checks for a week"


@needs_system_scope
def adoption_page(*, now: datetime, words: str = "", after: UUID | None = None, size: int = 50) -> Page[Adoption]:
    """By name. Days and weeks are counted from a full hour."""
    given = {
        "week": full_hour(now - timedelta(days=7)),
        "day": full_hour(now - timedelta(days=1)),
        "counted_until": counted_until() or datetime.min.replace(tzinfo=UTC),
        "live": OrganizationStatus.LIVE.value,
        "ours": probes.SLUG,
        "pattern": f"%{_escaped(words)}%",
        "after": after,
        "size": size + 1,
    }
    found = [Adoption(*row) for row in db.session.execute(_ADOPTION, given)]
    page = page_of(found, size, id_of=lambda one: one.organization_id)
    reached = availability.milestones([one.organization_id for one in page.rows], enough_a_day=ENOUGH_A_DAY)
    return page.of([msgspec.structs.replace(one, milestones=reached.get(one.organization_id)) for one in page.rows])


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
