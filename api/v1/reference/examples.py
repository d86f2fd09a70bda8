"""Examples of requests and responses, put together from those that the types give for each field."""

from collections.abc import Mapping
from typing import Any

import msgspec

from api.v1.authzen.schema import SLUG
from api.v1.endpoint import Endpoint
from core.patterns import whole
from core.sample_ids import DECISION_ID, DRAFT_ID, KEY_ID

_OMITTED = object()


class PathPart(msgspec.Struct, frozen=True):
    meaning: str
    example: str
    pattern: str | None = None


PATH_PARTS = {
    "decision_id": PathPart("The ID of the decision.", DECISION_ID),
    "draft_id": PathPart("The ID of the draft.", DRAFT_ID),
    "key_id": PathPart("The ID of the API key.", KEY_ID),
    "slug": PathPart("The organization ID, as on the Organization page.", "acme-4f2a", whole(SLUG)),
    "key": PathPart("The name of the policy.", "max_risk_score"),
}


def example_of(shape: Any) -> dict[str, Any]:
    """A value as JSON would have it. Optional fields are left out unless the type gives an example of them."""
    (schema,), components = msgspec.json.schema_components([shape])
    found: dict[str, Any] = _of(schema, components)
    return found


def example_of_response(shape: Any) -> dict[str, Any]:
    """As `example_of`, without fields that only some responses have: together they would contradict each other."""
    (schema,), components = msgspec.json.schema_components([shape])
    found: dict[str, Any] = _of(schema, {name: _with_usual_fields(one) for name, one in components.items()})
    return found


def example_of_answer(endpoint: Endpoint) -> dict[str, Any]:
    """Of this endpoint's response."""
    return _changed(example_of_response(endpoint.answer), endpoint.example)


def _changed(found: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    inner = {
        name: _changed(found[name], change)
        for name, change in changes.items()
        if isinstance(change, Mapping) and change and isinstance(found.get(name), dict)
    }
    return {**found, **changes, **inner}


def _with_usual_fields(schema: dict[str, Any]) -> dict[str, Any]:
    """A field that may be absent is neither required nor has it a default."""
    required = schema.get("required", ())
    fields = schema.get("properties", {})
    usual = {name: field for name, field in fields.items() if name in required or "default" in field}
    return {**schema, "properties": usual} if fields else schema


def shown_example(schema: dict[str, Any], components: dict[str, Any]) -> str:
    """What a table of fields shows of a field: its example as JSON; nothing for one whose parts follow."""
    if not schema.get("examples") and _has_parts(schema):
        return ""
    example = _of(schema, components)
    return "" if example is _OMITTED else msgspec.json.encode(example).decode()


def _has_parts(schema: dict[str, Any]) -> bool:
    return any("$ref" in one or "$ref" in one.get("items", {}) for one in (schema, *schema.get("anyOf", ())))


def _of(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    given = schema.get("examples") or schema.get("enum")
    if given:
        return given[0]
    if "$ref" in schema:
        return _of(components[schema["$ref"].rpartition("/")[2]], components)
    if "anyOf" in schema:
        found = (_of(choice, components) for choice in schema["anyOf"] if choice.get("type") != "null")
        return next((one for one in found if one is not _OMITTED), _OMITTED)
    if "properties" in schema:
        return _of_object(schema, components)
    if schema.get("type") == "array" and schema.get("items"):
        item = _of(schema["items"], components)
        return [] if item is _OMITTED else [item]
    return schema.get("default", _OMITTED)


def _of_object(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    required = schema.get("required", ())
    found = {name: _of(field, components) for name, field in schema["properties"].items()}
    return {
        name: example
        for name, example in found.items()
        if example is not _OMITTED and (name in required or example not in (None, []))
    }
