"""What an analysis has found: counts by reason, model, application and key, and a few decisions of each kind.

Tallies of parts are added up, so that an analysis can go on where it stopped. Imports no database.
"""

from uuid import UUID

import msgspec

from api.decisions.impact.judging import Difference, Judgment, id_of
from api.policies.coverage import Coverage

MOST_EXAMPLES = 10
MOST_VALUES = 200
"""Of one kind; what is beyond is counted together as `OTHERS`."""
OTHERS = "(others)"
KINDS = ("reason", "model", "application", "key")


class Share(msgspec.Struct):
    """The differing decisions of one reason, model, application or key."""

    newly_blocked: int = 0
    newly_allowed: int = 0
    score_changed: int = 0

    @property
    def all(self) -> int:
        return self.newly_blocked + self.newly_allowed + self.score_changed


class Tally(msgspec.Struct):
    looked_at: int = 0
    newly_blocked: int = 0
    newly_allowed: int = 0
    score_changed: int = 0
    unreadable: int = 0
    """Facts of another form than those of today: they could not be judged."""
    unusable_version: int = 0
    """Decisions of a version that does not compile any more: they were judged, but not compared with the record."""
    recorded_otherwise: int = 0
    """Decisions that come out otherwise under their own version than they were recorded. Must be zero."""
    lacking: dict[str, int] = msgspec.field(default_factory=dict)
    """Decisions that lack a fact which a new or changed rule of the draft needs, by its code."""
    by: dict[str, dict[str, Share]] = msgspec.field(default_factory=lambda: {kind: {} for kind in KINDS})
    examples: dict[str, list[UUID]] = msgspec.field(default_factory=dict)
    seen: Coverage = msgspec.field(default_factory=dict)
    """Which conditions of the draft's rules these decisions made true and false."""

    @property
    def differing(self) -> int:
        return self.newly_blocked + self.newly_allowed + self.score_changed

    def add(self, judgment: Judgment, count: int, example: bytes) -> None:
        """As many decisions that are alike in all that matters; `example` is the line of one."""
        self.looked_at += count
        self.unreadable += count * judgment.is_unreadable
        self.unusable_version += count * judgment.is_version_unusable
        for code in judgment.lacking:
            self.lacking[code] = self.lacking.get(code, 0) + count
        if judgment.is_recorded_otherwise:
            self.recorded_otherwise += count
            self._add_example("recorded_otherwise", example)
        if judgment.difference is not None:
            self._add_difference(judgment, judgment.difference, count, example)

    def shares(self, kind: str) -> list[tuple[str, Share]]:
        """The largest first."""
        return sorted(self.by.get(kind, {}).items(), key=lambda pair: (-pair[1].all, pair[0]))

    def _add_difference(self, judgment: Judgment, difference: Difference, count: int, example: bytes) -> None:
        setattr(self, difference, getattr(self, difference) + count)
        self._add_example(difference, example)
        for kind, value in zip(KINDS, judgment.values, strict=True):
            if value:
                shares = self.by[kind]
                share = shares.setdefault(value if value in shares or len(shares) < MOST_VALUES else OTHERS, Share())
                setattr(share, difference, getattr(share, difference) + count)

    def _add_example(self, kind: str, example: bytes) -> None:
        kept = self.examples.setdefault(kind, [])
        if len(kept) < MOST_EXAMPLES:
            kept.append(id_of(example))
