"""What a check's response has only where the request's query string asks for it: `?include=shadow`."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta

from core.errors import FieldProblem, InvalidRequest


class Include(StrEnum):
    SHADOW = "shadow"
    FIXES = "fixes"


NOTHING_MORE: frozenset[Include] = frozenset()
_NAMES = ", ".join(Include)


class CheckParameters(msgspec.Struct, frozen=True):
    include: (
        Annotated[
            str,
            Meta(
                description=f"Extra fields to return, separated by commas: {_NAMES}. A batch has no fixes.",
                examples=["shadow"],
            ),
        ]
        | None
    ) = None


def included(query_string: str) -> frozenset[Include]:
    """Raises InvalidRequest for something that cannot be included."""
    wanted = [name for value in parse_qs(query_string).get("include", []) for name in value.split(",")]
    if not set(wanted) <= set(Include):
        raise InvalidRequest(errors=(FieldProblem("include", "invalid_value", f"Expected one of {_NAMES}."),))
    return frozenset(map(Include, wanted))
