"""How many different values a fact has had today: a code has few, and what is written freely has ever new ones.

Counted by each process for itself, as hashes, so that a check asks nobody; forgotten at midnight UTC.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from threading import Lock
from uuid import UUID

import msgspec

from api.checks.token_room import room_of
from api.policies.evaluator import Facts
from core.clock import utc_now
from core.errors import FieldProblem, InvalidRequest

NOTICE_AT, MOST_VALUES = 500, 2_000
"""Different values of a fact of one organization in a day: from the first on people are told, beyond the second new
ones are refused."""
MOST_KEPT = 1_000_000
"""Values of all organizations in one process; then counting begins anew."""
_DETAIL = (
    f"This field looks like free text: it had {MOST_VALUES:,} different values today, and new ones are refused. "
    "Send a code; for ids use a fact whose name ends in _id."
)

Counted = tuple[UUID, str]


class ManyValues(msgspec.Struct, frozen=True):
    """Something to tell people of."""

    organization_id: UUID
    fact: str
    values: int


class DistinctValues:
    def __init__(self, *, today: Callable[[], date] = lambda: utc_now().date()) -> None:
        self._today = today
        self._day = today()
        self._seen: dict[Counted, set[int]] = {}
        self._kept = 0
        self._untold: list[ManyValues] = []
        self._lock = Lock()

    def need_few(self, organization_id: UUID, facts: Facts) -> None:
        """Raises InvalidRequest for a new value where there were too many."""
        for fact, value in _bounded(facts):
            seen = self._seen.get((organization_id, fact))
            if seen is None or hash(value) not in seen:
                self._add(organization_id, fact, hash(value))

    def take_untold(self) -> list[ManyValues]:
        with self._lock:
            untold, self._untold = self._untold, []
            return untold

    def put_back(self, found: ManyValues) -> None:
        with self._lock:
            self._untold.append(found)

    def forget_yesterday(self) -> None:
        """Called now and then by whoever has the time."""
        if self._today() != self._day:
            self._forget()

    def _add(self, organization_id: UUID, fact: str, value: int) -> None:
        self.forget_yesterday()
        with self._lock:
            seen = self._seen.setdefault((organization_id, fact), set())
            if len(seen) >= MOST_VALUES:
                path = fact if fact in ("model", "operation") else f"metadata.{fact}"
                raise InvalidRequest(errors=(FieldProblem(path, "too_many_values", _DETAIL),))
            seen.add(value)
            self._kept += 1
            if len(seen) in (NOTICE_AT, MOST_VALUES):
                self._untold.append(ManyValues(organization_id, fact, len(seen)))
        if self._kept >= MOST_KEPT:
            self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._day, self._seen, self._kept = self._today(), {}, 0


def _bounded(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "model", facts.model
    yield "operation", facts.operation
    for fact, value in facts.metadata.items():
        if isinstance(value, str):
            if _is_code(fact):
                yield fact, value
        elif isinstance(value, tuple) and _is_code(fact):
            for one in value:
                yield fact, one


@lru_cache(maxsize=4_096)
def _is_code(fact: str) -> bool:
    """Ids, versions and hosts may be new every time."""
    room = room_of(fact)
    return not (room.is_opaque or room.is_version or room.is_host)
