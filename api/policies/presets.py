"""Policies to begin with: each a few values and rules over what an organization has. Imports no database."""

from collections.abc import Mapping
from typing import Any

import msgspec

from api.model_catalogue.entries import LATEST
from api.policies.document import PolicyDocument
from api.policies.policy_tests import Expectation, PolicyTest, PolicyTestRequest
from api.policies.required_facts import IfMissing, RequiredFact
from api.policies.rules import OnMissing, Rule, RuleEffect, When


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    explanation: str
    values: Mapping[str, Any]
    rules: tuple[Rule, ...] = ()
    required: tuple[RequiredFact, ...] = ()
    tests: tuple[PolicyTest, ...] = ()

    def values_over(self, document: PolicyDocument) -> dict[str, Any]:
        """What it sets of these policies: rules of its codes and tests of its names are replaced, others stay."""
        codes = {rule.code for rule in self.rules}
        facts = {(one.fact, one.operations) for one in self.required}
        kept = tuple(rule for rule in document.rules if rule.code not in codes)
        required = tuple(one for one in document.required_facts if (one.fact, one.operations) not in facts)
        names = {test.name for test in self.tests}
        tests = tuple(test for test in document.tests if test.name not in names)
        values = {
            **self.values,
            "rules": (*kept, *self.rules),
            "required_facts": (*required, *self.required),
            "tests": (*tests, *self.tests),
        }
        builtin: dict[str, Any] = msgspec.to_builtins(values)
        return builtin


def _test(name: str, model: str, reason: str | None, operation: str = "chat", **metadata: Any) -> PolicyTest:
    """One that is blocked for this reason, or allowed where there is none."""
    expect = Expectation(allowed=reason is None, reason=reason)
    return PolicyTest(name, PolicyTestRequest(model, operation, metadata), expect)


PRESETS = (
    Preset(
        name="sensible-start",
        title="Sensible start",
        explanation=(
            "For most organizations. Personal data remains a hard block. If callers do not say whether a model is "
            "external, the model catalogue does, and contradictions are recorded. External models, and requests "
            "that do not say whether they use personal data, add a few points but are not blocked. Compared with "
            "the default policies, it blocks no additional requests."
        ),
        values={
            "model_catalogue": LATEST,
            "block_personal_data": True,
            "block_external_models": False,
            "count_points_when_off": True,
            "points_external_model": 5,
        },
        required=(RequiredFact("contains_personal_data", IfMissing.ADD_RISK, points=5),),
        tests=(
            _test("Personal data is blocked", "gpt-4o", "contains_personal_data", contains_personal_data=True),
            _test("An external model without personal data is allowed", "gpt-4o", None, contains_personal_data=False),
        ),
    ),
    Preset(
        name="no-personal-data-to-external-models",
        title="No personal data to external models",
        explanation=(
            "Your own models may process personal data, external models may not. The hard block on all personal "
            "data is turned off; instead, a rule blocks personal data for external models. The model catalogue "
            "says which models are external, even if the caller says otherwise. Requests that do not say whether "
            "they use personal data are blocked, and so is personal data for a model that the catalogue does not "
            "know. Add your own models on the models page first."
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
        tests=(
            _test(
                "Personal data on an external model is blocked",
                "gpt-4o",
                "personal_data_to_external_model",
                contains_personal_data=True,
            ),
            _test(
                "Personal data on your own model is allowed",
                "own-model",
                None,
                contains_personal_data=True,
                is_external_model=False,
            ),
            _test(
                "A request that does not say whether it uses personal data is blocked",
                "gpt-4o",
                "personal_data_to_external_model",
            ),
        ),
    ),
    Preset(
        name="eu-only",
        title="EU only",
        explanation=(
            "Models must run in the EU. Requests must state the region the model runs in: eu, or a region that "
            "starts with it, such as eu-central-1. If the model's name contains a region, the model catalogue "
            "uses that, and a caller that contradicts it is blocked. This is about where the model runs, not "
            "where its provider is established."
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
        tests=(
            _test("A model in the EU is allowed", "own-model", None, model_region="eu-central-1"),
            _test("A model in the US is blocked", "own-model", "model_outside_the_eu", model_region="us-east-1"),
            _test("A request without a region is blocked", "own-model", "model_outside_the_eu"),
        ),
    ),
    Preset(
        name="eu-ai-act-deployer",
        title="EU AI Act deployer (high risk)",
        explanation=(
            "For deployers of high-risk systems under the EU AI Act, whose duties apply from 2 December 2027 "
            "(Regulation (EU) 2026/1744). Automated decisions by a high-risk system need human review "
            "(Articles 14 and 26). Requests that do not say whether they come from a high-risk system, what they "
            "are for, or which application sends them are reported without adding points, so that the log is a "
            "useful record. This supports these duties and is not legal advice."
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
        tests=(
            _test(
                "An automated decision without review is blocked",
                "own-model",
                "high_risk_needs_review",
                is_high_risk_system=True,
                is_automated_decision=True,
                is_human_reviewed=False,
            ),
            _test(
                "An automated decision with review is allowed",
                "own-model",
                None,
                is_high_risk_system=True,
                is_automated_decision=True,
                is_human_reviewed=True,
            ),
        ),
    ),
    Preset(
        name="coding-assistants",
        title="Coding assistants",
        explanation=(
            "For assistants and agents that write code. Restricted data may not go to external models. Running "
            "a tool adds points, and so does a very long expected response; neither is blocked on its own. Requests "
            "must name their application, so that you see which assistants are in use."
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
        tests=(
            _test(
                "Restricted code on an external model is blocked",
                "gpt-4o",
                "restricted_code_to_external_model",
                "code_generation",
                data_classification="restricted",
                application="ide",
            ),
            _test(
                "Internal code on an external model is allowed",
                "gpt-4o",
                None,
                "code_generation",
                data_classification="internal",
                application="ide",
            ),
            _test("Running a tool is allowed", "gpt-4o", None, "execute_tool", application="ide"),
            _test(
                "A very long response is allowed",
                "gpt-4o",
                None,
                "code_generation",
                application="ide",
                **{"gen_ai.request.max_tokens": 64_000},
            ),
            _test(
                "A short response is allowed",
                "gpt-4o",
                None,
                "code_generation",
                application="ide",
                **{"gen_ai.request.max_tokens": 1_000},
            ),
        ),
    ),
)
