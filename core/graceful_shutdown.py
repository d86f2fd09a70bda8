"""How a web process stops: from the signal on, each answer is the last on its connection.

The server stops accepting connections, but would go on serving those that are open for as long as callers keep asking,
until it is killed in the middle of an answer.
"""

import asyncio
import signal
from collections.abc import Callable
from threading import Event
from typing import TypeVarTuple

SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
Given = TypeVarTuple("Given")
is_stopping = Event()
"""Set once this process was told to stop."""


class NoticingLoop(asyncio.SelectorEventLoop):
    """An event loop that notes the signal to stop before it does what its server wants done upon it."""

    def add_signal_handler(self, sig: int, callback: Callable[[*Given], object], *args: *Given) -> None:
        def notice(*given: *Given) -> None:
            if sig in SIGNALS:
                is_stopping.set()
            callback(*given)

        super().add_signal_handler(sig, notice, *args)


def new_loop() -> asyncio.AbstractEventLoop:
    """The event loop of a web process, as the current one of its thread."""
    loop = NoticingLoop()
    asyncio.set_event_loop(loop)
    return loop
