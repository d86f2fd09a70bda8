"""The table of proofs is whole, names tests that exist, and is what the document says."""

from pathlib import Path

import pytest

from portal.console.launch.items import BOARDS
from tests.proof import document
from tests.proof.results import Result, node_id, read, result_of, worst
from tests.proof.table import FAMILIES, every_row, every_test, exists, ids_of, rows_of


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_requirement_has_a_row_in_order_and_no_other_has(family: str) -> None:
    assert list(rows_of(family)) == ids_of(family)


def test_there_are_as_many_as_were_founded() -> None:
    assert sum(count for _, count in FAMILIES.values()) == 267 + 40


def test_every_row_is_proven_or_says_what_is_missing() -> None:
    silent = [name for name, row in every_row().items() if not (row.tests or row.outside or row.open)]

    assert silent == []
    assert [name for name, row in every_row().items() if not row.title or len(set(row.tests)) < len(row.tests)] == []


def test_every_test_that_is_named_exists() -> None:
    assert [test for test in every_test() if not exists(test)] == []


def test_a_test_that_is_gone_would_be_noticed() -> None:
    here = "tests/proof/test_proof.py::test_a_test_that_is_gone_would_be_noticed"

    assert exists(here)
    assert not exists(f"{here}_too")
    assert not exists("tests/proof/test_nothing.py::test_a")


def test_the_rows_of_the_boards_are_their_items() -> None:
    rows = every_row()
    items = [item for board in BOARDS.values() for item in board]

    assert [item.code for item in items if rows[item.code].title != item.words] == []
    assert [item.code for item in items if item.is_for_a_person and not rows[item.code].outside] == []


def test_the_document_is_the_one_that_the_table_makes() -> None:
    written = document.FILE.read_text()

    assert [name for name, row in every_row().items() if document.line_of(name, row) not in written] == []


JUNIT = """<testsuites><testsuite>
<testcase classname="tests.proof.test_proof" name="test_a[x]"/>
<testcase classname="tests.proof.test_proof" name="test_a[y]"><failure/></testcase>
<testcase classname="tests.proof.test_proof.TestB" name="test_b"/>
<testcase classname="tests.proof.test_proof" name="test_c"><skipped/></testcase>
</testsuite></testsuites>"""


def test_results_are_read_by_case_and_a_test_is_as_good_as_its_worst_case(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(JUNIT)
    here = "tests/proof/test_proof.py"

    results = read([file])

    assert result_of(f"{here}::test_a", results) is Result.FAILED
    assert result_of(f"{here}::test_a[x]", results) is Result.PASSED
    assert result_of(f"{here}::TestB::test_b", results) is Result.PASSED
    assert result_of(f"{here}::test_c", results) is Result.SKIPPED
    assert result_of(f"{here}::test_d", results) is Result.NOT_RUN
    assert worst([Result.PASSED, Result.NOT_RUN]) is Result.NOT_RUN
    assert node_id("tests.nowhere.test_x", "test_y") == "tests.nowhere.test_x::test_y"
