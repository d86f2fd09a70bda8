"""What was decided here, and is not yet on disk."""

from __future__ import annotations

from typing import NamedTuple

from ai_governance.decisions import SDK, Decision, Reason
from ai_governance.engine.api.policies.evaluator import Outcome
from ai_governance.local.bundle import Held


class Judged(NamedTuple):
    held: Held
    body: bytes
    """The request as it would be sent."""
    outcome: Outcome


def line_of(judged: Judged, client_decision_id: str) -> bytes:
    """The request with what was decided: its body is an object that has something in it."""
    allowed = "true" if judged.outcome.allowed else "false"
    end = (
        f',"id":"{client_decision_id}","allowed":{allowed},"mode":"local",'
        f'"policy_version":{judged.held.bundle.revision}}}\n'
    )
    return judged.body[:-1] + end.encode()


def decision_of(judged: Judged, client_decision_id: str) -> Decision:
    held, _, outcome = judged
    return Decision(
        allowed=outcome.allowed,
        reason=outcome.reason,
        decided_by=SDK,
        client_decision_id=client_decision_id,
        reasons=tuple(
            Reason(one.code, one.policy, one.points, one.blocks, one.message, one.fix, one.fail_mode or None)
            for one in outcome.reasons
        ),
        risk_score=outcome.risk_score,
        policy_version=held.bundle.revision,
        max_risk_score=held.policy.document.max_risk_score if held.policy else None,
        environment=held.bundle.environment,
        is_spooled=True,
    )
