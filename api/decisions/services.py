"""Reading the log: a page, one decision, or all of it as a stream, which is put on record."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from api.checks.service import hash_subject
from api.decisions.hourly.models import DecisionHour
from api.decisions.hourly.spans import counted_until
from api.decisions.models import Decision
from api.decisions.schema import COLUMNS, DecisionFilter, ExportFormat, parse_key_id
from api.keys.token import KeyEnvironment
from api.vocabulary import normal_model, normal_operation
from core import audit
from core.accounts import Organization
from core.audit import Actor
from core.db import among, db
from core.errors import NotFound
from core.ids import parse_public_id, time_of
from core.scope import needs_system_scope

ROWS_AT_ONCE = 1_000


def list_page(
    organization_id: UUID,
    chosen: DecisionFilter,
    *,
    subject_secret: bytes,
    after: UUID | None,
    size: int,
    within: ColumnElement[bool] | None = None,
) -> list[Decision]:
    """Decisions, newest first, that come after the one with the id `after`; `within` bounds their time.

    Looks at as much of the log as it takes: what people and programs filter by is asked of `search.find_page`.
    """
    query = select(Decision).where(*conditions_of(organization_id, chosen, subject_secret))
    if within is not None:
        query = query.where(within)
    if after is not None:
        query = query.where(
            Decision.decided_at <= time_of(after),  # lets whole days be passed over
            tuple_(Decision.decided_at, Decision.id) < tuple_(time_of(after), after),
        )
    return list(db.session.scalars(query.order_by(Decision.decided_at.desc(), Decision.id.desc()).limit(size)))


def find_or_none(organization_id: UUID, shown_id: str) -> Decision | None:
    """None also for a decision of another organization. The id leads to its day."""
    decision_id = parse_public_id("dec", shown_id)
    if decision_id is None:
        return None
    return db.session.scalar(
        select(Decision).where(
            Decision.organization_id == organization_id,
            Decision.id == decision_id,
            Decision.decided_at == time_of(decision_id),
        )
    )


def find(organization_id: UUID, shown_id: str) -> Decision:
    """As `find_or_none`, but raises NotFound."""
    decision = find_or_none(organization_id, shown_id)
    if decision is None:
        raise NotFound("Decision not found, or it is past its retention. Check the ID.")
    return decision


def find_by_request(organization_id: UUID, request_id: str, *, most: int = 100) -> list[Decision]:
    """The decisions of one request; several, if it asked several questions."""
    query = (
        select(Decision)
        .where(
            Decision.organization_id == organization_id,
            Decision.request_id == request_id,
        )
        .order_by(Decision.decided_at, Decision.id)
    )
    return list(db.session.scalars(query.limit(most)))


def has_any(organization_id: UUID, environment: KeyEnvironment) -> bool:
    """Whether a decision of this environment is on record."""
    return _is_there(
        organization_id, DecisionHour.environment == environment.value, Decision.environment == environment.value
    )


@needs_system_scope
def without_any(organization_ids: Collection[UUID], environment: KeyEnvironment) -> list[UUID]:
    """Those of them with no decision of this environment on record."""
    has_some = exists().where(Decision.organization_id == Organization.id, Decision.environment == environment.value)
    query = select(Organization.id).where(among(Organization.id, organization_ids), ~has_some)
    return list(db.session.scalars(query.order_by(Organization.id)))


def has_outcome(organization_id: UUID, *, allowed: bool) -> bool:
    """Whether a decision with this outcome is on record."""
    counted = DecisionHour.allowed if allowed else DecisionHour.blocked
    return _is_there(organization_id, counted > 0, Decision.allowed == allowed)


def _is_there(organization_id: UUID, counted: ColumnElement[bool], logged: ColumnElement[bool]) -> bool:
    """By the counted hours first: in the log there may be millions of others."""
    hours = select(DecisionHour.hour).where(DecisionHour.organization_id == organization_id, counted)
    if db.session.scalar(hours.limit(1)) is not None:
        return True
    query = select(Decision.id).where(Decision.organization_id == organization_id, logged)
    if until := counted_until(organization_id):
        query = query.where(Decision.decided_at >= until)
    return db.session.scalar(query.limit(1)) is not None


def stream(
    organization_id: UUID, chosen: DecisionFilter, *, subject_secret: bytes, after: UUID | None = None
) -> Iterator[Any]:
    """Every decision that comes after the one with the id `after`, oldest first, a thousand in memory at a time."""
    query = _every(organization_id, chosen, subject_secret)
    if after is not None:
        query = query.where(
            Decision.decided_at >= time_of(after),  # lets whole days be passed over
            tuple_(Decision.decided_at, Decision.id) > tuple_(time_of(after), after),
        )
    yield from db.session.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})


def note_export(organization_id: UUID, form: ExportFormat, *, by: Actor, now: datetime) -> None:
    """Before the first row leaves: who took the log away is on the audit log, also if they took a part."""
    audit.write(organization_id, "decisions.exported", by=by, now=now, after={"format": form.value})


def _every(organization_id: UUID, chosen: DecisionFilter, subject_secret: bytes) -> Select[Any]:
    return (
        select(*COLUMNS)
        .where(*conditions_of(organization_id, chosen, subject_secret))
        .order_by(Decision.decided_at, Decision.id)
    )


def _in_normal_form(text: ColumnElement[str] | InstrumentedAttribute[str], wanted: str) -> ColumnElement[bool]:
    """Without regard to case; what ends in * stands for all that begin with it."""
    if wanted.endswith("*"):
        return func.lower(text).startswith(normal_model(wanted[:-1]), autoescape=True)
    return func.lower(text) == normal_model(wanted)


def conditions_of(organization_id: UUID, chosen: DecisionFilter, subject_secret: bytes) -> list[ColumnElement[bool]]:
    """All must hold."""
    conditions: list[ColumnElement[bool]] = [Decision.organization_id == organization_id]
    for column, value in (
        (Decision.allowed, chosen.allowed),
        (Decision.reason, chosen.reason),
        (Decision.environment, chosen.environment),
    ):
        if value is not None:
            conditions.append(column == value)
    for text, wanted in (
        (Decision.model, chosen.model),
        (Decision.metadata_["department"].astext, chosen.department),
        (Decision.metadata_["application"].astext, chosen.application),
    ):
        if wanted is not None:
            conditions.append(_in_normal_form(text, wanted))
    if chosen.operation is not None:
        conditions.append(func.replace(func.lower(Decision.operation), "-", "_") == normal_operation(chosen.operation))
    if chosen.key is not None:
        conditions.append(Decision.api_key_id == parse_key_id(chosen.key))
    if chosen.subject is not None:
        conditions.append(Decision.subject == bytes.fromhex(hash_subject(chosen.subject, secret=subject_secret)))
    if chosen.since is not None:
        conditions.append(Decision.decided_at >= chosen.since)
    if chosen.to is not None:
        conditions.append(Decision.decided_at < chosen.to)
    return conditions
