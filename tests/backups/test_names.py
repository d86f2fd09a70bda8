"""Which backups are kept, and which erasures may be forgotten. Rules alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.names import KEPT_FOR, BackupKind, BackupName, erasures_forgotten_before, expired, new_name, parse
from legal_docs import figures

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def of_night(days_ago: int) -> BackupName:
    return new_name(BackupKind.NIGHTLY, now=NOW - timedelta(days=days_ago))


def test_backups_are_kept_as_long_as_our_documents_say() -> None:
    assert timedelta(days=figures.BACKUP_DAYS) == KEPT_FOR


def test_a_name_reads_back() -> None:
    name = of_night(3)

    assert parse(str(name)) == name
    assert str(name).startswith("20261119T020000Z-nightly-")


@pytest.mark.parametrize(
    "text", ["", "notes.txt", "20261119T020000Z-weekly-01234567", "20261399T020000Z-nightly-01234567"]
)
def test_what_is_no_backup_is_left_alone(text: str) -> None:
    assert parse(text) is None


def test_fourteen_days_are_kept_and_no_more() -> None:
    nights = [of_night(days) for days in range(20)]

    gone = expired(nights, verified=set(nights), now=NOW)

    assert sorted(gone) == sorted(nights[14:])


def test_one_that_was_made_by_hand_does_not_outlive_its_time_by_a_day() -> None:
    at_noon = new_name(BackupKind.BY_HAND, now=NOW - timedelta(days=13, hours=14))

    assert expired([at_noon, of_night(1)], verified=set(), now=NOW) == [at_noon]


def test_the_only_one_is_kept_however_old() -> None:
    assert expired([of_night(100)], verified=set(), now=NOW) == []


def test_the_only_proven_one_is_kept_while_newer_ones_are_not_proven() -> None:
    proven = of_night(30)

    gone = expired([of_night(31), proven, of_night(20), of_night(1)], verified={proven}, now=NOW)

    assert proven not in gone
    assert len(gone) == 2


@given(st.lists(st.integers(0, 60), min_size=1), st.data())
def test_the_newest_and_the_newest_proven_one_are_never_removed(ages: list[int], data: st.DataObject) -> None:
    nights = [of_night(age) for age in ages]
    proven = set(data.draw(st.lists(st.sampled_from(nights))))

    left = set(nights) - set(expired(nights, verified=proven, now=NOW))

    assert max(nights) in left
    assert not proven or max(proven) in left


def test_an_erasure_is_remembered_as_long_as_any_backup_lacks_it() -> None:
    assert erasures_forgotten_before([], now=NOW) == NOW - timedelta(days=15)
    assert erasures_forgotten_before([of_night(1)], now=NOW) == NOW - timedelta(days=15)
    assert erasures_forgotten_before([of_night(40), of_night(1)], now=NOW) == NOW - timedelta(days=41)
