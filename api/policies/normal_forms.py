"""Models, operations, kinds of personal data and texts in the form in which rules compare them. Imports no database."""

from collections.abc import Sequence
from typing import Any

from api.content.pii_kinds import normal_kind

NORMAL_MODEL, NORMAL_OPERATION, NORMAL_PII_TYPES = "MODEL", "OPERATION", "PII_TYPES"
"""Variables of the rewritten conditions. No fact's name has capitals."""


def normal_pii_types(kinds: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(normal_kind, kinds))


def lowered(value: Any) -> Any:
    """A text fact, or a list of texts, in normal form; what is neither, as in old rows, as it is."""
    if isinstance(value, str):
        return value.lower()
    return tuple(map(str.lower, value)) if isinstance(value, tuple) else value


def lowered_variable(variable: str) -> str:
    """That which carries a text fact's normal form."""
    return variable.upper()
