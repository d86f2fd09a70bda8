"""Working out an impact part by part, each of which is kept."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec
from sqlalchemy import update

from api.decisions.impact import reading, services
from api.decisions.impact.judging import Judge, Judgment, id_of, rest_of
from api.decisions.impact.models import PolicyImpact
from api.decisions.impact.pacing import Pause
from api.decisions.impact.reading import Span
from api.decisions.impact.states import UNDER_WAY, ImpactStatus
from api.decisions.impact.tally import Tally
from api.policies import services as policies
from api.policies.compiled_rules import ConditionRefused
from api.policies.compiling import compile_policy
from api.policies.coverage import CoverageCounter
from api.policies.document import PolicyDocument
from api.policies.evaluator import CompiledPolicy
from api.policies.rules import RuleState
from core.db import rows_changed

ROWS_AT_ONCE = 5_000
_ROWS_BETWEEN_PAUSES = 1_000
"""Read in some milliseconds, so that checks hardly feel it."""
_DIFFERING_ROWS_AT_ONCE = 20_000


def _ignore(_tally: Tally) -> None: ...


class Part(msgspec.Struct, frozen=True):
    """The next decisions of an analysis, and what was found in those before."""

    cursor: UUID | None
    tally: Tally
    lines: list[bytes]
    is_last: bool


class Analysis:
    """One analysis, worked out part by part. Each part is kept, so another worker can go on from there."""

    def __init__(self, organization_id: UUID, impact_id: UUID, *, on_done: Callable[[Tally], None] = _ignore) -> None:
        self._on_done = on_done
        self._organization_id = organization_id
        self._impact_id = impact_id
        impact = services.impact_of(services.reload(organization_id, impact_id))
        draft = compile_policy(organization_id, 0, impact.document)
        self._judge = judge_of(organization_id, impact, CoverageCounter(draft, known=impact.tally.seen))
        self._span = span_of(organization_id, impact)

    def read(self, *, size: int = ROWS_AT_ONCE, pause: Pause | None = None) -> Part | None:
        """None where there is nothing more to do. With pauses, the log is read in smaller pages."""
        row = services.reload(self._organization_id, self._impact_id)
        if ImpactStatus(row.status) not in UNDER_WAY:
            return None
        lines: list[bytes] = []
        cursor, page_size = row.cursor, size if pause is None else min(size, _ROWS_BETWEEN_PAUSES)
        while page := reading.page(self._span, cursor, size=min(page_size, size - len(lines))):
            lines += page
            cursor = id_of(page[-1])
            if len(page) < page_size or len(lines) == size:
                break
            if pause is not None:
                pause()
        return Part(row.cursor, msgspec.convert(row.tally, Tally), lines, is_last=len(lines) < size)

    def judge(self, part: Part, *, pause: Pause | None = None) -> None:
        """Adds to the tally of the part. Needs no database."""
        add_lines(part.tally, self._judge, part.lines, pause=pause)
        if self._judge.coverage is not None:
            part.tally.seen = self._judge.coverage.coverage

    def keep(self, part: Part, *, now: datetime) -> bool:
        """Whether there may be more. The caller commits."""
        status = ImpactStatus.DONE if part.is_last else ImpactStatus.RUNNING
        statement = (
            update(PolicyImpact)
            .where(
                PolicyImpact.organization_id == self._organization_id,
                PolicyImpact.id == self._impact_id,
                PolicyImpact.status.in_([one.value for one in UNDER_WAY]),
                PolicyImpact.cursor.is_not_distinct_from(part.cursor),  # another worker may have gone on
            )
            .values(
                status=status.value,
                cursor=id_of(part.lines[-1]) if part.lines else part.cursor,
                tally=msgspec.to_builtins(part.tally),
                total=part.tally.looked_at if part.is_last else PolicyImpact.total,
                finished_at=now if part.is_last else None,
            )
        )
        is_kept = rows_changed(statement) == 1
        if is_kept and part.is_last:
            self._on_done(part.tally)
        return is_kept and not part.is_last


def add_lines(tally: Tally, judge: Judge, lines: list[bytes], *, pause: Pause | None = None) -> None:
    """Lines that are equal but for their id are judged once."""
    counts: dict[bytes, int] = {}
    examples: dict[bytes, bytes] = {}
    for line in lines:
        rest = rest_of(line)
        if rest in counts:
            counts[rest] += 1
        else:
            counts[rest] = 1
            examples[rest] = line
    for rest, count in counts.items():
        tally.add(judge.judgment_of(rest), count, examples[rest])
        if pause is not None:
            pause()


def differing(organization_id: UUID, impact: services.Impact) -> Iterator[tuple[UUID, Judgment]]:
    """Every decision that comes out otherwise, worked out anew: a log is not copied into a result."""
    judge, span = judge_of(organization_id, impact), span_of(organization_id, impact)
    for lines in reading.pages(span, size=_DIFFERING_ROWS_AT_ONCE):
        for line in lines:
            judgment = judge.judgment_of(rest_of(line))
            if judgment.difference is not None:
                yield id_of(line), judgment


def judge_of(organization_id: UUID, impact: services.Impact, coverage: CoverageCounter | None = None) -> Judge:
    policy_of = policies_of(organization_id)
    base = policy_of(impact.base_version)
    if base is None:
        base = compile_policy(organization_id, impact.base_version, PolicyDocument())
    return Judge(compile_policy(organization_id, 0, impact.document), base, policy_of, coverage=coverage)


def span_of(organization_id: UUID, impact: services.Impact) -> Span:
    documents = [impact.document, *(one.document for one in policies.all_versions(organization_id))]
    with_subject = any(rule.state is RuleState.PERCENT for document in documents for rule in document.rules)
    return Span(organization_id, impact.since, impact.until, with_subject=with_subject)


def policies_of(organization_id: UUID) -> Callable[[int], CompiledPolicy | None]:
    """Compiled versions of an organization, each once."""
    documents = {one.version: one.document for one in policies.all_versions(organization_id)}

    @lru_cache(maxsize=1_000)
    def policy_of(version: int) -> CompiledPolicy | None:
        try:
            return compile_policy(organization_id, version, documents[version])
        except (KeyError, ConditionRefused):
            return None

    return policy_of
