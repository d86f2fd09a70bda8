"""That each promise that `python -m tests.mutations` breaks can still be broken: the source changes, the list stays."""

import pytest

from tests.databases import ROOT
from tests.mutations.mutations import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_what_a_mutation_changes_stands_in_its_file_once(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.before) == 1


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_what_notices_it_is_a_test_of_ours(mutation: Mutation) -> None:
    for guard in mutation.guard:
        path, _, name = guard.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(), guard
