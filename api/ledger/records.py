"""The rows of the log as text: what commitments are made of, the same for ever.

PostgreSQL writes the text: `jsonb` has one way to write a value. What a row gains later is left out where it is null,
or every head before would seem to be broken.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Row, bindparam, text

from core.db import db

FEW_ROWS = 500
_LATER = ("sdk", "shadow", "derivation")
"""A column that the log gains belongs here."""
_RECORD = """(jsonb_build_object(
    'id', id, 'decided_at', to_char(decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'organization_id', organization_id, 'api_key_id', api_key_id, 'environment', environment,
    'model', model, 'operation', operation, 'metadata', metadata, 'subject', encode(subject, 'hex'),
    'risk_score', risk_score, 'allowed', allowed, 'reason', reason, 'reasons', reasons,
    'policy_version', policy_version, 'latency_us', latency_us, 'request_id', request_id
)"""
_RECORD += "".join(
    f" || CASE WHEN {one} IS NULL THEN '{{}}' ELSE jsonb_build_object('{one}', {one}) END" for one in _LATER
)
_RECORD += ")::text AS record"

_SINCE = text(f"""
    SELECT organization_id, id, decided_at, recorded_number, {_RECORD} FROM decision
    WHERE recorded_number > :after AND recorded_number <= :through ORDER BY organization_id, recorded_number
""")  # noqa: S608  our own words
_ALL_ARE_WANTED = text("SELECT set_config('cursor_tuple_fraction', '1', true), set_config('work_mem', '64MB', true)")
"""Else the plan is the one with the first rows soonest, and slower the longer the log is; and the texts of a slice, of
20 MB, are sorted in a file."""
_OF_ORGANIZATION = text(f"""
    SELECT id, {_RECORD} FROM decision
    WHERE organization_id = :organization_id AND recorded_number > :after AND recorded_number <= :through
    ORDER BY recorded_number
""").bindparams(  # noqa: S608  our own words
    bindparam("after", type_=BigInteger), bindparam("through", type_=BigInteger)
)
_ELSEWHERE = text("SELECT id FROM decision WHERE organization_id = :organization_id AND id = ANY(:ids)")
_UNNUMBERED = text("""
    SELECT id FROM decision
    WHERE organization_id = :organization_id AND recorded_number IS NULL AND decided_at > :since LIMIT :most
""")


class Recorded(NamedTuple):
    id: bytes
    record: bytes


def since(after: int, through: int) -> Iterable[Row[Any]]:
    """Of every organization, those of one after those of another, as they were recorded. Needs the system's scope.

    A few at a time: texts of a whole slice would stay with each thread that ever held them.
    """
    values = {"after": after, "through": through}
    db.session.execute(_ALL_ARE_WANTED)
    return db.session.execute(_SINCE, values, execution_options={"yield_per": FEW_ROWS})


def of_organization(organization_id: UUID, *, after: int, through: int) -> list[Recorded]:
    values = {"organization_id": organization_id, "after": after, "through": through}
    return [Recorded(row.id.bytes, row.record.encode()) for row in db.session.execute(_OF_ORGANIZATION, values)]


def still_there(organization_id: UUID, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of them that are in the log, wherever. It looks through every day: for what is missing alone."""
    if not ids:
        return frozenset()
    return frozenset(db.session.scalars(_ELSEWHERE, {"organization_id": organization_id, "ids": list(ids)}))


def without_number(organization_id: UUID, *, since: object, most: int) -> list[UUID]:
    """Those that were decided after the first head and never recorded by the service."""
    values = {"organization_id": organization_id, "since": since, "most": most}
    return list(db.session.scalars(_UNNUMBERED, values))
