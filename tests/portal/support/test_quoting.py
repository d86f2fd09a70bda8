"""What somebody wrote, without what they quote, as the common mail programs send it."""

import pytest

from core.clock import monotonic_s
from portal.support.quoting import LINE_ABOVE, latest


@pytest.mark.parametrize(
    ("mail", "written"),
    [
        ("It works now.", "It works now."),
        (f"It works.\n\nOn Thu, 1 Oct 2026, Support wrote:\n> {LINE_ABOVE}\n>\n> Hello", "It works."),
        (f"It works.\n\nOn Thu, 1 Oct 2026 at 10:00\nSupport <s@x.example> wrote:\n\n> {LINE_ABOVE}", "It works."),
        (f"Es geht.\n\nAm 01.10.26 um 10:00 schrieb Support:\n\n{LINE_ABOVE}\n\nHello", "Es geht."),
        (f"It works.\n\n{LINE_ABOVE}\nHello", "It works."),
        ("Two things:\n\nfirst\nsecond", "Two things:\n\nfirst\nsecond"),
        ("See below:\n> Is it so?\nYes.", "See below:\n> Is it so?\nYes."),
        (f"> {LINE_ABOVE}\n\nunder it", f"> {LINE_ABOVE}\n\nunder it"),
        (
            "Thanks.\n> Is it so?\nYes, always.\n> Since when?\nNoon.",
            "Thanks.\n> Is it so?\nYes, always.\n> Since when?\nNoon.",
        ),
        ("", ""),
    ],
)
def test_the_newest_words_are_kept(mail: str, written: str) -> None:
    assert latest(mail) == written


@pytest.mark.parametrize("unit", ["On ", "> ", "\n", "wrote: ", "From: a\n", " "])
def test_no_mail_takes_long_to_read(unit: str) -> None:
    started_s = monotonic_s()

    latest(unit * 1_000_000)
    latest(unit * 1_000_000 + "> quoted")

    assert monotonic_s() - started_s < 5
