"""A rule's way from trial to force: which state it is in, since which version, and the step forward."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

import msgspec

from api.policies import services
from api.policies.rules import Rule, RuleState
from core.audit import Actor
from core.errors import AppError, NotFound

PROMOTED = "policy.rule_promoted"


class RuleNotOnTrial(AppError):
    status, code, title = HTTPStatus.CONFLICT, "rule_not_on_trial", "This rule is not on trial"
    advice = "Only a rule in shadow, or one enforced for a percentage, can be promoted. Reload to see its state."


def promote(organization_id: UUID, code: str, *, expected_version: int, by: Actor, now: datetime) -> int:
    """Enforces a rule that was on trial, as a new version. Raises NotFound, PolicyChanged, or RuleNotOnTrial."""
    version, document = services.hold(organization_id, expected_version)
    rule = next((rule for rule in document.rules if rule.code == code), None)
    if rule is None:
        raise NotFound("Rule not found. It may have been deleted.")
    if not rule.is_on_trial:
        raise RuleNotOnTrial
    enforced = msgspec.structs.replace(rule, state=RuleState.ENFORCED)
    rules = tuple(enforced if one is rule else one for one in document.rules)
    after = msgspec.structs.replace(document, rules=rules)
    facts = {"rule": code}
    return services.adopt(organization_id, version, document, after, PROMOTED, by=by, now=now, facts=facts)


def trials_since(organization_id: UUID) -> Mapping[str, int]:
    """Rules on trial by their codes, with the first version from which on they were, unchanged but for their state."""
    found = [one for one in services.all_versions(organization_id) if not one.is_test_only]
    on_trial = [rule for rule in found[0].document.rules if rule.is_on_trial] if found else []
    return {rule.code: _first_version(rule, found) for rule in on_trial}


def _first_version(rule: Rule, newest_first: Sequence[services.PolicyRevision]) -> int:
    first = newest_first[0].version
    for revision in newest_first:
        if not any(_is_same_trial(rule, one) for one in revision.document.rules):
            break
        first = revision.version
    return first


def _is_same_trial(rule: Rule, other: Rule) -> bool:
    return other.is_on_trial and msgspec.structs.replace(other, state=rule.state, percent=rule.percent) == rule
