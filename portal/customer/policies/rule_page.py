"""The page of a custom rule, of the active policies or of a draft, with what its conditions can be compared with."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from api.content.pii_kinds import KINDS as PII_KINDS
from api.decisions import breakdowns
from api.policies import services as policies
from api.policies.conditions.checking import Ground
from api.vocabulary import PII_TYPES, FactType, variable_of
from core.access import active_membership
from core.clock import utc_now
from core.htmx import page_or_block
from core.views import ViewResponse
from portal.customer.policies.rule_form import RuleForm

MOST_SUGGESTED = 50
_SUGGESTED_FROM = timedelta(days=30)


def rule_page(form: RuleForm, ground: Ground, *, code: str | None, status: int = 200, **found: Any) -> ViewResponse:
    return page_or_block(
        "portal/customer/policies/rule.html",
        "rule",
        status=status,
        form=form,
        code=code,
        needs_review="draft" not in found and policies.needs_review(active_membership().organization_id),
        suggested=_suggested(form, ground),
        choices={variable: fact.choices for variable, fact in ground.facts.items() if fact.choices},
        **found,
    )


def _suggested(form: RuleForm, ground: Ground) -> Mapping[str, list[str]]:
    """Of the facts that the rows name: values that are allowed, and those that occurred lately."""
    if not form.is_builder:
        return {}
    now = utc_now()
    occurred = breakdowns.values_of_facts(active_membership().organization_id, since=now - _SUGGESTED_FROM, to=now)
    chosen = {fact for fact in form.facts_named() if fact in ground.facts}
    return {fact: _values(ground, fact, occurred) for fact in sorted(chosen)}


def _values(ground: Ground, variable: str, occurred: Mapping[str, list[str]]) -> list[str]:
    fact = ground.facts[variable]
    if fact.type is FactType.BOOLEAN:
        return ["true", "false"]
    allowed = sorted(PII_KINDS) if variable == variable_of(PII_TYPES) else list(fact.choices)
    return allowed or occurred.get(fact.name, [])[:MOST_SUGGESTED]
