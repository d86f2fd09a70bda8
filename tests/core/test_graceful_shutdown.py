"""From the signal to stop on, each answer is the last on its connection."""

import os
import signal
from contextlib import closing

import pytest

from core import graceful_shutdown
from core.graceful_shutdown import NoticingLoop


@pytest.fixture(autouse=True)
def _as_before() -> None:
    graceful_shutdown.is_stopping.clear()


def test_a_signal_to_stop_is_noted_and_handed_on() -> None:
    heard: list[str] = []
    with closing(NoticingLoop()) as loop:
        loop.add_signal_handler(signal.SIGTERM, heard.append, "term")
        loop.call_later(0.05, loop.stop)
        loop.call_soon(os.kill, os.getpid(), signal.SIGTERM)
        loop.run_forever()

    assert heard == ["term"]
    assert graceful_shutdown.is_stopping.is_set()
    graceful_shutdown.is_stopping.clear()


def test_another_signal_is_only_handed_on() -> None:
    heard: list[str] = []
    with closing(NoticingLoop()) as loop:
        loop.add_signal_handler(signal.SIGHUP, heard.append, "hup")
        loop.call_later(0.05, loop.stop)
        loop.call_soon(os.kill, os.getpid(), signal.SIGHUP)
        loop.run_forever()

    assert heard == ["hup"]
    assert not graceful_shutdown.is_stopping.is_set()
