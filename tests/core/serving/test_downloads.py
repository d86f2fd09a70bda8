"""Flask behind the loop: what it answers is sent as it is, and half a download never looks like a whole one."""

import asyncio
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from flask import Flask, Response, request

from core.serving import TURN, Broken, FlaskHandler, WebServer
from core.settings import Settings
from tests.core.serving.test_requests import pieces, scope

HOST = [(b"host", b"localhost")]
SETTINGS = Settings(web_threads=8)


class Sent:
    """What the server was given to send."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(dict(message))

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def is_whole(self) -> bool:
        return not self.messages[-1].get("more_body", True)


def served(app: Flask, path: str, body: bytes = b"", **head: Any) -> Sent:
    sent = Sent()
    server = WebServer(FlaskHandler(app.wsgi_app, SETTINGS, session_cookie="aig"), {}, SETTINGS, is_stopping=Event())
    headers = [*HOST, *([(b"content-length", str(len(body)).encode())] if body else [])]
    asyncio.run(server(scope(path=path, headers=headers, **head), pieces(body), sent))
    return sent


@pytest.fixture
def flask() -> Flask:
    app = Flask(__name__)

    @app.post("/echo")
    def echo() -> Response:
        return Response(request.get_data())

    @app.get("/long")
    def long() -> Response:
        return Response(b"x" * 1_000 for _ in range(1_000))

    @app.get("/broken")
    def broken() -> Response:
        def half() -> Iterator[bytes]:
            yield b"x" * 100_000
            raise OSError("the database is away")

        return Response(half())

    @app.get("/closed")
    def closed() -> Response:
        answer = Response(b"x" * 1_000 for _ in range(100))
        answer.call_on_close(lambda: app.config.update(IS_CLOSED=True))
        return answer

    @app.get("/unmade")
    def unmade() -> Response:
        return Response(bytes(int("no number")) for _ in range(1))

    return app


def test_flask_reads_the_body_and_its_answer_is_sent(flask: Flask) -> None:
    sent = served(flask, "/echo", b"hello")

    assert (sent.status, sent.body, sent.is_whole) == (200, b"hello", True)


def test_flask_reads_a_body_that_comes_in_chunks(flask: Flask) -> None:
    sent = Sent()
    server = WebServer(FlaskHandler(flask.wsgi_app, SETTINGS, session_cookie="aig"), {}, SETTINGS, is_stopping=Event())
    head = scope(path="/echo", headers=[*HOST, (b"transfer-encoding", b"chunked")])

    asyncio.run(server(head, pieces(b"hel", b"lo"), sent))

    assert (sent.status, sent.body) == (200, b"hello")


def test_a_long_download_comes_in_pieces_and_whole(flask: Flask) -> None:
    sent = served(flask, "/long", method="GET")

    assert (sent.status, sent.body, sent.is_whole) == (200, b"x" * 1_000_000, True)
    assert 10 < len(sent.messages) < 30


def test_a_download_that_fails_midway_breaks_its_connection(flask: Flask) -> None:
    sent = Sent()
    server = WebServer(FlaskHandler(flask.wsgi_app, SETTINGS, session_cookie="aig"), {}, SETTINGS, is_stopping=Event())

    with pytest.raises(Broken):
        asyncio.run(server(scope(path="/broken", method="GET", headers=HOST), pieces(b""), sent))

    assert sent.status == 200
    assert not sent.is_whole


def test_a_download_that_fails_before_it_begins_is_an_error(flask: Flask) -> None:
    sent = served(flask, "/unmade", method="GET")

    assert sent.status == 500
    assert sent.is_whole


def test_what_a_download_held_is_let_go(flask: Flask) -> None:
    served(flask, "/closed", method="GET")

    assert flask.config["IS_CLOSED"]


def test_a_body_beyond_every_bound_is_refused_without_asking_flask(
    flask: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.serving.flask_handler.MOST_BODY_BYTES", 10)

    assert served(flask, "/echo", b"x" * 11).status == 413


def test_one_session_never_has_all_places_for_pages_although_all_share_an_address() -> None:
    asked: list[str] = []
    gate = Event()

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        asked.append(environ["HTTP_COOKIE"])
        gate.wait(5)
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    async def scene() -> list[str]:
        server = WebServer(FlaskHandler(wsgi, SETTINGS, session_cookie="aig"), {}, SETTINGS, is_stopping=Event())
        cookies = [*["aig=greedy"] * 8, "theme=dark; aig=modest"]
        heads = [scope(path="/", method="GET", headers=[*HOST, (b"cookie", cookie.encode())]) for cookie in cookies]
        tasks = [asyncio.create_task(server(head, pieces(b""), Sent())) for head in heads]
        await asyncio.sleep(0.5)
        before = list(asked)
        gate.set()
        await asyncio.gather(*tasks)
        return before

    assert sorted(asyncio.run(scene())) == [*["aig=greedy"] * 4, "theme=dark; aig=modest"]


def test_an_unknown_host_is_refused_whatever_would_answer() -> None:
    async def handler(_request: Any) -> None:
        raise AssertionError("it was asked")

    async def scene() -> Sent:
        sent = Sent()
        server = WebServer(handler, {"/v1/check": handler}, SETTINGS, is_stopping=Event())
        await server(scope(path="/v1/check", headers=[(b"host", b"evil.example")]), pieces(b""), sent)
        return sent

    sent = asyncio.run(scene())

    assert sent.status == 400
    assert b"unknown_host" in sent.body


def test_an_organization_has_half_of_the_places_for_downloads_whoever_of_it_asks() -> None:
    made: list[str] = []

    def wsgi(environ: Any, start_response: Any) -> Iterator[bytes]:
        environ[TURN] = environ["PATH_INFO"]
        start_response("200 OK", [])
        made.append(environ["PATH_INFO"])
        return iter([b"x" * 70_000] * 3)

    async def scene() -> list[str]:
        handler = FlaskHandler(wsgi, SETTINGS, session_cookie="aig")
        server = WebServer(handler, {}, SETTINGS, is_stopping=Event())
        gate, began = asyncio.Event(), []

        async def one(path: str, key: bytes) -> None:
            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    began.append(path)
                await gate.wait()

            await server(scope(path=path, method="GET", headers=[*HOST, (b"authorization", key)]), pieces(b""), send)

        asked = [asyncio.create_task(one("/greedy", bytes([number]))) for number in range(65, 70)]
        await asyncio.sleep(0.1)
        asked.append(asyncio.create_task(one("/modest", b"z")))
        await asyncio.sleep(0.1)
        before = list(began)
        gate.set()
        await asyncio.gather(*asked)
        return before

    assert asyncio.run(scene()) == ["/greedy", "/modest"]
