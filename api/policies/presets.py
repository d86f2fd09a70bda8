"""Policies to begin with: each a few values and rules over what an organization has. Imports no database."""

from collections.abc import Mapping
from typing import Any

import msgspec

from api.model_catalogue.entries import LATEST
from api.policies.document import PolicyDocument
from api.policies.required_facts import IfMissing, RequiredFact
from api.policies.rules import OnMissing, Rule, RuleEffect, When


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    explanation: str
    values: Mapping[str, Any]
    rules: tuple[Rule, ...] = ()
    required: tuple[RequiredFact, ...] = ()

    def values_over(self, document: PolicyDocument) -> dict[str, Any]:
        """What it sets of these policies: rules of its codes are replaced, all others and their order stay."""
        codes = {rule.code for rule in self.rules}
        facts = {(one.fact, one.operations) for one in self.required}
        kept = tuple(rule for rule in document.rules if rule.code not in codes)
        required = tuple(one for one in document.required_facts if (one.fact, one.operations) not in facts)
        values = {**self.values, "rules": (*kept, *self.rules), "required_facts": (*required, *self.required)}
        builtin: dict[str, Any] = msgspec.to_builtins(values)
        return builtin


PRESETS = (
    Preset(
        name="sensible-start",
        title="Sensible start",
        explanation=(
            "For most organizations. Personal data stays a hard block. The model catalogue says which models "
            "are external when callers forget to, and records contradictions. External models add a few points "
            "without a block, and so does a request that does not say whether it uses personal data. With the "
            "other points at their defaults, nothing that passes today is blocked."
        ),
        values={
            "model_catalogue": LATEST,
            "block_personal_data": True,
            "block_external_models": False,
            "count_points_when_off": True,
            "points_external_model": 5,
        },
        required=(RequiredFact("contains_personal_data", IfMissing.ADD_RISK, points=5),),
    ),
    Preset(
        name="no-personal-data-to-external-models",
        title="No personal data to external models",
        explanation=(
            "Your own models may work on personal data, external ones may not. The hard block on all personal "
            "data is off; a rule blocks personal data on external models instead. Whether a model is external "
            "comes from the model catalogue, which is believed before the caller. A request that leaves out "
            "whether it uses personal data, or whose model nobody knows, is blocked. Describe your own models "
            "on the models page first."
        ),
        values={
            "model_catalogue": LATEST,
            "on_contradiction": "catalogue",
            "block_personal_data": False,
            "count_points_when_off": False,
        },
        rules=(
            Rule(
                code="personal_data_to_external_model",
                when=When(all=("contains_personal_data", "is_external_model")),
                message="Personal data may not go to external models.",
                fix="Use one of your own models.",
                on_missing=OnMissing.BLOCK,
            ),
        ),
        required=(RequiredFact("contains_personal_data", IfMissing.BLOCK),),
    ),
    Preset(
        name="eu-only",
        title="EU only",
        explanation=(
            "Models must run in the EU. A request has to say in which region its model runs; eu and its parts, "
            "such as eu-central-1, pass. The model catalogue knows the region where a model's name has it, and "
            "a caller that contradicts it is blocked. This says where the model runs, not where a provider is "
            "established."
        ),
        values={"model_catalogue": LATEST, "on_contradiction": "block"},
        rules=(
            Rule(
                code="model_outside_the_eu",
                when=When(none=('model_region == "eu" || model_region.startsWith("eu-")',)),
                message="Models must run in the EU.",
                fix="Use a model that runs in the EU, and send model_region.",
                on_missing=OnMissing.BLOCK,
            ),
        ),
    ),
    Preset(
        name="eu-ai-act-deployer",
        title="EU AI Act deployer (high risk)",
        explanation=(
            "For deployers of high-risk systems under the EU AI Act, whose duties apply from 2 December 2027 "
            "(Regulation (EU) 2026/1744). Automated decisions by a high-risk system need a person's review "
            "(Articles 14 and 26). It is reported, without points, where a request does not say whether it "
            "comes from a high-risk system, what it is for, or which application sends it, so that the log is a "
            "useful record. This helps with these duties and is no legal advice."
        ),
        values={"model_catalogue": LATEST},
        rules=(
            Rule(
                code="high_risk_needs_review",
                when=When(all=("is_high_risk_system", "is_automated_decision"), none=("is_human_reviewed",)),
                message="Automated decisions of a high-risk system need human review.",
                fix="Let a person review the result and send is_human_reviewed: true.",
                on_missing=OnMissing.SKIP,
            ),
        ),
        required=(
            RequiredFact("is_high_risk_system", IfMissing.REPORT),
            RequiredFact("purpose", IfMissing.REPORT),
            RequiredFact("application", IfMissing.REPORT),
        ),
    ),
    Preset(
        name="coding-assistants",
        title="Coding assistants",
        explanation=(
            "For assistants and agents that write code. Restricted data may not go to external models. Running "
            "a tool adds points, and so does a very long response; neither is a block by itself. Requests must "
            "name their application, so that you see which assistants are in use."
        ),
        values={"model_catalogue": LATEST},
        rules=(
            Rule(
                code="restricted_code_to_external_model",
                when=When(all=('data_classification == "restricted"', "is_external_model")),
                message="Restricted code may not go to external models.",
                fix="Use one of your own models.",
                on_missing=OnMissing.SKIP,
            ),
            Rule(
                code="tool_runs",
                when=When(all=('operation == "execute_tool"',)),
                effect=RuleEffect.ADD_RISK,
                points=20,
                message="The operation runs a tool.",
                on_missing=OnMissing.SKIP,
            ),
            Rule(
                code="very_long_response",
                when=When(all=("gen_ai_request_max_tokens > 32000",)),
                effect=RuleEffect.ADD_RISK,
                points=10,
                message="The response may be very long.",
                fix="Request fewer tokens.",
                on_missing=OnMissing.SKIP,
            ),
        ),
        required=(RequiredFact("application", IfMissing.ADD_RISK, points=10),),
    ),
)
