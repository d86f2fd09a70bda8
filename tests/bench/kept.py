"""The last comparison that was kept in the repository, and what got slower since: in ratios, since machines differ."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.clock import utc_now
from tests.bench.report import Report

FILE = Path(__file__).with_name("kept.json")
SLOWER_BELOW = 0.85
"""Of the kept ratio: less is noise on a shared machine."""


class Kept(msgspec.Struct, frozen=True):
    date: str
    to_echo: dict[str, float]
    """Requests per second divided by those of the echo, by contestant and connections."""


def compare(to_echo: Mapping[str, float], report: Report) -> None:
    if not FILE.exists():
        report.remark("No comparison was kept yet. Run with --keep to keep this one.")
        return
    before = msgspec.json.decode(FILE.read_bytes(), type=Kept)
    slower = [
        f"{name}: {now:.2f} of the echo, {before.to_echo[name]:.2f} on {before.date}"
        for name, now in to_echo.items()
        if name in before.to_echo and now < SLOWER_BELOW * before.to_echo[name]
    ]
    report.remark(f"Slower than kept: {'; '.join(slower)}." if slower else f"Nothing is slower than on {before.date}.")


def keep(to_echo: Mapping[str, float]) -> None:
    rounded = {name: round(ratio, 2) for name, ratio in to_echo.items()}
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(Kept(f"{utc_now():%Y-%m-%d}", rounded))) + b"\n")
