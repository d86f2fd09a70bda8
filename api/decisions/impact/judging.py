"""Judging a line of the log again: by the draft, by its base, and by the version that decided. Imports no database.

A line is what `reading` copies out of the log: the decision's id, and what it was judged by. Lines whose rest is equal
get one judgment.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from api.policies.compiling import rule_set_over
from api.policies.coverage import CoverageCounter
from api.policies.evaluator import CheckFacts, CompiledPolicy, FactValue, Outcome, completed, evaluate
from api.policies.rule_set import RuleSet
from api.policies.rules import RuleState

MOST_REMEMBERED = 200_000
_ID_LENGTH = 36

_facts = msgspec.json.Decoder(dict[str, bool | int | float | str | tuple[str, ...]])
_SEPARATOR = b"\t"


class Difference(StrEnum):
    NEWLY_BLOCKED = "newly_blocked"
    NEWLY_ALLOWED = "newly_allowed"
    SCORE_CHANGED = "score_changed"


class Judgment(msgspec.Struct, frozen=True):
    difference: Difference | None = None
    values: tuple[str, str, str, str] = ("", "", "", "")
    """Of a differing decision: the reason that blocks it before or after, the model, the application and the key."""
    scores: tuple[int, int] = (0, 0)
    """Under the base and under the draft."""
    lacking: tuple[str, ...] = ()
    """Rules that are new or changed in the draft, and need a fact that is missing here."""
    is_recorded_otherwise: bool = False
    is_unreadable: bool = False
    is_version_unusable: bool = False


ALIKE = Judgment()
UNREADABLE = Judgment(is_unreadable=True)

PolicyOf = Callable[[int], CompiledPolicy | None]
"""The policy of a version; None where it cannot be compiled."""


class _Line(NamedTuple):
    version: int
    allowed: bool
    risk_score: int
    reason: str
    bucket_key: str
    key: str
    facts: CheckFacts


class Judge:
    """`coverage` looks at each line that is judged, as long as it has something to learn."""

    def __init__(
        self,
        draft: CompiledPolicy,
        base: CompiledPolicy,
        policy_of: PolicyOf,
        *,
        coverage: CoverageCounter | None = None,
    ) -> None:
        self.coverage = coverage
        self._draft = draft
        self._base = base
        self._policy_of = policy_of
        self._changed = _changed_rules(draft, base)
        self._known: dict[bytes, Judgment] = {}

    def judgment_of(self, rest: bytes) -> Judgment:
        """Of a line without its id."""
        found = self._known.get(rest)
        if found is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            found = self._known[rest] = self._judged(rest)
        return found

    def _judged(self, rest: bytes) -> Judgment:
        try:
            read = _read(rest)
        except (ValueError, msgspec.MsgspecError):
            return UNREADABLE
        if self.coverage is not None:
            self.coverage.look_at(read.facts)
        before = evaluate(self._base, read.facts, bucket_key=read.bucket_key)
        after = evaluate(self._draft, read.facts, bucket_key=read.bucket_key)
        own = self._policy_of(read.version)
        is_otherwise = own is not None and not _is_as_recorded(read, before if own is self._base else None, own)
        difference = _difference(before, after)
        lacking = self._lacking(read.facts)
        if difference is None and not (is_otherwise or lacking) and own is not None:
            return ALIKE
        reason = before.reason if difference is Difference.NEWLY_ALLOWED else after.reason
        return Judgment(
            difference=difference,
            values=(reason, read.facts.model, str(read.facts.metadata.get("application", "")), read.key),
            scores=(before.risk_score, after.risk_score),
            lacking=lacking,
            is_recorded_otherwise=is_otherwise,
            is_version_unusable=own is None,
        )

    def _lacking(self, facts: CheckFacts) -> tuple[str, ...]:
        if self._changed is None:
            return ()
        facts = completed(self._draft, facts)
        return tuple(self._changed.unknown(facts.model, facts.operation, facts.metadata))


def _changed_rules(draft: CompiledPolicy, base: CompiledPolicy) -> RuleSet | None:
    before = frozenset(base.document.rules)
    rules = [rule for rule in draft.document.rules if rule not in before and rule.state is not RuleState.OFF]
    return rule_set_over(draft.document, rules) if rules else None


def id_of(line: bytes) -> UUID:
    return UUID(line[:_ID_LENGTH].decode())


def rest_of(line: bytes) -> bytes:
    return line[_ID_LENGTH + 1 :]


def _is_as_recorded(read: _Line, outcome: Outcome | None, own: CompiledPolicy) -> bool:
    said = outcome or evaluate(own, read.facts, bucket_key=read.bucket_key)
    return (said.allowed, said.risk_score, said.reason) == (read.allowed, read.risk_score, read.reason)


def _difference(before: Outcome, after: Outcome) -> Difference | None:
    if before.allowed != after.allowed:
        return Difference.NEWLY_BLOCKED if before.allowed else Difference.NEWLY_ALLOWED
    return None if before.risk_score == after.risk_score else Difference.SCORE_CHANGED


def _read(rest: bytes) -> _Line:
    """Raises ValueError or msgspec.MsgspecError."""
    parts = rest.rstrip(b"\n").split(_SEPARATOR)
    if b"\\" in rest:
        parts = list(map(_unescaped, parts))
    version, allowed, score, reason, subject, key, model, operation, metadata = parts
    facts: dict[str, FactValue] = _facts.decode(metadata)
    return _Line(
        version=int(version),
        allowed=allowed == b"t",
        risk_score=int(score),
        reason=reason.decode(),
        bucket_key=(subject or key).decode(),
        key=key.decode(),
        facts=CheckFacts(model.decode(), operation.decode(), facts),
    )


_ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"\\": b"\\"}


def _unescaped(part: bytes) -> bytes:
    """COPY's own escapes in text format."""
    pieces = iter(part.split(b"\\"))
    done = [next(pieces)]
    for piece in pieces:
        if not piece:  # two of them: an escaped one
            done.append(b"\\" + next(pieces, b""))
        else:
            done.append(_ESCAPES.get(piece[:1], piece[:1]) + piece[1:])
    return b"".join(done)
