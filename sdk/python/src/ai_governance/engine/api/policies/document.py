# Made from api/policies/document.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""The content of one policy version: every switch, weight and list, with its default and bounds.

This struct is the one source of what policies exist: validation, storage, the API's list and its schema come from it.
Imports no database.
"""

from collections import Counter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ai_governance.engine.api.model_catalogue.derivation import OnContradiction
from ai_governance.engine.api.model_catalogue.entries import CatalogueVersion, OwnModel
from ai_governance.engine.api.policies.fail_modes import MAX_FAIL_MODES, OnUnreachable
from ai_governance.engine.api.policies.policy_tests import MAX_TESTS, PolicyTest
from ai_governance.engine.api.policies.required_facts import MAX_REQUIRED, RequiredFact
from ai_governance.engine.api.policies.rules import MAX_RULES, Rule
from ai_governance.engine.api.vocabulary import (
    BUILT_IN,
    FACT_NAME,
    KNOWN_OPERATION_NAME,
    MAX_INTEGER,
    MODEL_PATTERN,
    PII_TYPES,
    Fact,
    FactType,
    normal_operation,
    variable_of,
)

Points = Annotated[int, Meta(ge=0, le=100)]
ModelPattern = Annotated[str, Meta(pattern=MODEL_PATTERN)]
OperationName = Annotated[str, Meta(pattern=KNOWN_OPERATION_NAME)]
CustomFactName = Annotated[str, Meta(pattern=FACT_NAME)]

KNOWN_OPERATIONS = (
    "chat",
    "chat_completion",
    "classification",
    "code_generation",
    "completion",
    "create_agent",
    "embedding",
    "embeddings",
    "execute_tool",
    "extraction",
    "fine_tuning",
    "generate_content",
    "image_generation",
    "invoke_agent",
    "invoke_workflow",
    "moderation",
    "rerank",
    "retrieval",
    "speech",
    "summarization",
    "text_completion",
    "transcription",
    "translation",
)


FOUNDING_SPELLINGS = {"chat_completion": "chat", "embedding": "embeddings"}
"""Known wherever the other is, so that lists kept from before they were usual, or restored, need no change."""


class PolicyDocument(msgspec.Struct, frozen=True, kw_only=True):
    block_personal_data: Annotated[
        bool,
        Meta(
            title="Block personal data",
            description=(
                "Blocks every operation on personal data. If off, personal data adds no points, unless "
                "“Count points without hard block” is on."
            ),
        ),
    ] = True
    block_external_models: Annotated[
        bool,
        Meta(
            title="Block external models",
            description=(
                "Blocks every operation on an external model. If off, external models add no points, unless "
                "“Count points without hard block” is on."
            ),
        ),
    ] = False
    count_points_when_off: Annotated[
        bool,
        Meta(
            title="Count points without hard block",
            description="Adds the points for personal data and external models even when their hard block is off.",
        ),
    ] = False
    max_risk_score: Annotated[
        int,
        Meta(ge=1, le=100, title="Block at score", description="Requests with this risk score or higher are blocked."),
    ] = 50
    points_personal_data: Annotated[
        Points,
        Meta(title="Points for personal data", description="Added if the operation works on personal data."),
    ] = 70
    points_external_model: Annotated[
        Points, Meta(title="Points for an external model", description="Added if the model is external.")
    ] = 50
    points_large_dataset: Annotated[
        Points, Meta(title="Points for a large dataset", description="Added if the dataset is large.")
    ] = 30
    points_unknown_operation: Annotated[
        Points,
        Meta(title="Points for an unknown operation", description="Added if the operation is not a known operation."),
    ] = 20
    large_dataset_records: Annotated[
        int,
        Meta(
            ge=1,
            le=MAX_INTEGER,
            title="Large dataset threshold",
            description="A dataset is large if it has this many records or more.",
        ),
    ] = 10_000
    known_operations: Annotated[
        tuple[OperationName, ...],
        Meta(
            max_length=200,
            title="Known operations",
            description="These operations add no points. Other operations add the points for an unknown operation.",
        ),
    ] = KNOWN_OPERATIONS
    allowed_models: Annotated[
        tuple[ModelPattern, ...],
        Meta(
            max_length=500,
            title="Allowed models",
            description="Only these models are allowed. A name can end in *. Leave empty to allow all models.",
        ),
    ] = ()
    denied_operations: Annotated[
        tuple[OperationName, ...],
        Meta(max_length=200, title="Denied operations", description="Blocks these operations."),
    ] = ()
    compare_in_normal_form: Annotated[
        bool,
        Meta(
            title="Ignore case and allow wildcards",
            description=(
                "Rules compare all text facts without regard to upper and lower case, and a name that ends in * "
                "matches every name that starts with the text before it."
            ),
        ),
    ] = True
    model_catalogue: Annotated[
        CatalogueVersion,
        Meta(
            title="Model catalogue",
            description="The catalogue version used to derive facts that callers do not send. Empty: off.",
        ),
    ] = CatalogueVersion.OFF
    on_contradiction: Annotated[
        OnContradiction,
        Meta(
            title="If a caller contradicts the catalogue",
            description="Use what the caller sent, use the catalogue, or block the request.",
        ),
    ] = OnContradiction.CALLER
    own_models: Annotated[
        tuple[OwnModel, ...],
        Meta(max_length=200, title="Own models", description="Your own entries, used before the model catalogue."),
    ] = ()
    required_facts: Annotated[
        tuple[RequiredFact, ...],
        Meta(max_length=MAX_REQUIRED, title="Required facts", description="Facts that callers must send."),
    ] = ()
    on_unreachable: Annotated[
        tuple[OnUnreachable, ...],
        Meta(
            max_length=MAX_FAIL_MODES,
            title="If the service can't be reached",
            description="What clients do with an operation while they can't reach the service.",
        ),
    ] = ()
    custom_facts: Annotated[
        dict[CustomFactName, FactType],
        Meta(max_length=100, title="Custom facts", description="Your own facts that metadata can contain."),
    ] = {}
    rules: Annotated[
        tuple[Rule, ...],
        Meta(max_length=MAX_RULES, title="Rules", description="Your own conditions on the facts, in CEL."),
    ] = ()
    tests: Annotated[
        tuple[PolicyTest, ...],
        Meta(
            max_length=MAX_TESTS,
            title="Tests",
            description=(
                "Requests with the decisions they must get. Nothing is published while a test fails, except in an "
                "emergency."
            ),
        ),
    ] = ()


POLICY_KEYS = tuple(field.name for field in msgspec.structs.fields(PolicyDocument))


def facts_of(document: PolicyDocument) -> dict[str, Fact]:
    """All that may be stated: ours and the organization's own."""
    custom = {name: Fact(name, kind, "A custom fact.") for name, kind in document.custom_facts.items()}
    return {**BUILT_IN, **custom}


def texts_of(document: PolicyDocument) -> frozenset[str] | None:
    """The variables of the text facts that rules compare in normal form; None where they compare them as sent.

    Two facts that share a variable are left to the engine as they are.
    """
    if not document.compare_in_normal_form:
        return None
    facts = facts_of(document)
    counts = Counter(map(variable_of, facts))
    texts = (name for name, fact in facts.items() if fact.type in {FactType.TOKEN, FactType.TOKENS})
    return frozenset(variable for name in texts if name != PII_TYPES and counts[variable := variable_of(name)] == 1)


def known_operations_of(document: PolicyDocument) -> frozenset[str]:
    """In normal form, with the founding spellings of those that are listed."""
    listed = frozenset(map(normal_operation, document.known_operations))
    return listed | {founding for founding, usual in FOUNDING_SPELLINGS.items() if usual in listed}


def field_type(key: str) -> Any:
    return next(field.type for field in msgspec.structs.fields(PolicyDocument) if field.name == key)


def describe(key: str) -> tuple[str, str]:
    """Title and description of a policy."""
    meta = next(m for m in getattr(field_type(key), "__metadata__", ()) if isinstance(m, Meta) and m.title)
    return str(meta.title), str(meta.description)
