"""Text from an address or the environment as a typed value, read strictly.

msgspec's own leniency takes `1e1` for a number, `null` for nothing and `2026` for a second of 1970: a filter that was
mistyped would find other rows than were asked for. Imports no database.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from core.errors import FieldProblem, InvalidRequest, fault_of

_TRUTHS = {"true": True, "false": False}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def value_of(text: str, kind: Any) -> Any:
    """`text` as a value of `kind`. Raises msgspec.ValidationError."""
    return msgspec.convert(_reader_of(kind)(text), kind)


def struct_of(given: Mapping[str, str], shape: Any) -> Any:
    """A struct of the texts given under its fields' names. Raises InvalidRequest naming each field at fault."""
    values: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for field in msgspec.structs.fields(shape):
        if field.encode_name not in given:
            continue
        try:
            values[field.name] = value_of(given[field.encode_name], field.type)
        except msgspec.ValidationError as error:
            problems.append(fault_of(error, within=field.encode_name))
    if problems:
        raise InvalidRequest(errors=tuple(problems))
    return shape(**values)


@cache
def _reader_of(kind: Any) -> Callable[[str], Any]:
    return _READERS.get(type(_bare(inspect.type_info(kind))), str)


def _bare(info: Any) -> Any:
    """A type without its bounds, and without the None that stands for a field left out."""
    while True:
        if isinstance(info, inspect.Metadata):
            info = info.type
        elif isinstance(info, inspect.UnionType):
            info = next(one for one in info.types if not isinstance(one, inspect.NoneType))
        else:
            return info


def _truth(text: str) -> bool:
    if text not in _TRUTHS:
        raise msgspec.ValidationError("Expected `bool`: true or false")
    return _TRUTHS[text]


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise msgspec.ValidationError("Expected `int`, in decimal digits")
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise msgspec.ValidationError("Expected `float`, in decimal digits")
    return float(text)


def _time(text: str) -> str:
    if not _RFC_3339.fullmatch(text):
        raise msgspec.ValidationError("Invalid RFC3339 time: send one such as 2026-11-28T10:00:00Z")
    return text


_READERS: Mapping[type[Any], Callable[[str], Any]] = {
    inspect.BoolType: _truth,
    inspect.IntType: _integer,
    inspect.FloatType: _number,
    inspect.DateTimeType: _time,
}
