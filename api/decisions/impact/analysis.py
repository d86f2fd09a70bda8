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
from api.decisions.impact.reading import Span
from api.decisions.impact.states import UNDER_WAY, ImpactStatus
from api.decisions.impact.tally import Tally
from api.policies import services as policies
from api.policies.document import PolicyDocument
from api.policies.evaluator import CompiledPolicy, compile_policy
from api.policies.rules import ConditionRefused, RuleState
from core.db import rows_changed

ROWS_AT_ONCE = 5_000
_DIFFERING_ROWS_AT_ONCE = 20_000


def _ignore(_tally: Tally) -> None: ...


class Analysis:
    """One analysis, worked out part by part. Each part is kept, so another worker can go on from there."""

    def __init__(self, organization_id: UUID, impact_id: UUID, *, on_done: Callable[[Tally], None] = _ignore) -> None:
        self._on_done = on_done
        self._organization_id = organization_id
        self._impact_id = impact_id
        impact = services.impact_of(services.reload(organization_id, impact_id))
        self._judge = judge_of(organization_id, impact)
        self._span = span_of(organization_id, impact)

    def step(self, *, now: datetime, size: int = ROWS_AT_ONCE) -> bool:
        """Looks at the next decisions; whether there may be more. The caller commits."""
        row = services.reload(self._organization_id, self._impact_id)
        if ImpactStatus(row.status) not in UNDER_WAY:
            return False
        lines = reading.page(self._span, row.cursor, size=size)
        tally = msgspec.convert(row.tally, Tally)
        add_lines(tally, self._judge, lines)
        status = ImpactStatus.RUNNING if len(lines) == size else ImpactStatus.DONE
        statement = (
            update(PolicyImpact)
            .where(
                PolicyImpact.organization_id == self._organization_id,
                PolicyImpact.id == self._impact_id,
                PolicyImpact.status.in_([one.value for one in UNDER_WAY]),
                PolicyImpact.cursor.is_not_distinct_from(row.cursor),  # another worker may have gone on
            )
            .values(
                status=status.value,
                cursor=id_of(lines[-1]) if lines else row.cursor,
                tally=msgspec.to_builtins(tally),
                finished_at=now if status is ImpactStatus.DONE else None,
            )
        )
        is_kept = rows_changed(statement) == 1
        if is_kept and status is ImpactStatus.DONE:
            self._on_done(tally)
        return is_kept and status is ImpactStatus.RUNNING


def add_lines(tally: Tally, judge: Judge, lines: list[bytes]) -> None:
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


def differing(organization_id: UUID, impact: services.Impact) -> Iterator[tuple[UUID, Judgment]]:
    """Every decision that comes out otherwise, worked out anew: a log is not copied into a result."""
    judge, span = judge_of(organization_id, impact), span_of(organization_id, impact)
    for lines in reading.pages(span, size=_DIFFERING_ROWS_AT_ONCE):
        for line in lines:
            judgment = judge.judgment_of(rest_of(line))
            if judgment.difference is not None:
                yield id_of(line), judgment


def judge_of(organization_id: UUID, impact: services.Impact) -> Judge:
    policy_of = policies_of(organization_id)
    base = policy_of(impact.base_version)
    if base is None:
        base = compile_policy(organization_id, impact.base_version, PolicyDocument())
    return Judge(compile_policy(organization_id, 0, impact.document), base, policy_of)


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
