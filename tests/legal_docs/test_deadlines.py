"""The clocks of notices, without a database."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legal_docs.notices import deadlines
from tests.legal_docs.scene import NOW


@given(effective=st.integers(0, 10**7), sent=st.integers(0, 10**7), reminded=st.integers(0, 10**7))
def test_nobody_has_less_time_than_promised(effective: int, sent: int, reminded: int) -> None:
    effective_at, first = NOW + timedelta(seconds=effective), NOW + timedelta(seconds=sent)
    due_at = deadlines.version_due_at(effective_at=effective_at, first_sent_at=first)
    second = NOW + timedelta(seconds=reminded)
    final = deadlines.due_after_second(due_at, second_sent_at=second)

    assert final >= effective_at
    assert final - first >= timedelta(days=30)
    assert final - second >= timedelta(days=7)


def test_business_days_leave_out_weekends() -> None:
    friday = datetime(2026, 11, 20, 15, 0, tzinfo=NOW.tzinfo)

    assert deadlines.add_business_days(friday, 5) == datetime(2026, 11, 27, 15, 0, tzinfo=NOW.tzinfo)
    assert deadlines.add_business_days(friday + timedelta(days=1), 1).weekday() == 0


def test_a_notice_is_refused_a_second_before_its_days() -> None:
    with pytest.raises(deadlines.NoticeTooShort, match="30 days"):
        deadlines.refuse_short(NOW + timedelta(days=30, seconds=-1), days=30, now=NOW)

    deadlines.refuse_short(NOW + timedelta(days=30), days=30, now=NOW)
