"""Conditions as trees that any language can evaluate: lists of an operator and its operands, which are JSON.

A tree has only operators that mean the same everywhere, on operands whose types were checked when it was made. Imports
no database and no engine.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from api.vocabulary import FactType

Tree = Any
"""A truth value, number or text, or a list that begins with the name of an operator or source."""

FACT, LOWERED, NORMAL, FIELD = "fact", "lowered", "normal", "field"
"""Sources: a fact as stated, without regard to case, or in a normal form of its own; and a field of the request."""
SOURCES: Final = frozenset({FACT, LOWERED, NORMAL, FIELD})
_JOINED: Final = {"and": " and ", "or": " or "}
_COMPARED: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_CALLED: Final[Mapping[str, str]] = {
    "not": "(not {0})",
    "startsWith": "{0}.startswith({1})",
    "endsWith": "{0}.endswith({1})",
    "contains": "({1} in {0})",
    "bytes": "len({0}.encode())",
    "length": "len({0})",
}

Source = tuple[str, str]


class Kind(StrEnum):
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    TEXTS = "texts"


KIND_OF: Final[Mapping[FactType, Kind]] = {
    FactType.BOOLEAN: Kind.BOOLEAN,
    FactType.INTEGER: Kind.INTEGER,
    FactType.NUMBER: Kind.NUMBER,
    FactType.TOKEN: Kind.TEXT,
    FactType.TOKENS: Kind.TEXTS,
}


class Beyond(Exception):
    """Not plainly typed."""


class RuleTrees(msgspec.Struct, frozen=True, array_like=True):
    """A rule's conditions: every one of `all` has to hold, one of `any`, and none of `none`."""

    all: tuple[Tree, ...]
    any: tuple[Tree, ...]
    none: tuple[Tree, ...]


def sources_in(tree: Tree) -> Iterator[Source]:
    """What it reads of a request."""
    if not isinstance(tree, Sequence) or isinstance(tree, str):
        return
    if tree[0] in SOURCES:
        yield tree[0], tree[1]
        return
    for part in tree[1:]:
        yield from sources_in(part)


def code_of(tree: Tree, variables: Mapping[Source, str]) -> str:
    """The tree as Python, with a variable for each source. Raises Beyond for what is no tree."""
    if isinstance(tree, bool | int | float | str):
        return f"({tree!r})"
    if not isinstance(tree, Sequence) or not tree or not isinstance(tree[0], str):
        raise Beyond
    sign, *parts = tree
    if sign in SOURCES:
        return variables[sign, parts[0]]
    codes = [code_of(part, variables) for part in parts]
    if sign == "list":
        return "(" + "".join(f"{code}, " for code in codes) + ")"
    if sign in _JOINED and codes:
        return f"({_JOINED[sign].join(codes)})"
    if sign in _COMPARED and len(codes) == len(("left", "right")):
        return f"({codes[0]} {sign} {codes[1]})"
    if sign in _CALLED and len(codes) == 1 + ("{1}" in _CALLED[sign]):
        return _CALLED[sign].format(*codes)
    raise Beyond


def joined_truth(
    required: Sequence[bool | None], wanted: Sequence[bool | None], excluded: Sequence[bool | None]
) -> bool | None:
    """Kleene's conjunction of what must all hold, of which at least one must, and of which none may."""
    if False in required or True in excluded or (wanted and not {True, None} & set(wanted)):
        return False
    is_settled = None not in required and None not in excluded and (not wanted or True in wanted)
    return True if is_settled else None
