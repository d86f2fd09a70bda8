"""Stripe's own generated contract as a judge: of the requests we make, and of the objects that we say are Stripe's.

The SDK ships the path and the parameters of every endpoint, and the fields of every object. What it does not know:
which parameters exclude each other, which are needed in practice, how long a text may be, and what exists.
"""

import ast
import builtins
import re
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from inspect import get_annotations
from pathlib import Path
from typing import Any, Literal, NotRequired, Union, cast, get_args, get_origin

import stripe
from pydantic import ConfigDict, TypeAdapter, ValidationError
from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import StripeObject
from typing_extensions import TypedDict, is_typeddict

SDK = Path(stripe.__file__).parent
OPTIONS = frozenset({"api_key", "stripe_version", "stripe_account", "stripe_context", "idempotency_key"})
"""What the SDK takes beside the parameters of a request, and Stripe never sees there."""
OPTIONS_MORE = frozenset({"max_network_retries", "content_type", "headers"})


class AgainstTheContract(AssertionError):
    pass


def judge_request(verb: str, path: str, params: Mapping[str, Any]) -> None:
    """Raises AgainstTheContract for an address that is none, an unknown parameter at any depth, or a wrong value."""
    for known_verb, pattern, shape in _endpoints():
        if known_verb == verb.lower() and pattern.fullmatch(path):
            if shape is not None:
                _judge(_closed(shape), params, f"{verb} {path}")
            elif params:
                raise AgainstTheContract(f"{verb} {path} takes no parameters, but got {sorted(params)}")
            return
    raise AgainstTheContract(f"{verb} {path} is no address of Stripe's")


def judge_object(found: Mapping[str, Any]) -> None:
    """Raises AgainstTheContract for an object with missing, unknown or wrong fields."""
    module, name = OBJECT_CLASSES[found["object"]]
    _judge(_closed_object(getattr(import_module(module), name)), found, f"{found['object']} {found.get('id')}")
    for inner in _objects_in(found):
        judge_object(inner)


def judge_event(event: Mapping[str, Any]) -> None:
    """The envelope, its type, and the object within."""
    judge_object(event)
    if event["type"] not in _event_types():
        raise AgainstTheContract(f"{event['type']} is no type of event")
    if event["api_version"] != stripe.api_version:
        raise AgainstTheContract(f"an event of version {event['api_version']}")
    judge_object(event["data"]["object"])


@cache
def _event_types() -> frozenset[str]:
    return _literals(typing.get_type_hints(stripe.Event, localns=_Names())["type"])


def _judge(shape: Any, found: Any, what: str) -> None:
    try:
        _adapter(shape).validate_python(found)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5])
        raise AgainstTheContract(f"{what}: {faults}") from None


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


@cache
def _endpoints() -> list[tuple[str, re.Pattern[str], Any]]:
    found = [one for file in sorted(SDK.rglob("*_service.py")) for one in _endpoints_in(file)]
    named_first = sorted(found, key=lambda one: one[1].count("{"))  # `/create_preview` is no id of an invoice
    return [(verb, re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), params) for verb, path, params in named_first]


def _endpoints_in(file: Path) -> list[tuple[str, str, Any]]:
    tree = ast.parse(file.read_text())
    imported = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    found = []
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        call = next((node for node in ast.walk(function) if _is_request(node)), None)
        if isinstance(call, ast.Call):
            named = _name_of_params(function)
            module, name = imported.get(named or "", ("", ""))
            path = call.args[1].func.value if isinstance(call.args[1], ast.Call) else call.args[1]  # type: ignore[attr-defined]
            verb = ast.literal_eval(call.args[0])
            found.append((verb, ast.literal_eval(path), getattr(import_module(module), name) if module else None))
    return found


def _is_request(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_request"


def _name_of_params(function: ast.FunctionDef) -> str | None:
    for argument in function.args.args:
        if argument.arg == "params" and argument.annotation is not None:
            words = re.findall(r"\w+Params", ast.unparse(argument.annotation))
            return words[0] if words else None
    return None


class _Names(dict[str, Any]):
    """What annotations refer to; names that only a type checker knows may be anything."""

    def __missing__(self, name: str) -> Any:
        places = (builtins, typing, stripe)
        return next((getattr(place, name) for place in places if hasattr(place, name)), Any)


@cache
def _closed(of: Any) -> Any:
    """The type with nothing open: no unknown keys, and of an open enumeration only what is listed."""
    if is_typeddict(of) or _is_part(of):
        return _closed_object(of)
    origin, inner = get_origin(of), get_args(of)
    if origin in {Union, types.UnionType}:
        return _closed_union(inner)
    of_objects = isinstance(origin or of, type) and issubclass(origin or of, StripeObject)
    if origin is ListObject:
        fields = {"object": Literal["list"], "data": list[dict[str, Any]], "has_more": bool, "url": str}
        return _strict("ListObject", fields)
    if origin in {list, dict}:
        return origin[tuple(map(_closed, inner))]
    return dict[str, Any] if of_objects else of


def _is_part(of: Any) -> bool:
    """Whether it is a part of an object; objects within objects are judged by themselves."""
    return isinstance(of, type) and issubclass(of, StripeObject) and bool(get_annotations(of)) and not _is_whole(of)


def _is_whole(of: Any) -> bool:
    return "OBJECT_NAME" in vars(of)


def _objects_in(found: Any) -> Iterator[Mapping[str, Any]]:
    """The objects that a list or a field holds in full."""
    for value in found.values() if isinstance(found, Mapping) else found:
        kind = value.get("object") if isinstance(value, Mapping) else None
        if isinstance(kind, str) and kind in OBJECT_CLASSES and kind != "list":
            yield value
        elif isinstance(value, Mapping | list):
            yield from _objects_in(value)


def _closed_union(members: tuple[Any, ...]) -> Any:
    is_enumeration = any(get_origin(member) is Literal and get_args(member) != ("",) for member in members)
    is_reference = str in members and any(isinstance(one, type) and issubclass(one, StripeObject) for one in members)
    if is_reference:  # an id, or the object if it was asked for
        return Union[str, dict[str, Any], None] if type(None) in members else Union[str, dict[str, Any]]  # noqa: UP007
    kept = [member for member in members if not (is_enumeration and member is str)]
    return Union[tuple(_closed(member) for member in kept)]  # noqa: UP007  built at run time


@cache
def _closed_object(of: Any) -> Any:
    names = _Names({**vars(import_module(of.__module__)), **vars(of)})
    if is_typeddict(of):
        hints = typing.get_type_hints(of, localns=names, include_extras=True)
        left_out = OPTIONS | OPTIONS_MORE if of.__name__.endswith("Params") else frozenset()
        fields = {name: _closed_field(hint) for name, hint in hints.items() if name not in left_out}
    else:
        own = {name: one for name, one in get_annotations(of).items() if "ClassVar" not in str(one)}
        hints = typing.get_type_hints(type("Holder", (), {"__annotations__": own}), localns=names)
        fields = {
            name: NotRequired[_closed(hint)] if type(None) in get_args(hint) else _closed(hint)
            for name, hint in hints.items()
            if not name.startswith("_")
        }
    return _strict(of.__name__, fields)


def _closed_field(hint: Any) -> Any:
    if get_origin(hint) is NotRequired:
        return NotRequired[_closed(get_args(hint)[0])]
    return _closed(hint)


def _strict(name: str, fields: dict[str, Any]) -> Any:
    made = cast("Any", TypedDict)(name, fields)
    made.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    return made


def _literals(hint: Any) -> frozenset[str]:
    if get_origin(hint) is Literal:
        return frozenset(get_args(hint))
    return frozenset().union(*(_literals(inner) for inner in get_args(hint)))
