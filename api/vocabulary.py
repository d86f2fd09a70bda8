"""The facts that metadata may state, each with its type. Names follow OpenTelemetry's GenAI conventions.

Facts are typed and short; there is no place for free text. Imports no database.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from core.patterns import whole


class FactType(StrEnum):
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TOKEN = "token"  # noqa: S105  a kind of value, not a secret
    TOKENS = "tokens"


class Fact(msgspec.Struct, frozen=True):
    name: str
    type: FactType
    meaning: str
    choices: tuple[str, ...] = ()


MAX_FACTS = 50
MAX_TOKEN_LENGTH = 128
MAX_TOKENS = 20
MAX_INTEGER = 2**53 - 1
MAX_BATCH = 100
"""Checks in one request."""

TOKEN = whole(rf"[A-Za-z0-9][A-Za-z0-9._:/+\-]{{0,{MAX_TOKEN_LENGTH - 1}}}")
MODEL_NAME = whole(r"[A-Za-z0-9][A-Za-z0-9._:/+\-]{0,95}(@[A-Za-z0-9\-]{1,32})?")  # model@20260101, no e-mail address
MODEL_PATTERN = whole(r"[A-Za-z0-9][A-Za-z0-9._:/+\-]{0,95}(@[A-Za-z0-9\-]{1,32}|\*)?")  # a trailing * is any ending
OPERATION_NAME = whole(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,63}")
KNOWN_OPERATION_NAME = whole(r"[a-z0-9][a-z0-9._:\-]{0,63}")
FACT_NAME = whole(r"[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31}){0,4}")
RULE_CODE = whole(r"[a-z][a-z0-9_]{0,63}")

CONTAINS_PERSONAL_DATA = "contains_personal_data"
IS_EXTERNAL_MODEL = "is_external_model"
IS_LARGE_DATASET = "is_large_dataset"
DATASET_RECORD_COUNT = "dataset_record_count"
PII_TYPES = "pii_types"
PROVIDER_NAME = "gen_ai.provider.name"
MODEL_FAMILY = "model_family"
MODEL_REGION = "model_region"
SEED = "gen_ai.request.seed"

_B, _I, _N, _T, _L = FactType.BOOLEAN, FactType.INTEGER, FactType.NUMBER, FactType.TOKEN, FactType.TOKENS

BUILT_IN: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(CONTAINS_PERSONAL_DATA, _B, "The operation works on personal data."),
        Fact(IS_EXTERNAL_MODEL, _B, "The model runs outside the organization's own systems."),
        Fact(IS_LARGE_DATASET, _B, "The operation works on a large set of records."),
        Fact(DATASET_RECORD_COUNT, _I, "How many records the operation works on."),
        Fact(PII_TYPES, _L, "Kinds of personal data, such as email or iban; never the data."),
        Fact(
            "data_classification",
            _T,
            "How sensitive the data is.",
            ("public", "internal", "confidential", "restricted"),
        ),
        Fact("data_region", _T, "Where the data lives, such as eu or us-east-1."),
        Fact(MODEL_FAMILY, _T, "The family that the model belongs to, such as gpt-4o."),
        Fact(MODEL_REGION, _T, "Where the model runs, such as eu or us-east-1."),
        Fact("department", _T, "The department that sends the request."),
        Fact("application", _T, "The application that sends the request."),
        Fact("application_version", _T, "The version of the application."),
        Fact("purpose", _T, "The purpose of the operation, as one of your own codes."),
        Fact("user_role", _T, "The role of the person behind the request."),
        Fact("is_human_reviewed", _B, "A person reviews the result before it is used."),
        Fact("is_automated_decision", _B, "The result decides about a person without human review."),
        Fact("is_high_risk_system", _B, "The application is a high-risk system as defined by the EU AI Act."),
        Fact(PROVIDER_NAME, _T, "Who provides the model, such as openai or aws.bedrock."),
        Fact("gen_ai.output.type", _T, "What the model returns.", ("text", "json", "image", "speech")),
        Fact("gen_ai.request.max_tokens", _I, "Maximum number of language-model tokens the model can generate."),
        Fact("gen_ai.request.temperature", _N, "The requested temperature."),
        Fact("gen_ai.request.top_p", _N, "The requested top_p."),
        Fact("gen_ai.request.top_k", _I, "The requested top_k."),
        Fact(SEED, _I, "The requested seed."),
        Fact("gen_ai.request.frequency_penalty", _N, "The requested frequency penalty."),
        Fact("gen_ai.request.presence_penalty", _N, "The requested presence penalty."),
        Fact("gen_ai.request.stream", _B, "The response is streamed."),
        Fact("gen_ai.request.service_tier", _T, "The requested service tier of the provider, such as flex."),
        Fact("gen_ai.request.reasoning_effort", _T, "The requested reasoning effort, such as low."),
        Fact("gen_ai.request.choice.count", _I, "How many responses are requested."),
        Fact("gen_ai.usage.input_tokens", _I, "Language-model tokens sent, or expected before the call."),
        Fact("gen_ai.usage.output_tokens", _I, "Language-model tokens generated, or expected before the call."),
        Fact("message_count", _I, "How many messages the request has."),
        Fact("tool_count", _I, "How many tools the model may call."),
        Fact("tool_names", _L, "The tools the model may call."),
        Fact("gen_ai.agent.id", _T, "The agent that acts."),
        Fact("gen_ai.agent.name", _T, "The name of the agent."),
        Fact("gen_ai.tool.name", _T, "The tool to run."),
        Fact("gen_ai.tool.type", _T, "The kind of tool, such as function or datastore."),
        Fact("gen_ai.conversation.id", _T, "The conversation, as an opaque id."),
        Fact("gen_ai.data_source.id", _T, "The data source used, as an opaque id."),
        Fact("server.address", _T, "Host of the model's endpoint."),
    )
}

_OWN_ALIASES: Mapping[str, str] = {
    "contains_pii": CONTAINS_PERSONAL_DATA,
    "uses_external_model": IS_EXTERNAL_MODEL,
    "is_external": IS_EXTERNAL_MODEL,
    "large_dataset": IS_LARGE_DATASET,
    "record_count": DATASET_RECORD_COUNT,
    "provider": PROVIDER_NAME,
    "max_tokens": "gen_ai.request.max_tokens",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
}

REQUEST_ALIASES: Mapping[str, str] = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "n": "gen_ai.request.choice.count",
    "candidate_count": "gen_ai.request.choice.count",
    "stream": "gen_ai.request.stream",
    "seed": "gen_ai.request.seed",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "max_tokens_to_sample": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "service_tier": "gen_ai.request.service_tier",
    "reasoning_effort": "gen_ai.request.reasoning_effort",
}
"""The names that OpenAI's and Anthropic's requests have for them. A customer's own fact of such a name goes first."""

ALIASES: Mapping[str, str] = {**_OWN_ALIASES, **REQUEST_ALIASES}
"""Other spellings of the same fact: those of the founding documents, and short forms."""


def normal_model(name: str) -> str:
    """The form in which models are compared. A provider's prefix stays: `other/gpt-4o` need not be `gpt-4o`."""
    return name.lower()


def normal_operation(name: str) -> str:
    """The form in which operations are compared, so that `fine-tuning` is denied where `fine_tuning` is."""
    return name.lower().replace("-", "_")


def variable_of(fact_name: str) -> str:
    """How a rule's condition names the fact: dots become underscores."""
    return fact_name.replace(".", "_")
