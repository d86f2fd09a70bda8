# Made from api/policies/bundle.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""A policy version as data for whoever decides elsewhere: the document, its rules as trees, and for how long it holds.

Service and SDK share this file, so that what one writes is what the other reads. Imports no database and no engine.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NoReturn
from uuid import UUID

import msgspec
from msgspec import Meta

from ai_governance.engine.api.policies.document import POLICY_KEYS, PolicyDocument, facts_of
from ai_governance.engine.api.policies.evaluator import CompiledPolicy, policy_of
from ai_governance.engine.api.policies.rule_set import RuleSet, Stated, ready_of, rule_set_of
from ai_governance.engine.api.policies.rules import Rule, RuleState
from ai_governance.engine.api.policies.trees import Beyond, RuleTrees
from ai_governance.engine.api.vocabulary import ALIASES, FactType
from ai_governance.engine.core.sample_ids import KEY_ID

FORMAT: Final = "policy-bundle/1"
CLOCKS_DIFFER_S: Final = 300
"""A bundle that is from further in the future than this was read by a clock that is wrong."""


class SharedFact(msgspec.Struct, frozen=True, omit_defaults=True):
    type: FactType
    choices: tuple[str, ...] = ()


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """For one API key. `revision` is the version of the policies; it never goes back."""

    format: Annotated[Literal["policy-bundle/1"], Meta(description="Always policy-bundle/1.")] = FORMAT
    organization: Annotated[str, Meta(description="The organization.", examples=["org_0199f2c0d4e5"])]
    key_id: Annotated[str, Meta(description="The API key it is for.", examples=[KEY_ID])]
    key_fingerprint: Annotated[
        str, Meta(description="First 16 digits of the SHA-256 of that key.", examples=["9b2f46c81d3e5a70"])
    ]
    environment: Annotated[str, Meta(description="live or test, the same as the key.", examples=["live"])]
    revision: Annotated[int, Meta(description="The version of the policies.", examples=[7])]
    issued_at: Annotated[datetime, Meta(tz=True, description="When it was signed.", examples=["2026-11-28T09:00:00Z"])]
    not_after: Annotated[
        datetime, Meta(tz=True, description="Until when it is valid.", examples=["2026-11-29T10:00:00Z"])
    ]
    signing_key: Annotated[str, Meta(description="The ID of the key that signed it.", examples=["0f3a1c5e7b9d2f46"])]
    policies: Annotated[dict[str, Any], Meta(description="All policies by name.", examples=[{"max_risk_score": 50}])]
    rules: Annotated[
        dict[str, Any],
        Meta(
            description="The conditions of rules by code: trees of all, any and none.",
            examples=[{"hr_needs_review": [[["==", ["lowered", "department"], "hr"]], [], []]}],
        ),
    ]
    needs_service: Annotated[
        tuple[str, ...], Meta(description="Codes of rules that only the service can evaluate.", examples=[[]])
    ]
    facts: Annotated[
        dict[str, Any],
        Meta(description="Facts that may be sent, with their types.", examples=[{"department": {"type": "token"}}]),
    ]
    aliases: Annotated[
        dict[str, str],
        Meta(description="Other spellings of facts.", examples=[{"provider": "gen_ai.provider.name"}]),
    ]


class ForTheService(Exception):
    """Only the service can decide this."""


def content_of(policy: CompiledPolicy) -> dict[str, Any]:
    """What of a bundle follows from the policy alone."""
    document = policy.document
    trees = {ready.rule.code: ready.trees for some in _sets_of(policy) for ready in some.rules}
    active = [rule.code for rule in document.rules if rule.state is not RuleState.OFF]
    whole = {code: one for code, one in trees.items() if one is not None and active.count(code) == 1}
    return {
        "policies": msgspec.to_builtins(msgspec.structs.replace(document, tests=())),
        "rules": msgspec.to_builtins(whole),
        "needs_service": tuple(sorted({code for code in active if code not in whole})),
        "facts": msgspec.to_builtins({name: SharedFact(one.type, one.choices) for name, one in policy.facts.items()}),
        "aliases": dict(ALIASES),
    }


def policy_from(bundle: Bundle, organization_id: UUID) -> CompiledPolicy:
    """What decides by a bundle that was verified.

    Raises ForTheService where a rule needs more than trees, and msgspec.ValidationError or Beyond for policies and
    trees that are newer than this code: a decision without what it does not know would be a wrong one.
    """
    if bundle.needs_service:
        raise ForTheService(f"rules: {', '.join(bundle.needs_service)}")
    if not bundle.policies.keys() <= set(POLICY_KEYS):
        raise Beyond
    document = msgspec.convert(bundle.policies, PolicyDocument)
    trees = msgspec.convert(bundle.rules, dict[str, RuleTrees])
    return policy_of(
        organization_id,
        bundle.revision,
        document,
        enforced=_rule_set([rule for rule in document.rules if rule.state is RuleState.ENFORCED], document, trees),
        on_trial=_rule_set([rule for rule in document.rules if rule.is_on_trial], document, trees),
    )


def _rule_set(rules: Sequence[Rule], document: PolicyDocument, trees: Mapping[str, RuleTrees]) -> RuleSet:
    return rule_set_of([ready_of(rule, trees[rule.code]) for rule in rules], facts_of(document), _no_engine)


def _no_engine(_indexes: Sequence[int], _model: str, _operation: str, _stated: Stated) -> NoReturn:
    raise ForTheService("a fact is not of its declared type")


def _sets_of(policy: CompiledPolicy) -> tuple[RuleSet, ...]:
    return (policy.enforced,) if policy.on_trial is None else (policy.enforced, policy.on_trial)
