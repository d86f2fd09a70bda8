"""What would make a blocked operation pass: the smallest changes of what its caller may choose.

A choice is the model, where it runs, a review by a person, and the size. What is true of the data is none: nobody is
told to say that there is no personal data. Each proposal was evaluated, and passes. Imports no database.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.policies.changeable import Choice, choices_of
from api.policies.evaluator import CheckFacts, CompiledPolicy, evaluate

MOST_EVALUATIONS = 200
MOST_CHANGES = 3
MOST_FIXES = 5


class Fix(msgspec.Struct, frozen=True):
    """Changes that together make the operation pass."""

    changes: Annotated[
        dict[str, Any],
        Meta(description="The model or facts to send instead.", examples=[{"is_human_reviewed": True}]),
    ]
    advice: Annotated[
        str,
        Meta(description="The change as a sentence.", examples=["Let a person review the result before it is used."]),
    ]
    risk_score: Annotated[int, Meta(description="The risk score after the changes.", examples=[20])]


class Fixes(msgspec.Struct, frozen=True):
    """The smallest changes that were found; none, where no choice of the caller's helps."""

    fixes: Annotated[tuple[Fix, ...], Meta(description="Any one of them is enough.")]
    evaluations: Annotated[int, Meta(description="How many combinations were evaluated.", examples=[12])]
    is_exhaustive: Annotated[
        bool,
        Meta(
            description="True if all combinations were evaluated; false if the search stopped early.", examples=[True]
        ),
    ]


def fixes_of(policy: CompiledPolicy, request: CheckFacts, *, bucket_key: str = "") -> Fixes:
    """At most 200 evaluations; of what is found, only the smallest changes. Empty for what passes already."""
    if evaluate(policy, request, bucket_key=bucket_key).allowed:
        return Fixes((), 1, is_exhaustive=True)
    choices = choices_of(policy, request)
    found: list[Fix] = []
    evaluations = 1
    for size in range(1, MOST_CHANGES + 1):
        for chosen in _combined(choices, size):
            if evaluations == MOST_EVALUATIONS:
                return Fixes(tuple(found), evaluations, is_exhaustive=False)
            evaluations += 1
            fix = _fix_of(policy, request, chosen, bucket_key)
            if fix is not None:
                found.append(fix)
            if len(found) == MOST_FIXES:
                break
        if found:
            break
    return Fixes(tuple(found), evaluations, is_exhaustive=True)


def _combined(choices: tuple[Choice, ...], size: int) -> Iterator[tuple[Choice, ...]]:
    """So many choices of different things."""
    for chosen in combinations(choices, size):
        if len({choice.of for choice in chosen}) == size:
            yield chosen


def _fix_of(policy: CompiledPolicy, request: CheckFacts, chosen: tuple[Choice, ...], bucket_key: str) -> Fix | None:
    changes = {name: value for choice in chosen for name, value in choice.changes.items()}
    outcome = evaluate(policy, changed(request, changes), bucket_key=bucket_key)
    if not outcome.allowed or (outcome.derivation is not None and outcome.derivation.contradictions):
        return None
    return Fix(changes, " ".join(choice.advice for choice in chosen), outcome.risk_score)


def changed(request: CheckFacts, changes: Mapping[str, Any]) -> CheckFacts:
    facts = {name: value for name, value in changes.items() if name != "model"}
    return CheckFacts(changes.get("model", request.model), request.operation, {**request.metadata, **facts})
