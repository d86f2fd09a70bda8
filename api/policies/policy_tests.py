"""Tests that are kept with the policies: a request, and what its decision must be. Imports no database."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.vocabulary import RULE_CODE
from core.patterns import ONE_LINE

MAX_TESTS = 200
MAX_TEST_CHARACTERS = 200_000
"""Of all tests together, as JSON."""


class PolicyTestRequest(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """As a check sends it, without a subject: a rule for a percentage is tested as if it were enforced."""

    model: Annotated[str, Meta(max_length=200, description="The model.", examples=["gpt-4o"])]
    operation: Annotated[str, Meta(max_length=200, description="The operation.", examples=["chat"])]
    metadata: Annotated[
        dict[str, Any], Meta(description="The facts.", examples=[{"contains_personal_data": True}])
    ] = {}


class Expectation(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is left out may be anything."""

    allowed: Annotated[bool, Meta(description="Whether the request must be allowed.", examples=[False])]
    reason: Annotated[
        Annotated[str, Meta(pattern=RULE_CODE)] | None,
        Meta(description="The expected reason.", examples=["contains_personal_data"]),
    ] = None
    risk_score: Annotated[
        Annotated[int, Meta(ge=0, le=100)] | None, Meta(description="The expected risk score.", examples=[70])
    ] = None


class PolicyTest(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            pattern=ONE_LINE,
            description="A unique name.",
            examples=["Personal data is blocked"],
        ),
    ]
    request: Annotated[PolicyTestRequest, Meta(description="The request.")]
    expect: Annotated[Expectation, Meta(description="The expected decision.")]
