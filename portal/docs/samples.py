"""How an endpoint is called in three languages, made from its declaration. Needs nothing but curl, httpx or fetch."""

import json
from typing import Any
from urllib.parse import urlencode

import msgspec

from api.v1.endpoint import Endpoint
from api.v1.reference.examples import PATH_PARTS, example_of

SHOWN_PARAMETERS = ("allowed", "environment", "format", "limit")
MOST_PARAMETERS = 2
_INDENT = "    "


class Sample(msgspec.Struct, frozen=True):
    """`language` names it for scripts and syntax, `label` for people."""

    language: str
    label: str
    code: str


class Call(msgspec.Struct, frozen=True):
    """What is sent: everything that the languages write in their own way."""

    method: str
    url: str
    has_key: bool
    body: Any


def samples_of(endpoint: Endpoint, *, base_url: str) -> tuple[Sample, ...]:
    call = call_of(endpoint, base_url=base_url)
    return (
        Sample("curl", "curl", as_curl(call)),
        Sample("python", "Python", as_python(call)),
        Sample("javascript", "JavaScript", as_javascript(call)),
    )


def call_of(endpoint: Endpoint, *, base_url: str) -> Call:
    path = endpoint.path.format(**{name: part.example for name, part in PATH_PARTS.items()})
    query = urlencode(parameters_of(endpoint))
    return Call(
        method=endpoint.method,
        url=f"{base_url}{path}{'?' if query else ''}{query}",
        has_key=endpoint.scope is not None,
        body=None if endpoint.body is None else example_of(endpoint.body),
    )


def as_curl(call: Call) -> str:
    url = f'"{call.url}"' if "?" in call.url else call.url
    lines = [f"curl {url}" if call.method == "GET" or call.body is not None else f"curl -X {call.method} {url}"]
    if call.method not in {"GET", "POST"}:
        lines[0] = f"curl -X {call.method} {url}"
    if call.has_key:
        lines.append('-H "Authorization: Bearer $AIG_KEY"')
    if call.body is not None:
        body = json.dumps(call.body, indent=2).replace("\n", "\n  ")
        lines += ['-H "Content-Type: application/json"', f"-d '{body}'"]
    return " \\\n  ".join(lines)


def as_python(call: Call) -> str:
    arguments = [f'"{call.url}"']
    if call.has_key:
        arguments.append('headers={"Authorization": f"Bearer {os.environ[\'AIG_KEY\']}"}')
    if call.body is not None:
        arguments.append(f"json={_python(call.body, _INDENT)}")
    lines = ["import os", ""] if call.has_key else []
    sent = "".join(f"{_INDENT}{argument},\n" for argument in arguments)
    lines += ["import httpx", "", f"response = httpx.{call.method.lower()}(\n{sent})"]
    return "\n".join([*lines, "response.raise_for_status()", "print(response.text)"])


def as_javascript(call: Call) -> str:
    options = [f'method: "{call.method}",'] if call.method != "GET" else []
    if call.has_key and call.body is None:
        options.append("headers: { Authorization: `Bearer ${process.env.AIG_KEY}` },")
    elif call.has_key:
        headers = 'Authorization: `Bearer ${process.env.AIG_KEY}`,\n    "Content-Type": "application/json",'
        options.append(f"headers: {{\n    {headers}\n  }},")
    if call.body is not None:
        body = json.dumps(call.body, indent=2).replace("\n", "\n  ")
        options.append(f"body: JSON.stringify({body}),")
    given = ", {\n" + "".join(f"  {option}\n" for option in options) + "}" if options else ""
    return f'const response = await fetch("{call.url}"{given});\nconsole.log(response.status, await response.text());'


def parameters_of(endpoint: Endpoint) -> dict[str, Any]:
    """A few, as examples show them."""
    if endpoint.query is None:
        return {}
    examples = example_of(endpoint.query)
    shown = [name for name in SHOWN_PARAMETERS if name in examples][:MOST_PARAMETERS]
    return {name: json.dumps(examples[name]).strip('"') for name in shown}


def _python(value: Any, indent: str) -> str:
    """As JSON, but for the words of Python."""
    inner = indent + _INDENT
    if isinstance(value, dict):
        lines = "".join(f'{inner}"{name}": {_python(one, inner)},\n' for name, one in value.items())
        return f"{{\n{lines}{indent}}}"
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return "[\n" + "".join(f"{inner}{_python(one, inner)},\n" for one in value) + f"{indent}]"
    if isinstance(value, list):
        return f"[{', '.join(_python(one, inner) for one in value)}]"
    return repr(value) if isinstance(value, bool) or value is None else json.dumps(value)
