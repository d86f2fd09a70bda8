"""From a parsed request to typed facts, or to an error that names every field at fault. Imports no database."""

import math
import re
from collections.abc import Mapping
from itertools import chain, islice
from typing import Any

import msgspec

from api.content.personal_numbers import is_card
from api.content.pii_kinds import KINDS, is_kind
from api.content.token_content import problem_of
from api.content.token_room import CODES, MODELS, PSEUDONYMS, room_of
from api.policies.evaluator import CheckFacts, FactValue
from api.strict_json import MAX_NAMED
from api.vocabulary import (
    ALIASES,
    MAX_FACTS,
    MAX_INTEGER,
    MAX_TOKEN_LENGTH,
    MAX_TOKENS,
    MODEL_NAME,
    OPERATION_NAME,
    PII_TYPES,
    SEED,
    TOKEN,
    Fact,
    FactType,
)
from core.errors import FieldProblem, InvalidRequest, show_name
from core.spelling import nearest

_MODEL = re.compile(MODEL_NAME, re.ASCII)
_OPERATION = re.compile(OPERATION_NAME, re.ASCII)
_TOKEN = re.compile(TOKEN, re.ASCII)
_LONGEST_KIND = max(map(len, KINDS))
FIRST_CARD = 10**12
"""The first whole number that could be that of a card."""
_FIELDS = ("model", "operation", "metadata", "subject")

_SHAPES = {"model": (_MODEL, MODELS), "operation": (_OPERATION, CODES), "subject": (_TOKEN, PSEUDONYMS)}

_MODEL_ADVICE = "Send the model name as one token, such as gpt-4o or mistral/large: no spaces, at most 128 characters."
_OPERATION_ADVICE = "Send the operation name as one token, such as chat or embeddings: at most 64 characters."
_SUBJECT_ADVICE = "Send a pseudonym of the person as one token, never a name or an email address."


class CheckQuestion(msgspec.Struct, frozen=True):
    """A valid question: the facts, and the pseudonym of the person it is about."""

    facts: CheckFacts
    subject: str | None


class _Fault(Exception):
    def __init__(self, code: str, detail: str, suggestion: str | None = None) -> None:
        super().__init__(code)
        self.code, self.detail, self.suggestion = code, detail, suggestion


def read_question(parsed: Any, vocabulary: Mapping[str, Fact], *, most_named: int = MAX_NAMED) -> CheckQuestion:
    """Raises InvalidRequest with an entry for each of the first fields at fault; values are never repeated."""
    if not isinstance(parsed, dict):
        raise InvalidRequest("Send one JSON object with model, operation and metadata.")
    unknown = (name for name in parsed if name not in _FIELDS)
    problems = [_unknown_field(name) for name in islice(unknown, most_named)]
    model = _token(parsed, "model", _MODEL_ADVICE, problems)
    operation = _token(parsed, "operation", _OPERATION_ADVICE, problems)
    subject = None
    if parsed.get("subject") is not None:
        subject = _token(parsed, "subject", _SUBJECT_ADVICE, problems)
    metadata = _read_metadata(parsed.get("metadata"), vocabulary, problems, most_named=most_named)
    if problems:
        raise InvalidRequest(errors=tuple(problems[:most_named]))
    return CheckQuestion(facts=CheckFacts(model=model, operation=operation.lower(), metadata=metadata), subject=subject)


def is_honest(name: str, token: str, vocabulary: Mapping[str, Fact]) -> bool:
    """Whether a field or fact may have this text, or have it among its texts."""
    if name in _SHAPES:
        shape, room = _SHAPES[name]
        return shape.fullmatch(token) is not None and problem_of(token, room) is None
    try:
        _read_fact(name, [token] if vocabulary[name].type is FactType.TOKENS else token, vocabulary)
    except _Fault:
        return False
    return True


def _token(
    parsed: Mapping[str, Any],
    name: str,
    advice: str,
    problems: list[FieldProblem],
) -> str:
    value = parsed.get(name)
    shape, room = _SHAPES[name]
    if value is None:
        problems.append(FieldProblem(name, "missing", advice))
    elif not isinstance(value, str):
        problems.append(FieldProblem(name, "wrong_type", f"Expected a string, got {_kind(value)}. {advice}"))
    elif not shape.fullmatch(value):
        problems.append(FieldProblem(name, "not_a_token", advice))
    elif instead := problem_of(value, room):
        problems.append(FieldProblem(name, "looks_like_content", instead))
    else:
        return value
    return ""


def _unknown_field(name: str) -> FieldProblem:
    detail = f"Unknown field. The fields are {', '.join(_FIELDS)}; facts belong in metadata."
    return FieldProblem(show_name(name), "unknown_field", detail, nearest(name, _FIELDS))


def _read_metadata(
    metadata: Any, vocabulary: Mapping[str, Fact], problems: list[FieldProblem], *, most_named: int
) -> dict[str, FactValue]:
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        problems.append(FieldProblem("metadata", "wrong_type", f"Expected an object of facts, got {_kind(metadata)}."))
        return {}
    if len(metadata) > MAX_FACTS:
        problems.append(FieldProblem("metadata", "too_many", f"Send at most {MAX_FACTS} facts."))
        return {}
    facts: dict[str, FactValue] = {}
    for given_name, value in metadata.items():
        if len(problems) >= most_named:
            break
        name = given_name if given_name in vocabulary else ALIASES.get(given_name, given_name)
        path = f"metadata.{show_name(given_name)}"
        try:
            typed = _read_fact(name, value, vocabulary)
        except _Fault as fault:
            problems.append(FieldProblem(path, fault.code, fault.detail, fault.suggestion))
            continue
        if facts.setdefault(name, typed) != typed:
            detail = f"Two spellings of {name} have different values. Send it once."
            problems.append(FieldProblem(path, "contradiction", detail))
    return facts


def _read_fact(name: str, value: Any, vocabulary: Mapping[str, Fact]) -> FactValue:
    fact = vocabulary.get(name)
    if fact is None:
        raise _unknown_fact(name, value, vocabulary)
    typed = _READERS[fact.type](value)
    if fact.choices:
        if typed not in fact.choices:
            raise _Fault("not_a_choice", f"Expected one of {', '.join(fact.choices)}.")
    elif name == PII_TYPES:
        _need_kinds(typed)
    else:
        _need_no_content(name, typed)
    return typed


def _need_kinds(tokens: Any) -> None:
    for token in tokens:
        if not is_kind(token):
            detail = "Expected kinds of personal data, such as email, iban or health; never the data, nor other words."
            raise _Fault("not_a_choice", detail, nearest(token, KINDS) if len(token) <= _LONGEST_KIND else None)


def _need_no_content(name: str, typed: FactValue) -> None:
    if isinstance(typed, bool | float):
        return
    if isinstance(typed, int):
        if typed >= FIRST_CARD and name != SEED and is_card(str(typed)):
            raise _Fault("looks_like_content", "This looks like a card number. Leave it out, or send a count.")
        return
    room = room_of(name)
    for token in (typed,) if isinstance(typed, str) else typed:
        instead = problem_of(token, room)
        if instead:
            raise _Fault("looks_like_content", instead)


def _unknown_fact(name: str, value: Any, vocabulary: Mapping[str, Fact]) -> _Fault:
    if isinstance(value, dict):
        return _Fault("nested", "Facts are flat. Use a dotted name, such as gen_ai.usage.input_tokens.")
    near = nearest(name, chain(vocabulary, ALIASES))
    hint = f" Did you mean {near}?" if near else " Declare it under custom_facts, or leave it out."
    return _Fault("unknown_fact", f"Unknown fact.{hint}", near)


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _Fault("wrong_type", f"Expected true or false, got {_kind(value)}.")


def _read_integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= MAX_INTEGER:
            return value
        raise _Fault("out_of_range", f"Expected a whole number from 0 to {MAX_INTEGER}.")
    raise _Fault("wrong_type", f"Expected a whole number, got {_kind(value)}.")


def _read_number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value) and abs(value) <= MAX_INTEGER:
            return value
        raise _Fault("out_of_range", f"Expected a finite number up to {MAX_INTEGER}.")
    raise _Fault("wrong_type", f"Expected a number, got {_kind(value)}.")


def _read_token(value: Any) -> str:
    if not isinstance(value, str):
        raise _Fault("wrong_type", f"Expected a string, got {_kind(value)}.")
    if not _TOKEN.fullmatch(value):
        raise _Fault(
            "not_a_token",
            f"Expected one short token: letters, digits and . _ : / + -, no spaces, at most {MAX_TOKEN_LENGTH} "
            "characters. Free text is not accepted.",
        )
    return value


def _read_tokens(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Fault("wrong_type", f"Expected a list of strings, got {_kind(value)}.")
    if len(value) > MAX_TOKENS:
        raise _Fault("too_many", f"Send at most {MAX_TOKENS} entries.")
    return tuple(map(_read_token, value))


_READERS = {
    FactType.BOOLEAN: _read_boolean,
    FactType.INTEGER: _read_integer,
    FactType.NUMBER: _read_number,
    FactType.TOKEN: _read_token,
    FactType.TOKENS: _read_tokens,
}

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "null")
