"""`python -m core.web_process`: the web server, as several processes that accept from one listening socket.

The app's modules are loaded before the first fork: all processes share that memory, and one that takes the place of
another serves within a second. A process that ends by itself is replaced; a signal to stop goes to all.
"""

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

import structlog
from prometheus_client.multiprocess import mark_process_dead

from core.clock import monotonic_s
from core.environment import read_settings
from core.graceful_shutdown import is_stopping
from core.observability import set_up_logging
from core.restarts import Restarts
from core.serving.accepting import Connections, Shares
from core.serving.command import APP, WORKER_STOPPED_WITHIN_S
from core.serving.listener import CONNECTIONS_WAITING, serve
from core.settings import Settings

log = structlog.get_logger()

SWITCH_INTERVAL_S = 0.0002
"""How long a thread that only computes may keep the others waiting; the usual 5 ms add up where several do."""
LOOK_EVERY_S = 0.1
AGAIN_AFTER_S, AGAIN_AFTER_MOST_S = 0.1, 5.0
"""One that can't start must not be forked as fast as the machine can: the others serve meanwhile."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_processes = get_context("fork")


def load(factory: str) -> Callable[[], Any]:
    """The function `module:function`, not called yet: nothing here may hold a connection or a thread."""
    gc.disable()
    module, _, name = factory.partition(":")
    made: Callable[[], Any] = getattr(import_module(module), name)
    mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
    gc.freeze()  # what is never searched is never written to, and stays shared
    gc.enable()
    return made


def run(factory: str) -> None:
    """Until a signal to stop."""
    settings, make_app = read_settings(), load(factory)
    _allow_files()
    set_up_logging(settings)
    listening = _listening(settings)
    shares, parent = Shares(settings.web_workers), os.getpid()

    def work(place: int) -> None:
        _serve(make_app, listening, settings, connections=Connections(shares, place), parent=parent)

    supervisor = Supervisor(settings.web_workers, work, ended=shares.forget)
    supervisor.run()
    listening.close()  # or who connects now would wait for us until the last answer
    supervisor.stop(within_s=_stop_within_s(settings) + 1)


class Supervisor:
    """Keeps `count` processes of `work` running, which is told its place among them; `ended` is told whose ended.

    Used in the main thread alone.
    """

    def __init__(self, count: int, work: Callable[[int], None], *, ended: Callable[[int], None]) -> None:
        self._work = work
        self._ended = ended
        self._restarts = Restarts(first_pause_s=AGAIN_AFTER_S, longest_pause_s=AGAIN_AFTER_MOST_S)
        self._due_s = dict.fromkeys(range(count), 0.0)
        """When the one in each place may be started."""
        self._processes: dict[int, BaseProcess] = {}
        """By their places."""
        self._is_told = False

    def run(self) -> None:
        """Until a signal to stop."""
        for number in _SIGNALS:
            signal.signal(number, self._told)
        while not self._is_told:
            self._forget_the_dead()
            for place, due_s in self._due_s.items():
                if place not in self._processes and due_s <= monotonic_s() and not self._is_told:
                    self._processes[place] = self._started(place)
            time.sleep(LOOK_EVERY_S)

    def stop(self, *, within_s: float) -> None:
        """Tells all, and kills what is left when the time is over."""
        until_s = monotonic_s() + within_s
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.terminate()
        for process in self._processes.values():
            process.join(max(0.0, until_s - monotonic_s()))
            if process.is_alive():
                process.kill()
                process.join()

    def _forget_the_dead(self) -> None:
        dead = [place for place, process in self._processes.items() if not process.is_alive()]
        for place in dead:
            process = self._processes.pop(place)
            self._ended(place)
            log.error("web.process_ended", pid=process.pid, code=process.exitcode)
            now_s = monotonic_s()
            self._due_s[place] = now_s + self._restarts.pause_s(place, now_s=now_s)

    def _started(self, place: int) -> BaseProcess:
        process = _processes.Process(target=self._begin, args=(place,))
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # a stop in this moment must not be noted in our way there
        process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return process

    def _begin(self, place: int) -> None:
        """In each process that serves. One that is told to stop before it accepted anything ends at once."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._work(place)

    def _told(self, _number: int, _frame: FrameType | None) -> None:
        self._is_told = True


def _serve(
    make_app: Callable[[], Any],
    listening: socket.socket,
    settings: Settings,
    *,
    connections: Connections,
    parent: int,
) -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    app = make_app()
    within_s = _stop_within_s(settings)
    served = serve(
        app,
        listening,
        is_stopping=is_stopping,
        stop_within_s=within_s,
        connections=connections,
        at_once=app.at_once,
        parent=parent,
    )
    asyncio.run(served)


def _allow_files() -> None:
    """As many as may be had: a connection is one, and the limit that many systems begin with is 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so that answers leave at once
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((settings.host, settings.port))
    listening.listen(CONNECTIONS_WAITING)
    listening.setblocking(False)
    return listening


def _stop_within_s(settings: Settings) -> float:
    """And the time that a commit may take, for the last answers."""
    return WORKER_STOPPED_WITHIN_S + settings.record_timeout_ms / 1000


if __name__ == "__main__":
    run(APP)
