"""Deciding: a pure function of a policy version and a request. No clock, no database, no randomness.

So any past decision can be worked out again exactly. Imports no database.
"""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

import msgspec

from api import vocabulary
from api.policies.contribution import Contribution
from api.policies.document import FOUNDING_SPELLINGS, PolicyDocument
from api.policies.generated import ASK, Judge, Truth, cost_of, judge_of
from api.policies.rules import CompiledRule, OnMissing, RuleEffect, compile_rule, context_of
from api.policies.spelling import NORMAL_MODEL, NORMAL_OPERATION, NORMAL_PII_TYPES, normal_forms, normal_pii_types
from api.vocabulary import BUILT_IN, Fact, normal_model, normal_operation, variable_of

OK = "ok"
BUILT_IN_CODES = (
    "contains_personal_data",
    "external_model_detected",
    "large_dataset",
    "operation_denied",
    "model_not_allowed",
    "unknown_operation",
)
"""Of causes that are ours; others are words of a customer."""
HIGHEST_SCORE = 100

_NAMES = ("model", "operation", NORMAL_MODEL, NORMAL_OPERATION, NORMAL_PII_TYPES)

FactValue = bool | int | float | str | tuple[str, ...]


class CheckFacts(msgspec.Struct, frozen=True):
    """What is decided about: the model, the operation and the typed facts under their canonical names."""

    model: str
    operation: str
    metadata: Mapping[str, FactValue]


class Outcome(msgspec.Struct, frozen=True):
    allowed: bool
    risk_score: int
    reason: str
    reasons: tuple[Contribution, ...]


class CompiledPolicy(msgspec.Struct, frozen=True):
    """A policy version made ready for deciding; immutable, so processes and threads may share it."""

    organization_id: UUID
    version: int
    document: PolicyDocument
    facts: Mapping[str, Fact]
    allowed_models: frozenset[str]
    denied_operations: frozenset[str]
    known_operations: frozenset[str]
    rules: tuple[CompiledRule, ...]
    variables: Mapping[str, str]
    """How the conditions name the facts they need, by the facts' names."""
    judge: Judge
    """The rules that were translated, as one function."""
    cost: int
    """How much work a decision is, in rules."""


def compile_policy(organization_id: UUID, version: int, document: PolicyDocument) -> CompiledPolicy:
    rules = tuple(map(compile_rule, document.rules))
    needed = {variable for rule in rules for variable in rule.variables}
    custom = {name: Fact(name, kind, "A custom fact.") for name, kind in document.custom_facts.items()}
    facts = {**BUILT_IN, **custom}
    judge = judge_of(rules, facts)
    return CompiledPolicy(
        organization_id=organization_id,
        version=version,
        document=document,
        facts=facts,
        allowed_models=frozenset(map(normal_model, document.allowed_models)),
        denied_operations=frozenset(map(normal_operation, document.denied_operations)),
        known_operations=_known_operations(document),
        rules=rules,
        variables={name: variable_of(name) for name in (*_NAMES, *facts) if variable_of(name) in needed},
        judge=judge,
        cost=cost_of(judge, rules),
    )


def _known_operations(document: PolicyDocument) -> frozenset[str]:
    listed = frozenset(map(normal_operation, document.known_operations))
    return listed | {founding for founding, usual in FOUNDING_SPELLINGS.items() if usual in listed}


def evaluate(policy: CompiledPolicy, request: CheckFacts) -> Outcome:
    """Allowed if nothing blocks by itself and the points, capped at 100, stay below the policy's highest score."""
    causes = [*_built_in_causes(policy, request), *_rule_causes(policy, request)]
    score = min(HIGHEST_SCORE, sum(cause.points for cause in causes))
    if not causes:
        return Outcome(allowed=True, risk_score=score, reason=OK, reasons=())
    causes.sort(key=lambda cause: (not cause.blocks, -cause.points))
    is_allowed = score < policy.document.max_risk_score and not causes[0].blocks
    return Outcome(
        allowed=is_allowed,
        risk_score=score,
        reason=OK if is_allowed else causes[0].code,
        reasons=tuple(causes),
    )


def _built_in_causes(policy: CompiledPolicy, request: CheckFacts) -> list[Contribution]:
    document, stated = policy.document, request.metadata
    operation = normal_operation(request.operation)
    causes = []
    if stated.get(vocabulary.CONTAINS_PERSONAL_DATA) is True and _counts(document, document.block_personal_data):
        causes.append(
            Contribution(
                code="contains_personal_data",
                policy="block_personal_data",
                points=document.points_personal_data,
                blocks=document.block_personal_data,
                message="The operation works on personal data.",
                fix="Remove or pseudonymize the personal data and send contains_personal_data: false.",
            )
        )
    if stated.get(vocabulary.IS_EXTERNAL_MODEL) is True and _counts(document, document.block_external_models):
        causes.append(
            Contribution(
                code="external_model_detected",
                policy="block_external_models",
                points=document.points_external_model,
                blocks=document.block_external_models,
                message="The model runs outside your own systems.",
                fix=_fix_for_external_model(document),
            )
        )
    if _is_large(policy, stated):
        causes.append(
            Contribution(
                code="large_dataset",
                policy="points_large_dataset",
                points=document.points_large_dataset,
                blocks=False,
                message="The operation works on a large dataset.",
                fix=f"Send fewer than {document.large_dataset_records} records at once.",
            )
        )
    if operation in policy.denied_operations:
        causes.append(
            Contribution(
                code="operation_denied",
                policy="denied_operations",
                points=HIGHEST_SCORE,
                blocks=True,
                message="This operation is on the list of denied operations.",
                fix="Use another operation, or remove this one from denied_operations.",
            )
        )
    if policy.allowed_models and normal_model(request.model) not in policy.allowed_models:
        causes.append(
            Contribution(
                code="model_not_allowed",
                policy="allowed_models",
                points=HIGHEST_SCORE,
                blocks=True,
                message="This model is not on the list of allowed models.",
                fix="Use an allowed model, or add this one to allowed_models.",
            )
        )
    if operation not in policy.known_operations:
        causes.append(
            Contribution(
                code="unknown_operation",
                policy="points_unknown_operation",
                points=document.points_unknown_operation,
                blocks=False,
                message="This operation is not on the list of known operations.",
                fix="Use a known operation, or add this one to known_operations.",
            )
        )
    return causes


def _counts(document: PolicyDocument, is_on: bool) -> bool:
    return is_on or document.count_points_when_off


def _fix_for_external_model(document: PolicyDocument) -> str:
    switch_off = "turn off block_external_models" if document.block_external_models else "lower points_external_model"
    return f"Use your own model, or {switch_off} if external models are acceptable."


def _is_large(policy: CompiledPolicy, stated: Mapping[str, FactValue]) -> bool:
    if stated.get(vocabulary.IS_LARGE_DATASET) is True:
        return True
    records = stated.get(vocabulary.DATASET_RECORD_COUNT)
    return isinstance(records, int) and records >= policy.document.large_dataset_records


def _rule_causes(policy: CompiledPolicy, request: CheckFacts) -> list[Contribution]:
    if not policy.rules:
        return []
    found = policy.judge(request.model, request.operation, request.metadata)
    if not found:
        return []
    stated: frozenset[str] | None = None
    causes = []
    for index, truth in sorted(_settled(policy, found, request).items()):
        compiled = policy.rules[index]
        rule = compiled.rule
        if truth is False or (truth is None and rule.on_missing is OnMissing.SKIP):
            continue
        if truth is None and stated is None:
            stated = frozenset(_variables(policy, request))
        causes.append(
            Contribution(
                code=rule.code,
                policy="rules",
                points=rule.points,
                blocks=truth is None or rule.effect is RuleEffect.BLOCK,
                message=rule.message if truth else f"{rule.message} (A fact that this rule needs is missing.)",
                fix=rule.fix if truth else f"Send {_missing(compiled, stated or frozenset())}.",
            )
        )
    return causes


def _settled(policy: CompiledPolicy, found: Mapping[int, Truth], request: CheckFacts) -> Mapping[int, bool | None]:
    """The engine says what the translated rules leave open."""
    if ASK not in found.values():
        return cast("Mapping[int, bool | None]", found)
    variables = _variables(policy, request)
    context, stated = context_of(variables), frozenset(variables)
    return {
        index: _truth_of(policy.rules[index], context, stated) if truth is ASK else truth
        for index, truth in found.items()
    }


def _variables(policy: CompiledPolicy, request: CheckFacts) -> dict[str, Any]:
    """What the conditions need of what the request states."""
    names = {"model": request.model, "operation": request.operation}
    stated = {**names, **normal_forms(**names), **request.metadata}
    kinds = request.metadata.get(vocabulary.PII_TYPES)
    if isinstance(kinds, tuple):
        stated[NORMAL_PII_TYPES] = normal_pii_types(kinds)
    return {
        policy.variables[name]: list(value) if isinstance(value, tuple) else value
        for name, value in stated.items()
        if name in policy.variables
    }


def _truth_of(compiled: CompiledRule, context: Any, stated: frozenset[str]) -> bool | None:
    """A condition that fails counts as unknown: an error never lets an operation through in silence."""
    try:
        return compiled.truth(context, stated)
    except Exception:  # noqa: BLE001  whatever the engine raises
        return None


def _missing(compiled: CompiledRule, stated: frozenset[str]) -> str:
    names = {vocabulary.PII_TYPES if name == NORMAL_PII_TYPES else name for name in compiled.variables - stated}
    return ", ".join(sorted(names)) or "facts of the declared types"
