"""`python -m deploy.sdk_types`: what the TypeScript SDK takes from the API's own description.

Its types, and a class for each code of a problem. A test compares both files with what they would be now.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from api import init_app
from api.v1.endpoint import declared_endpoints
from api.v1.reference import openapi

__all__ = ["init_app"]  # whose import declares every endpoint

SOURCES = Path(__file__).parents[1] / "sdk" / "typescript" / "src"
USED = (
    "CheckRequest",
    "CheckAnswer",
    "BatchAnswer",
    "DecisionPage",
    "KeyPage",
    "KeyProbe",
    "PolicySet",
    "DraftList",
    "Problem",
)
_MADE = "Made from the API's description by `python -m deploy.sdk_types`; not to be changed by hand."
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def files() -> dict[Path, str]:
    """What each generated file has to be."""
    return {SOURCES / "api.ts": _types(), SOURCES / "problems.ts": _problems()}


def _types() -> str:
    schemas: Mapping[str, Any] = openapi.document("")["components"]["schemas"]
    return "\n".join([f"/** {_MADE} */", *(_interface(name, schemas[name]) for name in _needed(schemas))])


def _needed(schemas: Mapping[str, Any]) -> list[str]:
    """Those that are used, and whatever they are made of."""
    found, left = set(), list(USED)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _references(schemas[name])
    return sorted(found)


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield _name(schema)
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from _references(part)


def _interface(name: str, schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"\nexport type {name} = {_type(schema)};\n"
    lines = [f"\nexport interface {name} {{"]
    for field, described in schema["properties"].items():
        meaning = described.get("description") or next(
            (one["description"] for one in described.get("anyOf", ()) if "description" in one), None
        )
        lines += [f"  /** {meaning} */"] if meaning else []
        mark = "" if field in schema.get("required", ()) else "?"
        lines.append(f"  readonly {field}{mark}: {_type(described)};")
    return "\n".join([*lines, "}", ""])


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema)
    if "enum" in schema:
        return " | ".join(map(json.dumps, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if schema.get("type") == "array":
        return f"readonly ({_type(schema['items'])})[]"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"Readonly<Record<string, {_type(values) if isinstance(values, dict) else 'unknown'}>>"
    return _PLAIN.get(schema.get("type", ""), "unknown")


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _problems() -> str:
    refusals = {one.code: one for endpoint in declared_endpoints() for one in openapi.refusals_of(endpoint)}
    classes = [
        f"/** {refusals[code].title}. */\nexport class {_class(code)} extends ApiError {{\n"
        f"  static readonly code = {json.dumps(code)};\n}}\n"
        for code in sorted(refusals)
    ]
    table = "".join(f"  [{json.dumps(code)}, {_class(code)}],\n" for code in sorted(refusals))
    return "\n".join(
        [
            f"/** A class for each code of a problem. {_MADE} */\n",
            'import { ApiError } from "./errors.js";\n',
            *classes,
            f"export const BY_CODE = new Map<string, typeof ApiError>([\n{table}]);\n",
        ]
    )


def _class(code: str) -> str:
    return "".join(part.title() for part in code.removesuffix("_error").split("_")) + "Error"


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
