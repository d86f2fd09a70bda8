"""A service that the client meets over a real socket: the app of the test, in its transaction that is rolled back."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from ai_governance import Client
from flask import Flask
from werkzeug.datastructures import Headers

from tests.cast import Member
from tests.sdk.chat_provider import ChatProvider

LOST, HANGS, NONSENSE = "the answer is lost", "it hangs", "an answer that is none"


class Fronted:
    """The app behind a socket, one request at a time. What goes wrong with the next ones is listed in `faults`."""

    def __init__(self, app: Flask) -> None:
        self.seen: list[dict[str, str]] = []
        self.connections = 0
        self.faults: list[str | int | None] = []
        self._app = app
        self._turn = threading.Lock()
        self._is_over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def setup(self) -> None:
                super().setup()
                front.connections += 1

            def handle_any(self) -> None:
                front.answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815  as its base names them

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.seen.append({**dict(handler.headers), "path": handler.path})
        fault = self.faults.pop(0) if self.faults else None
        if fault == HANGS:
            self._is_over.wait(10)
        if fault in {None, LOST}:
            with self._turn:
                made = self._app.test_client().open(
                    handler.path, method=handler.command, headers=dict(handler.headers), data=body
                )
                status, content, headers = made.status_code, made.get_data(), made.headers
        else:
            status, content, headers = fault if isinstance(fault, int) else 200, b"<html>", Headers()
        if fault in {LOST, HANGS}:
            handler.close_connection = True
            return
        handler.send_response_only(status)
        headers["Content-Length"] = str(len(content))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)


@pytest.fixture
def front(app: Flask) -> Iterator[Fronted]:
    with Fronted(app) as front:
        yield front


@pytest.fixture
def client_of(front: Fronted, ada: Member, tmp_path: Path) -> Iterator[Any]:
    """Clients of Ada's, which are closed before the service is."""
    made: list[Client] = []

    def make(**options: Any) -> Client:
        options = {"spool_folder": tmp_path / "sdk-spool", "total_timeout_s": 2.0, **options}
        made.append(Client(front.url, options.pop("api_key", ada.secret), **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(client_of: Any) -> Client:
    return client_of()  # type: ignore[no-any-return]


@pytest.fixture
def chat_provider() -> Iterator[ChatProvider]:
    with ChatProvider() as provider:
        yield provider
