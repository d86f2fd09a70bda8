"""From AuthZEN's words to ours: the action is the operation, the resource the model, the subject a pseudonym.

Properties and context state facts, by names of the organization's own vocabulary. `status` of a resource is the fact
`resource.status` if there is one, and else `status`; a name that is no fact at all is passed over and kept nowhere.
Knows no HTTP and no database.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from api.v1.authzen.errors import InvalidEvaluation
from api.vocabulary import ALIASES, MAX_FACTS, Fact
from core.errors import FieldProblem, InvalidRequest, show_name

_REQUIRED = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
_MOST_LEVELS = 5
"""Parts of a fact's name: a property that lies deeper is none."""
_MISSING = "This is required. Send it as a string."


class Evaluation(msgspec.Struct, frozen=True):
    """A question as `/v1/check` takes it, and for each of its fields where it stood."""

    question: dict[str, Any]
    places: dict[str, str]

    def refusal_of(self, refusal: InvalidRequest) -> InvalidEvaluation:
        """The same, with the names that the caller used; a member that is a fact as well is named once."""
        errors: dict[str, FieldProblem] = {}
        for one in refusal.errors:
            place = self._place_of(one.path)
            errors.setdefault(place, msgspec.structs.replace(one, path=place))
        return InvalidEvaluation(refusal.detail, errors=tuple(errors.values()))

    def _place_of(self, path: str) -> str:
        return self.places.get(path, path)


def translate(asked: Any, facts: Mapping[str, Fact]) -> Evaluation:
    """Raises InvalidEvaluation for a member that is missing or of a wrong type."""
    if not isinstance(asked, dict):
        raise InvalidEvaluation("Send one JSON object with subject, action and resource.")
    problems = [*_problems_of(asked)]
    if problems:
        raise InvalidEvaluation(errors=tuple(problems))
    places = {"model": "resource.id", "operation": "action.name", "subject": "subject.id"}
    metadata: dict[str, Any] = {}
    for name, value, place in _stated(asked, facts):
        if metadata.setdefault(name, value) != value:
            detail = f"{places[_path_of(name)]} states the same fact with another value. Send it once."
            raise InvalidEvaluation(errors=(FieldProblem(place, "contradiction", detail),))
        places[_path_of(name)] = place
        if len(metadata) > MAX_FACTS:
            raise InvalidEvaluation(f"Send at most {MAX_FACTS} facts.")
    question = {
        "model": asked["resource"]["id"],
        "operation": asked["action"]["name"],
        "subject": asked["subject"]["id"],
        "metadata": metadata,
    }
    return Evaluation(question, places)


def with_defaults(item: Any, defaults: Mapping[str, Any]) -> Any:
    """An evaluation of a batch: each of its members replaces the default as a whole, but for its type, id or name."""
    if not isinstance(item, dict):
        return item
    whole = {**defaults, **item}
    for member, names in _REQUIRED.items():
        own, default = item.get(member), defaults.get(member)
        if isinstance(own, dict) and isinstance(default, dict):
            whole[member] = {**{name: default[name] for name in names if name in default}, **own}
    return whole


def _path_of(fact: str) -> str:
    """How `/v1/check` names it in a refusal."""
    return f"metadata.{fact}"


def _problems_of(asked: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for member, names in _REQUIRED.items():
        entity = asked.get(member)
        if not isinstance(entity, dict):
            code = "missing" if entity is None else "wrong_type"
            yield FieldProblem(member, code, f"Send an object with {' and '.join(names)}.")
            continue
        for name in names:
            if not isinstance(entity.get(name), str):
                yield FieldProblem(f"{member}.{name}", "wrong_type" if name in entity else "missing", _MISSING)
        if not isinstance(entity.get("properties"), dict | None):
            yield FieldProblem(f"{member}.properties", "wrong_type", "Send an object of facts.")
    if not isinstance(asked.get("context"), dict | None):
        yield FieldProblem("context", "wrong_type", "Send an object of facts.")


def _stated(asked: Mapping[str, Any], facts: Mapping[str, Fact]) -> Iterator[tuple[str, Any, str]]:
    """Each fact with its value and where it stands."""
    for member, names in _REQUIRED.items():
        entity = asked[member]
        for name in (f"{member}.{one}" for one in names):
            if name in facts:
                yield name, entity[name.removeprefix(f"{member}.")], name
        yield from _flat(member, f"{member}.properties", entity.get("properties") or {}, facts)
    yield from _flat("context", "context", asked.get("context") or {}, facts)


def _flat(
    member: str, place: str, values: Mapping[str, Any], facts: Mapping[str, Fact], prefix: str = ""
) -> Iterator[tuple[str, Any, str]]:
    for key, value in values.items():
        name, where = f"{prefix}{key}", f"{place}.{show_name(key)}"
        if f"{member}.{name}" in facts:
            yield f"{member}.{name}", value, where
        elif name in facts:
            yield name, value, where
        elif name in ALIASES:
            yield ALIASES[name], value, where
        elif isinstance(value, dict) and name.count(".") < _MOST_LEVELS:
            yield from _flat(member, where, value, facts, prefix=f"{name}.")
