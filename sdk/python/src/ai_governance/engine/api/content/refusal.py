# Made from api/content/refusal.py of the service by `python -m deploy.sdk_engine`; not to be changed by hand.
"""Content is refused, not dropped: no prompt, message or answer is ever read past this file, let alone stored.

Names are judged before anything is parsed away, at any depth, whatever their case, separators or affixes. A name of the
vocabulary (`gen_ai.usage.input_tokens`) is not content, nor is a quantity of content (`prompt_length: 1200`).
A refusal names the path, never the value. How many names, values and levels are looked at is bounded before anything
is parsed, so that no body costs much more than an honest one of its size. Imports no database.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from http import HTTPStatus
from itertools import islice
from typing import Any

import msgspec

from ai_governance.engine.api.strict_json import (
    MAX_NAMED,
    MAX_NAMED_IN_BATCH,
    InvalidJson,
    Pairs,
    children,
    decode,
    join,
    load,
    plain,
    refusal_of_repeated,
    within_the_stack,
)
from ai_governance.engine.api.vocabulary import ALIASES, BUILT_IN, MAX_FACTS
from ai_governance.engine.core.errors import AppError, FieldProblem

_STEMS = (
    "prompt",
    "message",
    "content",
    "text",
    "input",
    "output",
    "completion",
    "response",
    "userdata",
    "sensitiveinfo",
    "transcript",
    "instruction",
    "utterance",
)
_HARMLESS = "context"
_WHOLE_NAMES = frozenset({"body", "payload", "question", "answer", "query", "document", "documents", "data", "raw"})
_QUANTITY = re.compile(r"(tokens|count|length|size|bytes|chars|characters|words)$")
MAX_CACHED_NAME = 64
LONGEST_NAME = 164
"""Of a fact. A longer name is text, and is not looked at any further."""
_KEY_ENDS = re.compile(rb'"\s*:')
_SLICE_BYTES = 16_384
MOST_NAMES, MOST_NAMES_IN_BATCH = 256, 8_192
MOST_CONTAINERS, MOST_CONTAINERS_IN_BATCH = 256, 8_192
"""Objects and lists; several times what as many full requests have."""


class TooManyNames(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "too_many_names", "Too many fields in the request body"
    advice = f"Send at most {MAX_FACTS} facts per operation, without nesting. None of the request was stored."


class ContentRefused(AppError):
    status, code, title = HTTPStatus.BAD_REQUEST, "content_refused", "Content is not accepted"
    advice = (
        "Send facts about the operation, never its content. Remove the fields listed in errors. "
        "None of the request was stored."
    )


def looks_like_content(name: str) -> bool:
    """Whether a field of this name would hold content."""
    if name in BUILT_IN or name in ALIASES:
        return False
    if len(name) > LONGEST_NAME:
        return True
    return _has_content_stem(name) if len(name) <= MAX_CACHED_NAME else _has_content_stem.__wrapped__(name)


def is_plain_content_name(name: str) -> bool:
    """Whether the name is one of those that content usually has, with nothing of a caller's own in it."""
    return name in _WHOLE_NAMES or name.removesuffix("s") in _STEMS


@lru_cache(maxsize=4096)
def _has_content_stem(name: str) -> bool:
    plain_name = name if name.isascii() else unicodedata.normalize("NFKC", name)
    letters = "".join(filter(str.isalnum, plain_name.casefold()))
    if letters in _WHOLE_NAMES or letters.endswith("body"):
        return True
    rest = letters.replace(_HARMLESS, "")
    return any(stem in rest for stem in _STEMS)


def is_content(name: str, value: Any) -> bool:
    """The same, but a number or truth value under the name of a quantity of content is a fact."""
    if not looks_like_content(name):
        return False
    return not (isinstance(value, int | float) and _QUANTITY.search(name.casefold()))


@within_the_stack()
def parse_without_content(body: bytes) -> Any:
    """The JSON value of `body`. Raises ContentRefused, TooManyNames or InvalidJson."""
    _need_few(body, names=MOST_NAMES, containers=MOST_CONTAINERS)
    try:
        return _read_harmless(body)
    except _Suspect:
        return _plain_or_refused(load(decode(body)))


@within_the_stack()
def parse_batch_without_content(
    body: bytes, *, items_under: str, may_have_others: bool = False
) -> tuple[Any, dict[int, AppError]]:
    """The JSON value of `body`, and the refusals of single items in the list `items_under`, by their index.

    `may_have_others`: whether there may be other names beside that of the list.

    Raises ContentRefused, TooManyNames or InvalidJson for what is wrong outside the items.
    """
    _need_few(body, names=MOST_NAMES_IN_BATCH, containers=MOST_CONTAINERS_IN_BATCH)
    try:
        return _read_harmless(body), {}
    except _Suspect:
        whole = load(decode(body))
    names = [name for name, _ in whole] if isinstance(whole, Pairs) else []
    if names.count(items_under) != 1 or (len(names) > 1 and not may_have_others):
        return _plain_or_refused(whole), {}
    items = whole[names.index(items_under)][1]
    if not isinstance(items, list) or isinstance(items, Pairs):
        return _plain_or_refused(whole), {}
    others = _plain_or_refused(Pairs(pair for pair in whole if pair[0] != items_under))
    refusals = {
        index: refusal
        for index, item in enumerate(items)
        if (refusal := _refusal_of(item, most_named=MAX_NAMED_IN_BATCH))
    }
    kept = [None if index in refusals else plain(item) for index, item in enumerate(items)]
    return {**others, items_under: kept}, refusals


def _need_few(body: bytes, *, names: int, containers: int) -> None:
    """Counts on the raw bytes, which an honest body passes at the first glance. Raises TooManyNames or InvalidJson."""
    if body.count(b":") > names and _has_more_names(body, names):
        raise TooManyNames
    if body.count(b"{") + body.count(b"[") > containers:
        raise InvalidJson("The body has too many objects or lists. Facts cannot be nested.")


def _has_more_names(body: bytes, most: int) -> bool:
    """In slices, for no other thread runs while one is searched; a name between two of them does not count."""
    found = 0
    for start in range(0, len(body), _SLICE_BYTES):
        found += len(_KEY_ENDS.findall(body, start, start + _SLICE_BYTES))
        if found > most:
            return True
    return False


class _Suspect(Exception):
    """Something is not as it should be; the body is read again, slowly, to say what and where."""


def _read_harmless(body: bytes) -> Any:
    """The quick way, for a body in which all is well. Raises _Suspect.

    Every key is followed by a colon, so as many colons after a quotation mark as there are keys in the value read means
    that no key was repeated, for of repeated keys only one is left.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Suspect from error
    if len(_KEY_ENDS.findall(body)) != _count_keys(value):
        raise _Suspect
    return value


def _count_keys(value: Any) -> int:
    """How many keys there are at any depth. Raises _Suspect if one is a name for content."""
    if isinstance(value, list):
        return sum(map(_count_keys, value))
    if not isinstance(value, dict):
        return 0
    count = len(value)
    for name, child in value.items():
        if is_content(name, child):
            raise _Suspect
        if isinstance(child, dict | list):
            count += _count_keys(child)
    return count


def _plain_or_refused(tree: Any) -> Any:
    refusal = _refusal_of(tree)
    if refusal is not None:
        raise refusal
    return plain(tree)


def _refusal_of(tree: Any, *, most_named: int = MAX_NAMED) -> AppError | None:
    content = tuple(islice(_content_paths(tree, ""), most_named))
    if content:
        advice = "This field name indicates content. Remove the field."
        return ContentRefused(errors=tuple(FieldProblem(path, "content_refused", advice) for path in content))
    return refusal_of_repeated(tree, most_named=most_named)


def _content_paths(tree: Any, path: str) -> Iterator[str]:
    if isinstance(tree, Pairs):
        for name, child in tree:
            if is_content(name, child):
                yield join(path, name)
    for child_path, child in children(tree, path):
        yield from _content_paths(child, child_path)
