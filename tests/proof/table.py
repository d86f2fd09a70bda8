"""The table: one file for each family of requirements in `rows/`, one entry for each requirement."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import yaml

ROOT = Path(__file__).parents[2]
ROWS = Path(__file__).with_name("rows")

FAMILIES = {
    "API": ("Check API", 15),
    "KEY": ("API keys", 10),
    "LOG": ("Decision log", 11),
    "CFG": ("Configuration and secrets", 4),
    "BKP": ("Backups", 7),
    "NET": ("Network", 5),
    "MON": ("Monitoring", 19),
    "SUP": ("Support", 21),
    "INC": ("Incidents and breaches", 12),
    "OPS": ("Routine of operations", 6),
    "BIL": ("Billing", 11),
    "DPA": ("Data Processing Agreement", 23),
    "TOS": ("Terms of Service", 18),
    "ACC": ("Acceptance", 3),
    "MET": ("Measures of success", 10),
    "TIM": ("Launch plan", 6),
    "ONB": ("Onboarding", 4),
    "CUS": ("Customers", 6),
    "RSK": ("Risks", 1),
    "PDC": ("Before the deployment", 48),
    "GNG": ("Go or no go", 27),
    "S": ("Security checks", 40),
}
"""With how many requirements each has."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    tests: tuple[str, ...] = ()
    """Ids as pytest takes them; without a case, all of a parametrized test."""
    outside: str = ""
    """What a person outside of the software has to do before it holds altogether."""
    open: str = ""
    """What is not built or not proven."""


def ids_of(family: str) -> list[str]:
    separator = "" if family == "S" else "-"
    return [f"{family}{separator}{number:02}" for number in range(1, FAMILIES[family][1] + 1)]


def rows_of(family: str) -> dict[str, Row]:
    found = yaml.safe_load((ROWS / f"{family.lower()}.yml").read_text())
    return msgspec.convert(found, dict[str, Row])


def every_row() -> dict[str, Row]:
    return {name: row for family in FAMILIES for name, row in rows_of(family).items()}


def every_test() -> list[str]:
    return list(dict.fromkeys(test for row in every_row().values() for test in row.tests))


def exists(test: str) -> bool:
    """Whether its file has such a test. Of which cases there are, only a run tells."""
    path, *names = test.partition("[")[0].split("::")
    return tuple(names) in _tests_in(path)


@cache
def _tests_in(path: str) -> frozenset[tuple[str, ...]]:
    file = ROOT / path
    return frozenset(_names(ast.parse(file.read_text()).body)) if file.is_file() else frozenset()


def _names(body: list[ast.stmt]) -> Iterator[tuple[str, ...]]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield (node.name,)
        elif isinstance(node, ast.ClassDef):
            yield from ((node.name, *names) for names in _names(node.body))
