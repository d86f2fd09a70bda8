"""What became of tests, from JUnit files as pytest writes them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.proof.table import ROOT


class Result(StrEnum):
    """From the best to the worst."""

    PASSED = "passed"
    NOT_RUN = "not run"
    SKIPPED = "skipped"
    FAILED = "FAILED"


_ORDER = list(Result)


def worst(results: Iterable[Result]) -> Result:
    return max(results, key=_ORDER.index, default=Result.NOT_RUN)


def read(files: Iterable[Path]) -> dict[str, Result]:
    """By node id, each case of a parametrized test by itself. Of two files, the later counts."""
    found: dict[str, Result] = {}
    for file in files:
        for case in ET.parse(file).iter("testcase"):  # noqa: S314  our own file
            found[node_id(case.get("classname", ""), case.get("name", ""))] = _result(case)
    return found


def result_of(test: str, results: Mapping[str, Result]) -> Result:
    """Of one case where the id names it, else the worst of all cases."""
    if test in results:
        return results[test]
    return worst(result for name, result in results.items() if name.startswith(f"{test}["))


def node_id(classname: str, name: str) -> str:
    """`tests.portal.test_incidents.TestMaintenance` and a name, as pytest takes them."""
    parts = classname.split(".")
    for length in range(len(parts), 0, -1):
        path = "/".join(parts[:length]) + ".py"
        if (ROOT / path).is_file():
            return "::".join((path, *parts[length:], name))
    return f"{classname}::{name}"


def _result(case: ET.Element) -> Result:
    if case.find("failure") is not None or case.find("error") is not None:
        return Result.FAILED
    return Result.SKIPPED if case.find("skipped") is not None else Result.PASSED
