"""Looking at the running service, and keeping what was seen.

The rooms above register how each measure is looked at: they know the service, the texts know what was promised.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.db import db
from core.formats import utc
from core.scope import needs_system_scope
from core.settings import Environment, Settings
from legal_docs.documents.drafts import SeenMeasure
from legal_docs.measures.kinds import MEASURE_NAMES, Measure, MeasuresNotMet, Observation
from legal_docs.measures.models import SecurityMeasure

log = structlog.get_logger()

FRESH_FOR = timedelta(hours=2)
"""So old may be what a published text says was seen: the service is looked at every hour."""
_NOT_LOOKED_AT = "Not checked yet in this installation."

Look = Callable[[Settings, datetime], Observation]
"""In the system's scope; writes nothing."""

_looks: dict[Measure, Look] = {}


def looks_at(measure: Measure) -> Callable[[Look], Look]:
    """Registers how a measure is seen."""

    def register(look: Look) -> Look:
        _looks[measure] = look
        return look

    return register


@needs_system_scope
def look(settings: Settings, *, now: datetime) -> dict[Measure, Observation]:
    """Every measure, each by itself. Asks other machines: never in a web request, nor in a transaction that writes."""
    return {measure: _look_at(measure, settings, now) for measure in Measure}


@needs_system_scope
def record(found: Mapping[Measure, Observation], *, now: datetime) -> None:
    for measure, observation in found.items():
        values = {"is_met": observation.is_met, "seen": observation.seen, "checked_at": now}
        statement = insert(SecurityMeasure).values(code=measure.value, **values)
        db.session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=values))


def recorded() -> dict[Measure, SecurityMeasure]:
    """What was last seen, of those that were looked at."""
    known = {measure.value for measure in Measure}
    rows = db.session.scalars(select(SecurityMeasure).execution_options(populate_existing=True))  # written past it
    return {Measure(row.code): row for row in rows if row.code in known}


def for_annex() -> dict[str, SeenMeasure]:
    """By code: the measure's name, what was seen of it, and when."""
    found = recorded()
    return {measure.value: SeenMeasure(MEASURE_NAMES[measure], _sentence(found.get(measure))) for measure in Measure}


def refuse_unmet(settings: Settings, *, now: datetime) -> None:
    """In production an annex is published only of what was seen lately. Raises MeasuresNotMet, naming each."""
    if settings.environment is not Environment.PRODUCTION:
        return
    found = recorded()
    faults = [measure.value for measure in Measure if not _is_good(found.get(measure), now=now)]
    if faults:
        raise MeasuresNotMet(f"Not met, or not checked in the last two hours: {', '.join(faults)}.")


def _look_at(measure: Measure, settings: Settings, now: datetime) -> Observation:
    if measure not in _looks:
        return Observation(is_met=False, seen=_NOT_LOOKED_AT)
    try:
        with db.session.begin_nested():
            return _looks[measure](settings, now)
    except Exception as error:
        log.warning("measure.not_looked_at", measure=measure.value, exc_info=error)
        return Observation(is_met=False, seen=f"The check failed: {type(error).__name__}.")


def _is_good(row: SecurityMeasure | None, *, now: datetime) -> bool:
    return row is not None and row.is_met and now - row.checked_at <= FRESH_FOR


def _sentence(row: SecurityMeasure | None) -> str:
    if row is None:
        return _NOT_LOOKED_AT
    seen = f"{row.seen} Last checked on {utc(row.checked_at)}."
    return seen if row.is_met else f"Not in force in this installation. {seen}"
