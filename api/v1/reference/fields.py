"""The fields of a type as rows of a table: name, type in plain words, whether it must be given, meaning."""

from typing import Any

import msgspec


class FieldRow(msgspec.Struct, frozen=True):
    name: str
    kind: str
    is_required: bool
    meaning: str


def fields_of(shape: Any) -> list[FieldRow]:
    (_, components) = msgspec.json.schema_components([shape])
    schema = components[shape.__name__]
    required = schema.get("required", ())
    return [
        FieldRow(name, _kind(field, components), name in required, _meaning(field))
        for name, field in schema["properties"].items()
    ]


def _kind(schema: dict[str, Any], components: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(choice, components) for choice in schema["anyOf"]))
    if "$ref" in schema:
        named = components[schema["$ref"].rpartition("/")[2]]
        return " or ".join(named["enum"]) if "enum" in named else str(named["title"])
    if "enum" in schema:
        return " or ".join(schema["enum"])
    if schema.get("type") == "array":
        inner = schema.get("items") or {}
        return f"list of {_kind(inner, components)}" if inner else "list"
    return str(schema.get("format") or schema.get("type") or "any value")


def _meaning(schema: dict[str, Any]) -> str:
    bounds = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "maxLength": "at most {} characters",
        "maxItems": "at most {}",
    }
    said = [bounds[key].format(schema[key]) for key in bounds if key in schema]
    if schema.get("default") not in (None, "", [], {}):
        said.append(f"default {msgspec.json.encode(schema['default']).decode()}")
    return " ".join(part for part in (schema.get("description", ""), f"({', '.join(said)})" if said else "") if part)
