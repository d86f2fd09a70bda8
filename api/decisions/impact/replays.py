"""Whether past decisions can be reproduced: a sample is judged again by the versions that decided."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import select

from api.decisions.impact import reading
from api.decisions.impact.analysis import add_lines, policies_of
from api.decisions.impact.judging import Judge
from api.decisions.impact.reading import Span
from api.decisions.impact.tally import Tally
from api.decisions.models import Decision
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from core import audit
from core.audit import SYSTEM
from core.db import db
from core.observability import report_error
from core.scope import needs_system_scope

log = structlog.get_logger()

SAMPLE = 2_000
OVER = timedelta(days=1)


class ReplayDiffers(Exception):
    """Decisions come out otherwise under their own version than they were recorded."""


@needs_system_scope
def organizations_with_decisions(*, since: datetime) -> Sequence[UUID]:
    return db.session.scalars(select(Decision.organization_id).distinct().where(Decision.decided_at >= since)).all()


def check_sample(organization_id: UUID, *, now: datetime) -> Tally:
    """Up to 2,000 decisions of the last day, from another hour each night."""
    since = now - OVER
    middle = since + timedelta(seconds=(organization_id.int + now.toordinal() * 7_919) % int(OVER.total_seconds()))
    span = Span(organization_id, since, now, with_subject=True)
    lines = reading.page(msgspec.structs.replace(span, since=middle), None, size=SAMPLE)
    if len(lines) < SAMPLE:
        lines += reading.page(msgspec.structs.replace(span, until=middle), None, size=SAMPLE - len(lines))
    tally, anything = Tally(), compile_policy(organization_id, 0, PolicyDocument())
    add_lines(tally, Judge(anything, anything, policies_of(organization_id)), lines)
    report_differences(organization_id, tally, now=now)
    return tally


def report_differences(organization_id: UUID, tally: Tally, *, now: datetime) -> None:
    """To us, and onto the organization's audit log."""
    if not tally.recorded_otherwise:
        return
    facts = {"decisions": tally.recorded_otherwise, "looked_at": tally.looked_at}
    log.critical("replay.differs", organization_id=str(organization_id), **facts)
    report_error(ReplayDiffers(f"{tally.recorded_otherwise} of {tally.looked_at} decisions differ when replayed"))
    audit.write(organization_id, "decisions.replay_differs", by=SYSTEM, now=now, after=facts)
