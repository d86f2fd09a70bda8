"""Deciding: a pure function of a policy version and a request. No clock, no database, no randomness.

So any past decision can be worked out again exactly, here and in a program of a customer. Imports no database and no
engine.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec

from api import vocabulary
from api.model_catalogue.derivation import Completion, Derivation
from api.policies.catalogue_use import completion_of, contradiction_causes
from api.policies.contribution import HIGHEST_SCORE, Contribution
from api.policies.document import PolicyDocument, facts_of, known_operations_of
from api.policies.fail_modes import FailModes, fail_modes_of
from api.policies.required_facts import Requirement, missing_causes, requirements_of
from api.policies.rule_set import RuleSet
from api.policies.trials import ShadowFinding, divided, finding_of
from api.vocabulary import Fact, normal_model, normal_operation

OK = "ok"
BUILT_IN_CODES = (
    "contains_personal_data",
    "external_model_detected",
    "large_dataset",
    "operation_denied",
    "model_not_allowed",
    "unknown_operation",
    "catalogue_contradiction",
    "fact_missing",
)
"""Of causes that are ours; others are words of a customer."""

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
    shadow: tuple[ShadowFinding, ...] = ()
    """What rules on trial would have said, without effect on the rest."""
    derivation: Derivation | None = None
    """None where the policy uses no model catalogue."""


class CompiledPolicy(msgspec.Struct, frozen=True):
    """A policy version made ready for deciding; immutable, so processes and threads may share it."""

    organization_id: UUID
    version: int
    document: PolicyDocument
    facts: Mapping[str, Fact]
    allowed_models: frozenset[str]
    allowed_beginnings: tuple[str, ...]
    denied_operations: frozenset[str]
    known_operations: frozenset[str]
    enforced: RuleSet
    on_trial: RuleSet | None
    """Rules in shadow, or in force for a share of the subjects; None where there are none, which then cost nothing."""
    cost: int
    """How much work a decision is, in rules."""
    completion: Completion | None = None
    """None where the policy uses no model catalogue."""
    required: tuple[Requirement, ...] = ()
    fail_modes: FailModes | None = None
    """What clients do while the service can't be reached; None where nothing is declared."""


def policy_of(
    organization_id: UUID, version: int, document: PolicyDocument, *, enforced: RuleSet, on_trial: RuleSet
) -> CompiledPolicy:
    facts = facts_of(document)
    return CompiledPolicy(
        organization_id=organization_id,
        version=version,
        document=document,
        facts=facts,
        allowed_models=frozenset(map(normal_model, document.allowed_models)),
        allowed_beginnings=tuple(normal_model(one[:-1]) for one in document.allowed_models if one.endswith("*")),
        denied_operations=frozenset(map(normal_operation, document.denied_operations)),
        known_operations=known_operations_of(document),
        enforced=enforced,
        on_trial=on_trial if on_trial.rules else None,
        cost=enforced.cost + on_trial.cost,
        completion=completion_of(document, facts),
        required=requirements_of(document.required_facts),
        fail_modes=fail_modes_of(document.on_unreachable),
    )


def evaluate(policy: CompiledPolicy, request: CheckFacts, *, bucket_key: str = "") -> Outcome:
    """Allowed if nothing blocks by itself and the points, capped at 100, stay below the policy's highest score.

    `bucket_key` tells whose request it is (see `trials.bucket_key_of`); only rules in force for a share look at it.
    """
    derivation = None
    if policy.completion is not None:
        request, derivation = _completed(policy.completion, request)
    causes = _built_in_causes(policy, request)
    causes += policy.enforced.causes(request.model, request.operation, request.metadata)
    if policy.required:
        causes += missing_causes(policy.required, request.operation, request.metadata)
    if derivation is not None:
        causes += contradiction_causes(policy.document, derivation)
    if policy.on_trial is None:
        return outcome_of(policy, causes, derivation)
    found = policy.on_trial.causes(request.model, request.operation, request.metadata)
    in_force, in_shadow = divided(policy.on_trial, found, bucket_key)
    return _with_shadow(policy, outcome_of(policy, [*causes, *in_force], derivation), in_shadow)


def completed(policy: CompiledPolicy, request: CheckFacts) -> CheckFacts:
    """As the rules see it: with what the policies derive of the model."""
    return request if policy.completion is None else _completed(policy.completion, request)[0]


def _completed(completion: Completion, request: CheckFacts) -> tuple[CheckFacts, Derivation]:
    """What the caller stated together with what follows from the model."""
    metadata, derivation = completion.complete(request.model, request.metadata)
    return CheckFacts(request.model, request.operation, metadata), derivation


def outcome_of(policy: CompiledPolicy, causes: list[Contribution], derivation: Derivation | None) -> Outcome:
    score = min(HIGHEST_SCORE, sum(cause.points for cause in causes))
    if not causes:
        return Outcome(allowed=True, risk_score=score, reason=OK, reasons=(), derivation=derivation)
    causes.sort(key=lambda cause: (not cause.blocks, -cause.points))
    is_allowed = score < policy.document.max_risk_score and not causes[0].blocks
    return Outcome(
        allowed=is_allowed,
        risk_score=score,
        reason=OK if is_allowed else causes[0].code,
        reasons=tuple(causes),
        derivation=derivation,
    )


def _with_shadow(policy: CompiledPolicy, outcome: Outcome, in_shadow: Iterable[Contribution]) -> Outcome:
    room = policy.document.max_risk_score - outcome.risk_score if outcome.allowed else None
    findings = tuple(finding_of(cause, room) for cause in in_shadow)
    return msgspec.structs.replace(outcome, shadow=findings) if findings else outcome


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
                fix=(
                    "Remove or anonymize the personal data, then send contains_personal_data: false. "
                    "Pseudonymized data still counts as personal data."
                ),
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
    if policy.allowed_models and not _is_allowed(policy, normal_model(request.model)):
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


def _is_allowed(policy: CompiledPolicy, model: str) -> bool:
    return model in policy.allowed_models or model.startswith(policy.allowed_beginnings)


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
