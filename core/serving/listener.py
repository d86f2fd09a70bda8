"""One web process: accepts connections, closes those whose time is over, and stops when it is told to."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from core.clock import monotonic_s
from core.serving.accepting import Accepting, Connections, Shares
from core.serving.connection import App, Connection
from core.serving.exchange import Exchange

LOOK_EVERY_S = 1.0
READ_YET_S = 0.1
"""What was sent to an open connection just before the stop is read and answered yet."""
CONNECTIONS_WAITING = 2_048


async def serve(
    app: App,
    listening: socket.socket,
    *,
    is_stopping: Event,
    stop_within_s: float,
    connections: Connections | None = None,
    at_once: Callable[[Exchange], bool] | None = None,
    parent: int | None = None,
) -> None:
    """Returns once it was told to stop and all that was taken is answered, or the time for that is over.

    It is told by the process `parent`, and stops without that one.
    """
    loop = asyncio.get_running_loop()
    connections = Connections(Shares(), 0) if connections is None else connections
    told = asyncio.Event()

    def stop() -> None:
        is_stopping.set()  # each answer is the last on its connection from now on
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    accepting = Accepting(listening, lambda: Connection(app, connections, at_once), connections)
    while not told.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), LOOK_EVERY_S)
        _close_late(connections)
        if parent is not None and os.getppid() != parent:
            stop()  # nobody is left who would tell us
    accepting.close()
    await _finish(connections, until_s=monotonic_s() + stop_within_s)


def _close_late(connections: set[Connection]) -> None:
    now_s = monotonic_s()
    for connection in [one for one in connections if one.until_s < now_s]:
        connection.time_is_over()


async def _finish(connections: set[Connection], *, until_s: float) -> None:
    await asyncio.sleep(READ_YET_S)
    while connections and monotonic_s() < until_s:
        for connection in list(connections):
            if connection.is_idle:
                connection.close()
        _close_late(connections)
        await asyncio.sleep(0.01)
    for connection in list(connections):
        connection.break_off()
    await asyncio.sleep(0)
