"""Stripe that takes every connection and never answers, on a real socket."""

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def hanging_stripe() -> Iterator[str]:
    """Its address. Connections are kept until the end."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        for connection in taken:
            connection.close()
        thread.join(5)


@contextlib.contextmanager
def resetting_stripe() -> Iterator[str]:
    """Closes every connection without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
