"""A file of policies and their tests: JSON, or YAML if its name ends in .yaml or .yml."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from ai_governance.errors import ConfigurationError

yaml: Any = None
with suppress(ImportError):  # an extra
    yaml = import_module("yaml")

_IN_YAML = {".yaml", ".yml"}
_BOOL, _TIMESTAMP = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"


def write(path: Path, content: dict[str, Any]) -> None:
    if _is_yaml(path):
        text = yaml.safe_dump(content, allow_unicode=True, width=120)
    else:
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Raises ConfigurationError for what is no file of policies."""
    try:
        found = _parsed(path)
        is_whole = isinstance(found["policies"], dict) and all(
            isinstance(test["name"], str)
            and isinstance(test["expect"]["allowed"], bool)
            and test["expect"].keys() <= {"allowed", "reason", "risk_score"}
            and {"model", "operation"} <= test["request"].keys() <= {"model", "operation", "metadata"}
            for test in found.get("tests", [])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path} is not a policy file. `aig policy pull` writes one.") from error
    if not is_whole:
        needed = "a name, request (with model and operation) and expect (with allowed)"
        raise ConfigurationError(f"Each test in {path} needs {needed}.")
    return dict(found)


def wanted(path: Path) -> dict[str, Any]:
    """Tests are a policy too; a file without them leaves those in force."""
    found = read(path)
    return {**found["policies"], **({"tests": found["tests"]} if "tests" in found else {})}


def _parsed(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if not _is_yaml(path):
        return json.loads(text)
    try:
        return yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _is_yaml(path: Path) -> bool:
    if path.suffix.lower() not in _IN_YAML:
        return False
    if yaml is None:
        raise ConfigurationError("A policy file in YAML needs pip install ai-governance-client[yaml]")
    return True


def _loader() -> Any:
    """`on`, `off`, `yes` and `no` are words, as in YAML 1.2: a rule may be off. Dates are texts, as in JSON."""
    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    loader.yaml_implicit_resolvers = {
        sign: [(tag, pattern) for tag, pattern in resolvers if tag not in {_BOOL, _TIMESTAMP}]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|false)$"), ["t", "f"])
    return loader
