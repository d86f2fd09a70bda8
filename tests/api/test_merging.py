"""Bringing a draft to a newer version: nothing that only one of the two changed is lost."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.policies.document import PolicyDocument
from api.policies.drafts.merging import Prefer, changed_places, merged
from api.policies.drafts.states import MOVES, DraftStatus, may_move
from api.policies.rules import Rule, When

codes = st.sampled_from(["one", "two", "three"])
words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=4, unique=True).map(tuple)
rules = st.dictionaries(codes, st.sampled_from(["true", "false"]), max_size=3).map(
    lambda found: tuple(Rule(code=code, when=When(all=(when,)), message="It holds.") for code, when in found.items())
)
documents = st.builds(
    PolicyDocument,
    max_risk_score=st.integers(1, 3),
    block_personal_data=st.booleans(),
    allowed_models=words,
    known_operations=words,
    rules=rules,
)


def in_order(document: PolicyDocument) -> PolicyDocument:
    return msgspec.structs.replace(
        document,
        rules=tuple(sorted(document.rules, key=lambda rule: rule.code)),
        allowed_models=tuple(sorted(document.allowed_models)),
        known_operations=tuple(sorted(document.known_operations)),
    )


@given(documents, documents)
def test_what_only_one_of_them_changed_is_taken_from_it(base: PolicyDocument, other: PolicyDocument) -> None:
    for prefer in Prefer:
        draft_changed, published_changed = merged(base, other, base, prefer), merged(base, base, other, prefer)

        assert draft_changed.conflicts == published_changed.conflicts == ()
        assert in_order(draft_changed.document) == in_order(other)
        assert published_changed.document == other


@given(documents, documents, documents)
def test_a_conflict_is_what_both_changed_differently_and_the_preferred_side_wins(
    base: PolicyDocument, draft: PolicyDocument, published: PolicyDocument
) -> None:
    ours, theirs = (merged(base, draft, published, prefer) for prefer in (Prefer.DRAFT, Prefer.PUBLISHED))

    assert ours.conflicts == theirs.conflicts
    assert set(ours.conflicts) == set(changed_places(ours.document, theirs.document))
    assert set(ours.conflicts) <= set(changed_places(base, draft)) & set(changed_places(base, published))


@pytest.mark.parametrize("before", DraftStatus)
@pytest.mark.parametrize("after", DraftStatus)
def test_only_an_open_draft_moves(before: DraftStatus, after: DraftStatus) -> None:
    assert may_move(before, after) is (before is DraftStatus.OPEN and after is not DraftStatus.OPEN)
    assert MOVES.keys() == set(DraftStatus)
