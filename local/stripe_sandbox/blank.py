"""Objects with every field that Stripe's own classes name, empty, to be filled in."""

import builtins
import inspect
import typing
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin

import stripe
from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import StripeObject

_PLAIN: dict[Any, Any] = {str: "", int: 0, float: 0.0, bool: False}


class _Names(dict[str, Any]):
    """What annotations refer to; names that only a type checker knows may be anything."""

    def __missing__(self, name: str) -> Any:
        places = (builtins, typing, stripe)
        return next((getattr(place, name) for place in places if hasattr(place, name)), Any)


def blank(kind: str, **values: Any) -> dict[str, Any]:
    """An object of a kind such as `subscription`: required fields empty, optional ones null."""
    return {**_empty(_class_of(kind)), "object": kind, **values}


def fitted(kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """What a form says in words, as the types that the object's fields have; what it has no field for is left out."""
    return _fit(_class_of(kind), params)


def list_of(items: list[dict[str, Any]], url: str) -> dict[str, Any]:
    return {"object": "list", "data": items, "has_more": False, "url": url}


def _class_of(kind: str) -> type:
    module, name = OBJECT_CLASSES[kind]
    found: type = getattr(import_module(module), name)
    return found


def _empty(of: type) -> dict[str, Any]:
    return {name: _value(hint) for name, hint in _hints(of).items() if not name.startswith("_")}


@cache
def _hints(of: type) -> dict[str, Any]:
    own = {name: hint for name, hint in inspect.get_annotations(of).items() if "ClassVar" not in str(hint)}
    holder = type("Holder", (), {"__annotations__": own})
    names = _Names({**vars(import_module(of.__module__)), **vars(of)})
    return typing.get_type_hints(holder, globalns=vars(typing).copy(), localns=names)


def _value(hint: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Union:
        return None if type(None) in inner else _value(inner[0])
    if origin is Literal:
        return inner[0]
    if origin is ListObject:
        return list_of([], "/v1/sandbox")
    if origin is list or hint is list:
        return []
    if _is_object(hint):
        return _empty(hint)
    return _PLAIN.get(hint, {} if origin is not None else None)


def _fit(of: type, params: Mapping[str, Any]) -> dict[str, Any]:
    hints = _hints(of)
    return {name: _fit_value(hints[name], value) for name, value in params.items() if name in hints}


def _fit_value(hint: Any, value: Any) -> Any:
    if value == "":
        return None  # how a form unsets a field
    kinds = get_args(hint) if get_origin(hint) is Union else (hint,)
    kind = next((one for one in kinds if one is not type(None)), hint)
    if isinstance(value, dict) and _is_object(kind):
        return {**_empty(kind), **_fit(kind, value)}
    if get_origin(kind) is list and isinstance(value, list):
        return [_fit_value(get_args(kind)[0], one) for one in value]
    if kind is bool:
        return value == "true"
    return int(value) if kind is int else value


def _is_object(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, StripeObject) and hint is not StripeObject
