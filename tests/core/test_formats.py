"""One way to write a date, a time, a duration, a number and a percentage."""

from datetime import UTC, datetime, timedelta

import pytest

from core import formats
from core.user_agents import browser_name

NOW = datetime(2026, 11, 28, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("style", "shown"),
    [("", "28 Nov 2026, 12:00 UTC"), ("day", "28 Nov 2026"), ("precise", "28 Nov 2026, 12:00:05 UTC")],
)
def test_a_moment_is_written_in_utc(style: str, shown: str) -> None:
    assert formats.utc(NOW, style) == shown


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=-3), "in 3 days"),
    ],
)
def test_a_distance_in_time_is_written_in_its_largest_unit(before: timedelta, shown: str) -> None:
    assert formats.ago(NOW - before, now=NOW) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0032, "3.2 ms"), (1, "1 second"), (90, "90 seconds"), (121, "3 minutes"), (300, "5 minutes")],
)
def test_a_duration_is_rounded_up_to_what_people_count_in(seconds: float, shown: str) -> None:
    assert formats.duration(seconds) == shown


def test_numbers_and_shares_have_separators_and_no_space_before_the_sign() -> None:
    assert formats.number(1234567) == "1,234,567"
    assert [formats.percent(share) for share in (0, 1 / 3, 1)] == ["0%", "33.3%", "100%"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Version/26.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        (None, "Unknown browser"),
    ],
)
def test_a_browser_is_called_by_its_name(sent: str | None, shown: str) -> None:
    assert browser_name(sent) == shown
