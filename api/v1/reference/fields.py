"""The fields of a type as rows of a table, each with its type in plain words, its meaning, bounds and an example."""

from collections.abc import Iterator
from typing import Any

import msgspec

from api.v1.reference.examples import shown_example

_BOUNDS = (
    ("minimum", "maximum", ("", "")),
    ("minLength", "maxLength", ("character", "characters")),
    ("minItems", "maxItems", ("item", "items")),
    ("minProperties", "maxProperties", ("entry", "entries")),
)


class FieldRow(msgspec.Struct, frozen=True):
    """`name` is the path from the body, such as `reasons[].code`. `default` and `example` are JSON, or empty."""

    name: str
    kind: str
    is_required: bool
    meaning: str
    bounds: str
    default: str
    example: str

    @property
    def depth(self) -> int:
        return self.name.count(".")


def fields_of(shape: Any) -> list[FieldRow]:
    """In the order in which they are declared, each followed by its own parts."""
    (schema,), components = msgspec.json.schema_components([shape])
    return list(_rows(_named(schema, components), components, within=""))


def _rows(schema: dict[str, Any], components: dict[str, Any], *, within: str) -> Iterator[FieldRow]:
    for name, field in schema.get("properties", {}).items():
        path = f"{within}{name}"
        yield FieldRow(
            name=path,
            kind=_kind(field, components),
            is_required=name in schema.get("required", ()),
            meaning=(meaning := field.get("description") or _in_choices(field, "description") or ""),
            bounds=". ".join(_bounds(field, components, meaning)),
            default=_default(field),
            example=shown_example(field, components),
        )
        parts, is_list = _parts_of(field)
        if parts is not None:
            yield from _rows(_named(parts, components), components, within=f"{path}{'[]' if is_list else ''}.")


def _parts_of(field: dict[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The schema of an object within, and whether there is a list of them."""
    for choice in (field, *field.get("anyOf", ())):
        if "$ref" in choice:
            return choice, False
        if "$ref" in (choice.get("items") or {}):
            return choice["items"], True
    return None, False


def _named(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _in_choices(field: dict[str, Any], key: str) -> Any:
    return next((choice[key] for choice in field.get("anyOf", ()) if choice.get(key)), None)


def _kind(schema: dict[str, Any], components: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(choice, components) for choice in schema["anyOf"]))
    if "$ref" in schema:
        named = _named(schema, components)
        return "enum" if "enum" in named else "object"
    if "enum" in schema:
        return "enum"
    if schema.get("type") == "array":
        inner = schema.get("items") or {}
        kind = "string" if _choices(inner, components) else _kind(inner, components)
        return f"list of {_plural(kind)}" if inner else "list"
    return str(schema.get("format") or schema.get("type") or "any value")


def _plural(kind: str) -> str:
    return f"{kind}s" if kind in {"object", "string", "integer", "number"} else kind


def _choices(schema: dict[str, Any], components: dict[str, Any]) -> list[str]:
    return list(_named(schema, components).get("enum", ()))


def _bounds(field: dict[str, Any], components: dict[str, Any], meaning: str) -> Iterator[str]:
    """What the field may hold; words that its meaning has already are not repeated."""
    shapes = (field, field.get("items") or {}, *field.get("anyOf", ()))
    choices = next((found for shape in shapes if (found := _choices(shape, components))), [])
    if not all(choice in meaning for choice in choices):
        yield f"Values: {', '.join(choices)}"
    for least, most, (one, many) in _BOUNDS:
        low, high = (field.get(key, _in_choices(field, key)) for key in (least, most))
        words = _range(low, high)
        if words:
            yield f"{words} {one if (low if high is None else high) == 1 else many}".rstrip()


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}"
    if high is not None:
        return f"At most {_number(high)}"
    return "" if low is None else f"At least {_number(low)}"


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,}"


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    is_telling = default is not None and (isinstance(default, bool | int | float) or bool(default))
    return msgspec.json.encode(default).decode() if is_telling else ""
