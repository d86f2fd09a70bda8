"""What every contestant is asked: the same facts, held against the same conditions.

`$name` in a condition stands for a fact; each engine writes it in its own way. In every pair the first condition is
true of the facts and the second false, so that no engine may stop early and none refuses.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from api.vocabulary import variable_of

FactValue = bool | int | float | str | list[str]
Facts = Mapping[str, FactValue]

MODEL, OPERATION = "gpt-4o", "chat"

FACTS: Facts = {
    "contains_personal_data": False,
    "is_external_model": False,
    "dataset_record_count": 120,
    "pii_types": [],
    "data_classification": "internal",
    "data_region": "eu",
    "model_region": "eu",
    "department": "support",
    "application": "helpdesk-web",
    "purpose": "reply_draft",
    "user_role": "agent",
    "is_human_reviewed": True,
    "is_automated_decision": False,
    "is_high_risk_system": False,
    "gen_ai.provider.name": "azure",
    "gen_ai.output.type": "text",
    "gen_ai.request.max_tokens": 800,
    "gen_ai.request.temperature": 0.2,
    "gen_ai.usage.input_tokens": 1_500,
    "gen_ai.tool.name": "crm_read",
}


class Pair(msgspec.Struct, frozen=True):
    """Two conditions that must both hold for a refusal, and a change of one fact that makes them hold."""

    is_true: str
    is_false: str
    trip: tuple[str, FactValue]


PAIRS = (
    Pair("$operation == 'chat'", "$data_classification == 'restricted'", ("data_classification", "restricted")),
    Pair("$department == 'support'", "$gen_ai_request_max_tokens > 4096", ("gen_ai.request.max_tokens", 8_000)),
    Pair("$application.startsWith('helpdesk')", "!($data_region in ['eu', 'eea', 'uk'])", ("data_region", "us-east-1")),
    Pair(
        "$is_human_reviewed || !$is_automated_decision",
        "$dataset_record_count >= 5000",
        ("dataset_record_count", 6_000),
    ),
    Pair("$user_role in ['agent', 'team_lead']", "$purpose == 'profiling'", ("purpose", "profiling")),
    Pair("$gen_ai_provider_name == 'azure'", "!($model_region in ['eu', 'eea', 'uk'])", ("model_region", "us-east-1")),
    Pair("!$is_external_model", "$gen_ai_request_temperature > 1.0", ("gen_ai.request.temperature", 1.5)),
    Pair("$model.contains('gpt')", "$gen_ai_usage_input_tokens > 100000", ("gen_ai.usage.input_tokens", 200_000)),
    Pair("size($pii_types) == 0", "$is_high_risk_system", ("is_high_risk_system", True)),
    Pair("$gen_ai_output_type == 'text'", "$gen_ai_tool_name.endsWith('_write')", ("gen_ai.tool.name", "crm_write")),
)
CONDITIONS = 2 * len(PAIRS)
_FACT = re.compile(r"\$(\w+)")


def tripping() -> list[Facts]:
    """Questions that must be refused, one for each pair."""
    return [{**FACTS, pair.trip[0]: pair.trip[1]} for pair in PAIRS]


def our_rules(count: int) -> list[dict[str, Any]]:
    """`count` rules of two conditions each, as the policy `rules` takes them; the pairs in turn."""
    return [
        {
            "code": f"rule_{number}",
            "when": {"all": _written(PAIRS[number % len(PAIRS)], lambda name: name)},
            "message": "Two conditions hold together.",
            "on_missing": "skip",
        }
        for number in range(count)
    ]


def cerbos_policy() -> dict[str, Any]:
    """A resource policy that allows what none of the pairs refuses."""
    refusals = [
        {
            "actions": ["perform"],
            "effect": "EFFECT_DENY",
            "roles": ["*"],
            "condition": {
                "match": {"all": {"of": [{"expr": one} for one in _written(pair, lambda name: f"R.attr.{name}")]}}
            },
        }
        for pair in PAIRS
    ]
    allowance = {"actions": ["perform"], "effect": "EFFECT_ALLOW", "roles": ["*"]}
    return {
        "apiVersion": "api.cerbos.dev/v1",
        "resourcePolicy": {"resource": "ai_operation", "version": "default", "rules": [*refusals, allowance]},
    }


def our_body(facts: Facts) -> bytes:
    return msgspec.json.encode({"model": MODEL, "operation": OPERATION, "metadata": facts})


def cerbos_body(facts: Facts) -> bytes:
    attributes = {"model": MODEL, "operation": OPERATION, **{variable_of(name): fact for name, fact in facts.items()}}
    return msgspec.json.encode(
        {
            "principal": {"id": "application", "roles": ["application"]},
            "resources": [
                {
                    "actions": ["perform"],
                    "resource": {"kind": "ai_operation", "id": "operation", "attr": attributes},
                }
            ],
        }
    )


def _written(pair: Pair, name_of: Callable[[str], str]) -> list[str]:
    return [_FACT.sub(lambda found: name_of(found[1]), condition) for condition in (pair.is_true, pair.is_false)]
