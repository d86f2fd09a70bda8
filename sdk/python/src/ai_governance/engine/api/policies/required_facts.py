# Made from api/policies/required_facts.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""Facts that callers must state, and what happens where they do not. Imports no database."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ai_governance.engine.api.policies.contribution import Contribution
from ai_governance.engine.api.vocabulary import FACT_NAME, KNOWN_OPERATION_NAME, TOKEN, normal_operation

MAX_REQUIRED = 100
APPLICATION = "application"


class IfMissing(StrEnum):
    BLOCK = "block"
    ADD_RISK = "add_risk"
    REPORT = "report"


class RequiredFact(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """For every request, or for those of some operations or applications."""

    fact: Annotated[str, Meta(pattern=FACT_NAME, description="The fact.", examples=["contains_personal_data"])]
    if_missing: Annotated[
        IfMissing, Meta(description="block, add_risk to add the points, or report to state a reason without points.")
    ]
    points: Annotated[int, Meta(ge=0, le=100, description="Points to add with add_risk.")] = 0
    operations: Annotated[
        tuple[Annotated[str, Meta(pattern=KNOWN_OPERATION_NAME)], ...],
        Meta(max_length=50, description="Only for these operations. Empty: for all."),
    ] = ()
    applications: Annotated[
        tuple[Annotated[str, Meta(pattern=TOKEN)], ...],
        Meta(max_length=50, description="Only for these applications. Empty: for all."),
    ] = ()


class Requirement(msgspec.Struct, frozen=True):
    """A required fact, made ready for deciding."""

    cause: Contribution
    fact: str
    operations: frozenset[str]
    applications: frozenset[str]

    def is_missed(self, operation: str, stated: Mapping[str, Any]) -> bool:
        if self.fact in stated or (self.operations and operation not in self.operations):
            return False
        return not self.applications or str(stated.get(APPLICATION, "")).lower() in self.applications


def requirements_of(required: Iterable[RequiredFact]) -> tuple[Requirement, ...]:
    return tuple(
        Requirement(
            cause=_cause_of(one),
            fact=one.fact,
            operations=frozenset(map(normal_operation, one.operations)),
            applications=frozenset(map(str.lower, one.applications)),
        )
        for one in required
    )


def missing_causes(
    requirements: Sequence[Requirement], operation: str, stated: Mapping[str, Any]
) -> list[Contribution]:
    operation = normal_operation(operation)
    return [one.cause for one in requirements if one.is_missed(operation, stated)]


def _cause_of(required: RequiredFact) -> Contribution:
    return Contribution(
        code="fact_missing",
        policy="required_facts",
        points=required.points if required.if_missing is IfMissing.ADD_RISK else 0,
        blocks=required.if_missing is IfMissing.BLOCK,
        message=f"The fact {required.fact} is required and was not sent.",
        fix=f"Send {required.fact}.",
    )
