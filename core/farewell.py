"""How a web process takes leave: from the signal to stop on, each answer is the last on its connection.

The server stops accepting connections, but would go on serving those that are open for as long as callers keep asking,
until it is killed in the middle of an answer.
"""

import signal
import socket
from collections.abc import Callable, Iterable
from threading import Event, Thread
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_LAST = ("Connection", "close")


class Farewell:
    """WSGI middleware around all of the app. `wait` returns once the process was told to stop."""

    def __init__(self, wsgi_app: WSGIApplication, wait: Callable[[], object]) -> None:
        self._wsgi_app = wsgi_app
        self._wait = wait
        self._is_stopping = Event()
        Thread(target=self._listen, name="farewell", daemon=True).start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            last = [_LAST] if self._is_stopping.is_set() else []
            return start_response(status, [*headers, *last], *error)

        return self._wsgi_app(environ, start)

    def _listen(self) -> None:
        self._wait()
        self._is_stopping.set()


def signal_to_stop() -> Callable[[], object]:
    """What to call to wait for a signal. Called itself in the main thread, whose handlers stay as they are."""
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    signal.set_wakeup_fd(mouth.detach(), warn_on_full_buffer=False)
    return lambda: ear.recv(1)
