"""Which way the arrows point, and what nobody may do."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests.services import ROOT

SOURCES = sorted(
    path for room in ("api", "billing", "core", "legal_docs", "portal") for path in (ROOT / room).rglob("*.py")
)
PURE = [
    *("api/policies/evaluator.py", "api/policies/rules.py", "api/policies/vocabulary.py", "api/policies/document.py"),
    *("api/checks/content.py", "api/checks/facts.py", "api/strict_json.py", "api/keys/token.py"),
]


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return names | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


@pytest.mark.parametrize("name", PURE)
def test_pure_rules_know_no_database_no_web_and_no_clock(name: str) -> None:
    found = imports_of(ROOT / name)

    forbidden = ("sqlalchemy", "psycopg", "flask", "redis", "core.db", "core.clock", "datetime", "time")
    assert not [one for one in found if one.startswith(forbidden)]


def test_no_function_hides_an_import() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert hidden == []


def test_no_part_of_a_room_takes_a_name_away_from_the_rooms_own_file() -> None:
    """Importing a part sets its name in the package, over whatever that name meant there before."""
    taken = []
    for room in ("api", "billing", "core", "legal_docs", "portal"):
        parts = {path.stem for path in (ROOT / room).iterdir()}
        for node in ast.walk(ast.parse((ROOT / room / "__init__.py").read_text())):
            if isinstance(node, ast.ImportFrom) and node.module != room:
                names = {alias.asname or alias.name for alias in node.names}
                taken += [f"{room}: {name}" for name in names & parts if node.module != f"{room}.{name}"]

    assert taken == []


def test_no_file_is_one_that_everybody_dreads() -> None:
    long = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in SOURCES}

    assert {name: lines for name, lines in long.items() if lines > 280} == {}


def test_no_package_registry_is_named() -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    texts = {name: (ROOT / name).read_text(errors="ignore") for name in files if (ROOT / name).is_file()}
    naming = [name for name, words in texts.items() if any(host in words for host in hosts)]

    assert naming == []
