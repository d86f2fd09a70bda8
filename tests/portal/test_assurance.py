"""The record of processing, for operators and for each customer."""

import pytest

from tests.people import Person


@pytest.mark.parametrize("ending", ["", ".pdf"])
def test_operators_have_the_whole_record(operator: Person, documents: None, ending: str) -> None:
    answer = operator.get(f"/console/processing-record{ending}")

    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF") if ending else "As controller, Article 30(1)" in answer.text


@pytest.mark.parametrize("ending", ["", ".pdf"])
def test_members_have_their_own_part(viewer: Person, documents: None, ending: str) -> None:
    answer = viewer.get(f"/documents/processing-record{ending}")

    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF") if ending else "As processor, Article 30(2)" in answer.text
