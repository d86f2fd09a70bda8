"""How many different values a fact has had today: a code has few, and what is written freely has ever new ones.

Counted by each process for itself, as hashes, so that a check asks nobody; forgotten at midnight UTC.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import date
from threading import Lock
from uuid import UUID

import msgspec

from api.content.token_room import room_of
from api.policies.evaluator import CheckFacts
from core.clock import utc_now
from core.errors import FieldProblem, InvalidRequest

NOTICE_AT, MOST_VALUES = 500, 2_000
"""Different values of a fact of one organization in a day: from the first on people are told, beyond the second new
ones are refused."""
MOST_KEPT = 1_000_000
"""Values of all organizations in one process; then counting begins anew."""
_DETAIL = (
    f"This field looks like free text: it had {MOST_VALUES:,} different values today, so new values are rejected. "
    "Send a code. For IDs, use a fact whose name ends in _id."
)

_NONE: frozenset[int] = frozenset()
_NOTHING: dict[str, set[int] | None] = {}


class ManyValues(msgspec.Struct, frozen=True):
    """Something to tell people of."""

    organization_id: UUID
    fact: str
    values: int


class DistinctValues:
    def __init__(self, *, today: Callable[[], date] = lambda: utc_now().date()) -> None:
        self._today = today
        self._day = today()
        self._seen: dict[UUID, dict[str, set[int] | None]] = {}
        """None for a fact that is not counted."""
        self._kept = 0
        self.generation = 0
        """How often counting began anew: what was learned of values before must be counted again."""
        self._untold: list[ManyValues] = []
        self._lock = Lock()

    def need_few(self, organization_id: UUID, facts: CheckFacts) -> None:
        """Raises InvalidRequest for a new value where there were too many."""
        for fact, value in (("model", facts.model), ("operation", facts.operation), *facts.metadata.items()):
            if isinstance(value, str):
                self.need_few_of(organization_id, fact, value)
            elif isinstance(value, tuple):
                for one in value:
                    self.need_few_of(organization_id, fact, one)

    def need_few_of(self, organization_id: UUID, fact: str, value: str) -> None:
        """The same for one value."""
        seen: AbstractSet[int] | None = self._seen.get(organization_id, _NOTHING).get(fact, _NONE)
        if seen is not None and hash(value) not in seen:
            self._add(organization_id, fact, value)

    def take_unreported(self) -> list[ManyValues]:
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

    def _add(self, organization_id: UUID, fact: str, value: str) -> None:
        self.forget_yesterday()
        with self._lock:
            seen = self._seen.setdefault(organization_id, {}).setdefault(fact, set() if is_code(fact) else None)
            if seen is None or hash(value) in seen:
                return
            if len(seen) >= MOST_VALUES:
                path = fact if fact in ("model", "operation") else f"metadata.{fact}"
                raise InvalidRequest(errors=(FieldProblem(path, "too_many_values", _DETAIL),))
            seen.add(hash(value))
            self._kept += 1
            if len(seen) in (NOTICE_AT, MOST_VALUES):
                self._untold.append(ManyValues(organization_id, fact, len(seen)))
        if self._kept >= MOST_KEPT:
            self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._day, self._seen, self._kept = self._today(), {}, 0
            self.generation += 1


def is_code(fact: str) -> bool:
    """Ids, versions and hosts may be new every time."""
    room = room_of(fact)
    return not (room.is_opaque or room.is_version or room.is_host)
