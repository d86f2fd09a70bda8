"""Conditions as rows of a form: a fact, an operator and values, and back. Imports no database.

A condition that is no such row stays what it is, in CEL; so nothing is lost by opening a rule as rows.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from api.policies.conditions.syntax import (
    Call,
    Comparison,
    ListOf,
    Literal,
    Name,
    Node,
    Not,
    NotPlain,
    nodes_of,
    parsed,
)
from api.policies.trees import Kind

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)


class Operator(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    ONE_OF = "one_of"
    NONE_OF = "none_of"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    INCLUDES = "includes"
    LACKS = "lacks"
    AT_LEAST = "at_least"
    MORE = "more"
    AT_MOST = "at_most"
    LESS = "less"


_COMPARED = {
    Operator.IS: "==",
    Operator.IS_NOT: "!=",
    Operator.AT_LEAST: ">=",
    Operator.MORE: ">",
    Operator.AT_MOST: "<=",
    Operator.LESS: "<",
}
_BY_SIGN = {sign: operator for operator, sign in _COMPARED.items()}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CALLED = {
    Operator.STARTS_WITH: "startsWith",
    Operator.ENDS_WITH: "endsWith",
    Operator.CONTAINS: "contains",
}
_BY_METHOD = {method: operator for operator, method in _CALLED.items()}
_OF_LISTS = (Operator.ONE_OF, Operator.NONE_OF)
_OF_NUMBERS = tuple(_COMPARED)
OPERATORS: Mapping[Kind, tuple[Operator, ...]] = {
    Kind.BOOLEAN: (Operator.IS,),
    Kind.INTEGER: _OF_NUMBERS,
    Kind.NUMBER: _OF_NUMBERS,
    Kind.TEXT: (Operator.IS, Operator.IS_NOT, *_OF_LISTS, *_CALLED),
    Kind.TEXTS: (Operator.INCLUDES, Operator.LACKS),
}
_LITERALS: Mapping[Kind, frozenset[Kind]] = {
    Kind.BOOLEAN: frozenset({Kind.BOOLEAN}),
    Kind.INTEGER: frozenset({Kind.INTEGER}),
    Kind.NUMBER: frozenset({Kind.INTEGER, Kind.NUMBER}),
    Kind.TEXT: frozenset({Kind.TEXT}),
    Kind.TEXTS: frozenset({Kind.TEXT}),
}
"""What a fact is compared with."""


class Row(msgspec.Struct, frozen=True):
    """`fact` is its variable. `values` are as people write them: without quotes; one, but for lists."""

    fact: str
    operator: Operator
    values: tuple[str, ...]


class RowRefused(ValueError):
    """Says what is wrong with a row, and how to put it right."""


def row_of_form(fact: str, operator: str, value: str, kinds: Mapping[str, Kind]) -> Row:
    """What a person chose and typed. Values of a list are separated by commas. Raises RowRefused."""
    kind = kinds.get(fact)
    if kind is None:
        raise RowRefused("Choose a fact.")
    if operator not in set(Operator) or Operator(operator) not in OPERATORS[kind]:
        raise RowRefused(f"Choose an operator that fits {fact}.")
    chosen = Operator(operator)
    given = [part.strip() for part in value.split(",")] if chosen in _OF_LISTS else [value.strip()]
    values = tuple(_value(fact, kind, one) for one in given if one)
    if not values:
        raise RowRefused(f"Enter a value for {fact}.")
    return Row(fact, chosen, values)


def _value(fact: str, kind: Kind, text: str) -> str:
    match kind:
        case Kind.BOOLEAN:
            if text.lower() not in {"true", "false"}:
                raise RowRefused(f"{fact} is true or false.")
            return text.lower()
        case Kind.INTEGER:
            if not _WHOLE.fullmatch(text):
                raise RowRefused(f"Enter a whole number for {fact}, such as 10000.")
            return str(int(text))
        case Kind.NUMBER:
            return _number(fact, text)
    if any(sign in text for sign in "\"\\\n'"):
        raise RowRefused(f"Enter the value of {fact} without quotes.")
    return text


def _number(fact: str, text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise RowRefused(f"Enter a number for {fact}, such as 0.5.")
    return shown_number(float(text) if "." in text else int(text))


def shown_number(value: float) -> str:
    """Without an exponent; a fraction stays one."""
    return format(Decimal(repr(value)), "f")


def cel_of(row: Row, kinds: Mapping[str, Kind]) -> str:
    kind = kinds[row.fact]
    if kind is Kind.BOOLEAN:
        return row.fact if row.values == ("true",) else f"!{row.fact}"
    literals = [value if kind in {Kind.INTEGER, Kind.NUMBER} else f'"{value}"' for value in row.values]
    among, first = f"{row.fact} in [{', '.join(literals)}]", literals[0]
    match row.operator:
        case Operator.ONE_OF:
            written = among
        case Operator.NONE_OF:
            written = f"!({among})"
        case Operator.INCLUDES:
            written = f"{first} in {row.fact}"
        case Operator.LACKS:
            written = f"!({first} in {row.fact})"
        case called if called in _CALLED:
            written = f"{row.fact}.{_CALLED[called]}({first})"
        case compared:
            written = f"{row.fact} {_COMPARED[compared]} {first}"
    return written


def row_of(condition: str, kinds: Mapping[str, Kind]) -> Row | None:
    """None for what is no single comparison of a fact with values, or has a comment."""
    if "//" in condition:
        return None
    try:
        tree = parsed(condition)
    except NotPlain:
        return None
    row = _row(tree)
    if row is None or row.fact not in kinds or row.operator not in OPERATORS[kinds[row.fact]]:
        return None
    compared = {node.kind for node in nodes_of(tree) if isinstance(node, Literal)} or {Kind.BOOLEAN}
    return row if compared <= _LITERALS[kinds[row.fact]] else None


def _row(node: Node) -> Row | None:
    row = None
    match node:
        case Name(text=text):
            row = Row(text, Operator.IS, ("true",))
        case Not(operand=Name(text=text)):
            row = Row(text, Operator.IS, ("false",))
        case Not(operand=Comparison(sign="in") as compared):
            row = _among(compared, is_negated=True)
        case Comparison(sign="in"):
            row = _among(node, is_negated=False)
        case Comparison(sign=sign, left=Name(text=text), right=Literal() as literal):
            row = _compared(text, sign, literal)
        case Comparison(sign=sign, left=Literal() as literal, right=Name(text=text)):
            row = _compared(text, _FLIPPED.get(sign, sign), literal)
        case Call(name=name, target=Name(text=text), argument=Literal() as literal) if name in _BY_METHOD:
            row = Row(text, _BY_METHOD[name], (_shown(literal),))
    return row


def _compared(fact: str, sign: str, literal: Literal) -> Row:
    if literal.kind is Kind.BOOLEAN:
        is_true = literal.value is (sign == "==")
        return Row(fact, Operator.IS if sign in {"==", "!="} else Operator.LESS, (str(is_true).lower(),))
    return Row(fact, _BY_SIGN[sign], (_shown(literal),))


def _among(node: Comparison, *, is_negated: bool) -> Row | None:
    match node:
        case Comparison(left=Name(text=text), right=ListOf(items=items)) if items:
            literals = [item for item in items if isinstance(item, Literal) and item.kind is Kind.TEXT]
            values = tuple(map(_shown, literals))
            if len(literals) < len(items) or any("," in value for value in values):
                return None
            return Row(text, Operator.NONE_OF if is_negated else Operator.ONE_OF, values)
        case Comparison(left=Literal(kind=Kind.TEXT) as literal, right=Name(text=text)):
            return Row(text, Operator.LACKS if is_negated else Operator.INCLUDES, (_shown(literal),))
    return None


def _shown(literal: Literal) -> str:
    value = literal.value
    return value if isinstance(value, str) else shown_number(value)


def rows_of(conditions: Sequence[str], kinds: Mapping[str, Kind]) -> list[Row | str]:
    """Each condition as a row where it is one, and else as it is."""
    return [row_of(condition, kinds) or condition for condition in conditions]
