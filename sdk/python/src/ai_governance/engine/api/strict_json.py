# Made from api/strict_json.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""JSON, strictly: UTF-8, no key twice, no NaN, no Infinity, no endless numbers. Imports no database."""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import islice
from typing import Any, NoReturn

from ai_governance.engine.core.errors import AppError, FieldProblem, show_name

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MAX_NAMED, MAX_NAMED_IN_BATCH = 20, 5
"""Fields at fault that a refusal names: of one request, and of each in a batch."""


class InvalidJson(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "invalid_json", "The body is not valid JSON"
    advice = "Send one JSON object in UTF-8, without duplicate keys, NaN or Infinity."


class Pairs(list[tuple[str, Any]]):
    """An object with its keys in order and repeated ones kept."""


def decode(body: bytes) -> str:
    """Raises InvalidJson."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJson("The body is not UTF-8. Send one JSON object in UTF-8.") from error


def load(text: str, make_object: Callable[[list[tuple[str, Any]]], Any] = Pairs) -> Any:
    """The value of `text`, its objects made by `make_object`. Raises InvalidJson."""
    try:
        return json.loads(text, object_pairs_hook=make_object, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(f"The body is not valid JSON at {where}. Send one JSON object.") from error
    except ValueError as error:
        raise InvalidJson(
            "The body contains a number that is too long. Send numbers with at most 16 digits."
        ) from error


@contextmanager
def within_the_stack() -> Iterator[None]:
    """Raises InvalidJson where a value within is nested more deeply than can be followed."""
    try:
        yield
    except RecursionError as error:
        raise InvalidJson("The body is nested too deeply. Facts cannot be nested.") from error


@within_the_stack()
def parse(body: bytes) -> Any:
    """The JSON value of `body`. Raises InvalidJson."""
    tree = load(decode(body))
    if _has_unstorable_text(tree):
        raise InvalidJson("The body contains a NUL character or an unpaired surrogate. Send valid Unicode text.")
    refusal = refusal_of_repeated(tree)
    if refusal is not None:
        raise refusal
    return plain(tree)


def plain(tree: Any) -> Any:
    """A tree of Pairs as dictionaries."""
    if isinstance(tree, Pairs):
        return {name: plain(child) for name, child in tree}
    return [plain(child) for child in tree] if isinstance(tree, list) else tree


def children(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each value directly within, with its path."""
    if isinstance(tree, Pairs):
        for name, child in tree:
            yield join(path, name), child
    elif isinstance(tree, list):
        for index, child in enumerate(tree):
            yield f"{path}[{index}]", child


def join(path: str, name: str) -> str:
    return f"{path}.{show_name(name)}" if path else show_name(name)


def refusal_of_repeated(tree: Any, *, most_named: int = MAX_NAMED) -> InvalidJson | None:
    repeated = tuple(islice(_repeated_paths(tree, ""), most_named))
    if not repeated:
        return None
    return InvalidJson(
        "A JSON key is repeated. Send each key once.",
        errors=tuple(FieldProblem(path, "repeated_key", "Send this key once.") for path in repeated),
    )


def _has_unstorable_text(tree: Any) -> bool:
    if isinstance(tree, str):
        return _UNSTORABLE.search(tree) is not None
    if isinstance(tree, Pairs):
        return any(_UNSTORABLE.search(name) or _has_unstorable_text(child) for name, child in tree)
    return isinstance(tree, list) and any(map(_has_unstorable_text, tree))


def _repeated_paths(tree: Any, path: str) -> Iterator[str]:
    if isinstance(tree, Pairs):
        seen: set[str] = set()
        for name, _ in tree:
            if name in seen:
                yield join(path, name)
            seen.add(name)
    for child_path, child in children(tree, path):
        yield from _repeated_paths(child, child_path)


def _refuse_constant(_name: str) -> NoReturn:
    raise InvalidJson("NaN and Infinity are not valid JSON. Send a finite number or remove the field.")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        _refuse_constant(digits)
    return number
