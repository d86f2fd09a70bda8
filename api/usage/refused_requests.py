"""Counts refused requests to the check API by code and field: in the process, and every few seconds in the database.

Of fields only names are kept that we or the organization gave: one that a caller made up could itself be content.
"""

import re
from collections.abc import Container, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Lock
from uuid import UUID

import msgspec
from sqlalchemy import text

from api.content.refusal import is_plain_content_name
from api.vocabulary import ALIASES, BUILT_IN
from core.db import db
from core.errors import AppError
from core.periodic_flush import EnterApp, PeriodicFlush

MOST_HELD = 20_000
"""Counters that may wait at once; what is beyond them is not counted."""
OTHER_FIELD = "other"
"""Stands for every field whose name is not kept."""
_ENVELOPE = frozenset({"model", "operation", "subject", "metadata", "checks", "body"})
_ITEM = re.compile(r"checks\[\d+\]\.?")
_FACTS = "metadata."

_ADD = text("""
    INSERT INTO refused_request_hour AS kept
        (organization_id, environment, hour, code, fault, field, requests, last_at, last_request_id)
    SELECT organization_id, environment, hour, code, fault, field, requests, last_at, last_request_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS added
        (organization_id uuid, environment text, hour timestamptz, code text, fault text, field text,
         requests integer, last_at timestamptz, last_request_id text)
    WHERE organization_id IN (SELECT organization.id FROM organization)
    ORDER BY organization_id, environment, hour, code, fault, field
    ON CONFLICT (organization_id, environment, hour, code, fault, field) DO UPDATE SET
        requests = kept.requests + excluded.requests,
        last_request_id = CASE WHEN excluded.last_at > kept.last_at
            THEN excluded.last_request_id ELSE kept.last_request_id END,
        last_at = greatest(kept.last_at, excluded.last_at)
""")


class _Refused(msgspec.Struct, frozen=True):
    """What is counted together. `fault` and `field` are empty where the request itself is counted."""

    organization_id: UUID
    environment: str
    hour: datetime
    code: str
    fault: str = ""
    field: str = ""


class _Count(msgspec.Struct):
    requests: int
    last_at: datetime
    last_request_id: str

    def add(self, later: "_Count") -> None:
        self.requests += later.requests
        if later.last_at >= self.last_at:
            self.last_at, self.last_request_id = later.last_at, later.last_request_id


class RefusedRequests(PeriodicFlush):
    name = "refused-requests"

    def __init__(self, enter_app: EnterApp) -> None:
        super().__init__(enter_app)
        self._lock = Lock()
        self._counts: dict[_Refused, _Count] = {}

    def note(
        self,
        organization_id: UUID,
        refusal: AppError,
        *,
        environment: str,
        request_id: str,
        custom_facts: Container[str],
        at: datetime,
    ) -> None:
        """A failure of ours is none: it is counted elsewhere."""
        if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        request = _Refused(organization_id, environment, hour, refusal.code)
        with self._lock:
            self._add(request, _Count(1, at, request_id))
            for fault, field in set(_fields_of(refusal, custom_facts)):
                self._add(msgspec.structs.replace(request, fault=fault, field=field), _Count(1, at, request_id))

    def write(self) -> None:
        """What cannot be written now is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        try:
            _write(counts)
        except BaseException:
            with self._lock:
                later, self._counts = self._counts, {}
                for refused, count in (*counts.items(), *later.items()):
                    self._add(refused, count)
            raise

    def _add(self, refused: _Refused, count: _Count) -> None:
        if refused in self._counts:
            self._counts[refused].add(count)
        elif len(self._counts) < MOST_HELD:
            self._counts[refused] = count


def _fields_of(refusal: AppError, custom_facts: Container[str]) -> Iterator[tuple[str, str]]:
    for problem in refusal.errors:
        yield problem.code, known_field(problem.path, custom_facts)


def known_field(path: str, custom_facts: Container[str] = ()) -> str:
    """A field's path as it may be kept."""
    path = _ITEM.sub("", path) or "checks"
    if path in _ENVELOPE:
        return path
    fact = path.removeprefix(_FACTS)
    if fact != path and (fact in BUILT_IN or fact in ALIASES or fact in custom_facts):
        return path
    name = fact.rpartition(".")[2].casefold()
    return name if is_plain_content_name(name) else OTHER_FIELD


def _write(counts: dict[_Refused, _Count]) -> None:
    if not counts:
        return
    rows = [{**msgspec.structs.asdict(refused), **msgspec.structs.asdict(count)} for refused, count in counts.items()]
    db.session.execute(_ADD, {"rows": msgspec.json.encode(rows).decode()})
