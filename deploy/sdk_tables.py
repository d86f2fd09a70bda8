"""`python -m deploy.sdk_tables`: what the engine of the TypeScript SDK has in common with the service's, as data.

Facts, patterns, words, the shape of policies and the model catalogue. What is done with them is written there by hand,
and judged against the service's own engine (`tests/sdk/test_typescript_engine.py`). A test compares both files with
what they would be now.
"""

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from api import vocabulary
from api.content import credentials, encoded_text, personal_numbers, pii_kinds, refusal, token_content, token_room
from api.model_catalogue import lookup
from api.model_catalogue.entries import CatalogueVersion
from api.policies import facts
from api.policies.bundle import Bundle
from api.policies.document import FOUNDING_SPELLINGS, PolicyDocument
from api.policies.trees import RuleTrees

ENGINE = Path(__file__).parents[1] / "sdk" / "typescript" / "src" / "engine"
VERSIONS = Path(lookup.__file__).with_name("versions")
_MADE = "/** Made from the service's engine by `python -m deploy.sdk_tables`; not to be changed by hand. */\n"
_MODULES: Mapping[str, ModuleType] = {
    "credentials": credentials,
    "encodedText": encoded_text,
    "personalNumbers": personal_numbers,
    "refusal": refusal,
    "tokenContent": token_content,
    "tokenRoom": token_room,
    "lookup": lookup,
    "facts": facts,
}
_WORDS_OF_SCHEMAS = frozenset({"title", "description", "examples"})
_FLAGS = ((re.IGNORECASE, "i"),)


def files() -> dict[Path, str]:
    """What each generated file has to be."""
    return {ENGINE / "tables.ts": _tables(), ENGINE / "catalogue.ts": _catalogue()}


def _tables() -> str:
    parts = [_MADE]
    parts += [f"export const {name} = {{\n{_patterns(module)}}};\n" for name, module in _MODULES.items()]
    parts += [f"export const {name} = {_data(value)};\n" for name, value in _values()]
    return "\n".join(parts)


def _values() -> Iterator[tuple[str, Any]]:
    yield "FACTS", {fact.name: {"type": fact.type, "choices": fact.choices} for fact in vocabulary.BUILT_IN.values()}
    yield "ALIASES", vocabulary.ALIASES
    yield "KINDS", pii_kinds.KINDS
    yield "ROOMS", {name: _room(room) for name, room in vars(token_room).items() if isinstance(room, token_room.Room)}
    yield "ROOM_OF", {fact: _name_of(room) for fact, room in vars(token_room)["_ROOMS"].items()}
    yield "SAYINGS", vars(token_content)["_DETAILS"]
    yield "AT_HINTS", vars(token_content)["_AT_HINTS"]
    for name in ("_WEIGHTS", "_FLAGS", "_IN_NAMES", "_HASH_LENGTHS"):
        yield f"SENTENCE{name}", vars(encoded_text)[name]
    yield "IBANS", {country: _literal(one) for country, one in vars(personal_numbers)["_IBANS"].items()}
    yield "CONTENT_STEMS", vars(refusal)["_STEMS"]
    yield "CONTENT_NAMES", vars(refusal)["_WHOLE_NAMES"]
    yield "ADVICE", {name.strip("_"): text for name, text in vars(facts).items() if name.endswith("_ADVICE")}
    yield "FOUNDING_SPELLINGS", FOUNDING_SPELLINGS
    yield "WRAPPERS", vars(lookup)["_WRAPPERS"]
    yield "SCHEMA", _schema()


def _patterns(module: ModuleType) -> str:
    found = {name.lstrip("_"): one for name, one in vars(module).items() if isinstance(one, re.Pattern)}
    return "".join(f"  {name}: {_literal(one)},\n" for name, one in found.items() if isinstance(one.pattern, str))


class _Code(str):
    """What stands in the file as it is."""

    __slots__ = ()


def _literal(pattern: re.Pattern[str]) -> _Code:
    source = _without_spaces(pattern.pattern) if pattern.flags & re.VERBOSE else pattern.pattern
    flags = "".join(letter for flag, letter in _FLAGS if pattern.flags & flag)
    return _Code(f"/{''.join(_in_another_language(source))}/{flags}")


def _in_another_language(source: str) -> Iterator[str]:
    """A bare $ lets a line break through at the end, as in Python."""
    for part, is_in_class in _parts_of(source):
        if part == "$" and not is_in_class:
            yield r"(?=\n?$)"
        else:
            yield {"/": r"\/", "\n": r"\n"}.get(part, part)


def _without_spaces(source: str) -> str:
    """Of a verbose pattern, which has neither a space nor a # that counts."""
    return "".join(
        part for part, is_in_class in _parts_of(re.sub(r"\s#\s.*", "", source)) if is_in_class or not part.isspace()
    )


def _parts_of(source: str) -> Iterator[tuple[str, bool]]:
    """Characters with what escapes them, and whether they stand in brackets."""
    is_in_class = False
    for found in re.finditer(r"\\.|.", source, re.DOTALL):
        yield found[0], is_in_class
        is_in_class = (is_in_class or found[0] == "[") and found[0] != "]"


def _room(room: token_room.Room) -> dict[str, Any]:
    return {_camel(name): value for name, value in msgspec.structs.asdict(room).items()}


def _name_of(room: token_room.Room) -> str:
    return next(name for name, value in vars(token_room).items() if value is room)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


def _schema() -> dict[str, Any]:
    """Of a bundle and all that is in it, without what is said to people."""
    _, components = msgspec.json.schema_components((Bundle, PolicyDocument, RuleTrees), ref_template="{name}")
    bare: dict[str, Any] = _bare(components)
    return bare


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    names = schema.get("properties")
    kept = {word: _bare(value) for word, value in schema.items() if word not in _WORDS_OF_SCHEMAS}
    return {**kept, "properties": {name: _bare(one) for name, one in names.items()}} if names else kept


def _data(value: Any) -> str:
    """As an expression of TypeScript, with a line for each name."""
    if isinstance(value, Mapping):
        return "{\n" + "".join(f"  {json.dumps(_key(name))}: {_inline(one)},\n" for name, one in value.items()) + "}"
    return _inline(sorted(value) if isinstance(value, frozenset) else value)


def _inline(value: Any) -> str:
    return value if isinstance(value, _Code) else json.dumps(value)


def _key(name: Any) -> str:
    return name.value if isinstance(name, StrEnum) else str(name)


def _catalogue() -> str:
    versions = [version.value for version in CatalogueVersion if version]
    entries = [f"{json.dumps(one)}: {(VERSIONS / f'{one}.json').read_text().strip()},\n" for one in versions]
    return f"{_MADE}\nexport const CATALOGUES = {{\n{''.join(entries)}}};\n"


def write() -> None:
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    write()
