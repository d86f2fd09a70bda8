"""The least a Flask service can do: give back the JSON it was sent. The measure for all others."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, jsonify, request

from tests.bench import question
from tests.bench.contestants import Contestant
from tests.bench.processes import answers, free_port, running

NAME = "echo"

app = Flask(__name__)


@app.post("/echo")
def echo() -> Response:
    return jsonify(request.get_json())


@app.get("/ready")
def ready() -> str:
    return "yes"


@contextmanager
def serving(log_folder: Path) -> Iterator[Contestant]:
    """Granian with two workers of one blocking thread each, the fastest of its settings for an echo."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "tests.bench.echo:app", "--host", "127.0.0.1"]
    options = ["--port", str(port), "--workers", "2", "--blocking-threads", "1", "--log-level", "error", "--no-ws"]
    with running(
        NAME, [*command, *options], log_folder=log_folder, is_ready=lambda: answers(f"{url}/ready")
    ) as process:
        yield Contestant(
            name=NAME,
            url=f"{url}/echo",
            body_of=question.our_body,
            says_yes=lambda answer: b'"metadata"' in answer,
            roots=(process,),
        )
