"""A provider on this machine that speaks OpenAI's and Anthropic's protocols, and counts what reached it."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

TEXT: dict[str, Any] = {"role": "assistant", "content": "hi"}
ANTHROPIC_MESSAGE: dict[str, Any] = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def a_call_of(tool: str, arguments: str = "{}") -> dict[str, Any]:
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


class ChatProvider:
    """Answers with each of `answers` once and then with a text; with an error first, as often as `failures` says."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.failures = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                provider.asked.append(asked)
                status, kind, body = provider.answer(asked, self.path)
                self.send_response_only(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def answer(self, asked: dict[str, Any], path: str) -> tuple[int, str, bytes]:
        if self.failures:
            self.failures -= 1
            return 500, "application/json", b'{"error": {"message": "not now"}}'
        if path.endswith("/messages"):
            return 200, "application/json", json.dumps({**ANTHROPIC_MESSAGE, "model": asked["model"]}).encode()
        message = self.answers.pop(0) if self.answers else TEXT
        if asked.get("stream"):
            return 200, "text/event-stream", b"".join(_events(message, asked["model"]))
        return 200, "application/json", json.dumps(_completion(message, asked["model"])).encode()


def _reason_of(message: dict[str, Any]) -> str:
    return "tool_calls" if "tool_calls" in message else "stop"


def _completion(message: dict[str, Any], model: str) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "finish_reason": _reason_of(message), "message": message}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def _events(message: dict[str, Any], model: str) -> Iterator[bytes]:
    calls = [{"index": place, **call} for place, call in enumerate(message.get("tool_calls", ()))]
    delta = {**message, **({"tool_calls": calls} if calls else {})}
    for change, reason in ((delta, None), ({}, _reason_of(message))):
        choice = {"index": 0, "delta": change, "finish_reason": reason}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    yield b"data: [DONE]\n\n"
