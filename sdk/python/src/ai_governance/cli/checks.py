"""`aig check`: one check; ends with 2 where it is blocked."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ai_governance.cli.credentials import client_from
from ai_governance.cli.output import show
from ai_governance.decisions import Decision
from ai_governance.errors import ConfigurationError

BLOCKED = 2


def add_to(commands: Any) -> None:
    check = commands.add_parser("check", help="check whether an operation may go ahead; exits with 2 if it is blocked")
    check.add_argument("--model", required=True)
    check.add_argument("--operation", required=True)
    check.add_argument("--fact", action="append", default=[], metavar="NAME=VALUE", help="repeat for several facts")
    check.add_argument("--subject", help="pseudonym of the data subject")
    check.set_defaults(run=_check)


def _check(given: argparse.Namespace) -> int:
    with client_from(given) as client:
        decision = client.check(
            model=given.model,
            operation=given.operation,
            metadata=dict(map(_fact, given.fact)),
            subject=given.subject,
        )
    show(decision, _summary(decision), as_json=given.json)
    return 0 if decision.allowed else BLOCKED


def _fact(text: str) -> tuple[str, Any]:
    """JSON where it is some (true, 12, "x"), else text."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise ConfigurationError("Write each fact as NAME=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _summary(decision: Decision) -> str:
    outcome = "allowed" if decision.allowed else "blocked"
    score = (
        "" if decision.risk_score is None else f", risk {decision.risk_score}/100 (threshold {decision.max_risk_score})"
    )
    lines = [f"{outcome}: {decision.reason}{score}"]
    lines += [f"  {reason.code} +{reason.points}: {reason.message} {reason.fix}" for reason in decision.reasons]
    by = decision.decision_id or f"{decision.client_decision_id} (decided without the service)"
    return "\n".join([*lines, f"  decision {by}"])
