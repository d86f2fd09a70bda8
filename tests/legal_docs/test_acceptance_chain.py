"""Acceptances as a chain: whoever changes one and hashes it anew is found by the one after it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.db import db
from legal_docs.acceptances import services as acceptances
from legal_docs.acceptances.evidence import hash_of, is_intact
from legal_docs.acceptances.models import LegalAcceptance
from tests.legal_docs.scene import NOW, Firm, accept_all, publish_second_terms

Chain = list[LegalAcceptance]


@pytest.fixture
def chain(ada: Firm) -> Chain:
    """Three acceptances, apart from the database."""
    accept_all(ada)
    later = NOW + timedelta(days=31)
    publish_second_terms(now=NOW)
    accept_all(ada, now=later)
    records = acceptances.history(ada.id)[::-1]
    db.session.expunge_all()
    return records


def hashed_anew(records: Chain) -> Chain:
    for record in records:
        record.evidence_sha256 = hash_of(record)
    return records


def numbered_anew(records: Chain) -> Chain:
    for position, record in enumerate(records, start=1):
        record.position = position
    return hashed_anew(records)


def renamed(record: LegalAcceptance) -> LegalAcceptance:
    record.signer_name = "Somebody Else"
    return record


def skipping_a_position(records: Chain) -> Chain:
    records[-1].position += 1
    return [*records[:-1], *hashed_anew(records[-1:])]


def renamed_and_hashed(records: Chain, place: int) -> Chain:
    hashed_anew([renamed(records[place])])
    return records


TAMPERED: dict[str, Callable[[Chain], Chain]] = {
    "the last is changed": lambda records: [*records[:-1], renamed(records[-1])],
    "the first is changed and hashed anew": lambda records: renamed_and_hashed(records, 0),
    "the middle is changed and hashed anew": lambda records: renamed_and_hashed(records, 1),
    "the first is gone": lambda records: records[1:],
    "the first is gone and the rest numbered anew": lambda records: numbered_anew(records[1:]),
    "the middle is gone and the rest numbered anew": lambda records: numbered_anew([records[0], records[2]]),
    "two have changed places": lambda records: numbered_anew([records[1], records[0], records[2]]),
    "a position is left out": skipping_a_position,
}


def test_a_chain_as_it_was_written_is_intact(chain: Chain) -> None:
    assert len(chain) == 3
    assert is_intact(chain)


@pytest.mark.parametrize("case", list(TAMPERED))
def test_a_chain_that_somebody_tampered_with_is_not_intact(chain: Chain, case: str) -> None:
    assert not is_intact(TAMPERED[case](chain))
