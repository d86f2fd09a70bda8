"""Logs: one JSON object a line, with the request's id, and no words of a caller."""

import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog
from flask import Flask

from core.observability.logs import _JsonLines
from tests.cast import Caller

log = structlog.get_logger()
CANARY = "canary9e2f61"


@pytest.fixture
def lines() -> Iterator[Any]:
    """The lines as they reach standard error, read."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JsonLines())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def test_every_line_of_a_request_has_its_id(
    app: Flask, as_nobody: Caller, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell() -> str:
        log.warning("ours")
        logging.getLogger("some.library").warning("theirs")
        return "told"

    monkeypatch.setitem(app.view_functions, "health.live", tell)

    first, second = as_nobody.get("/health/live"), as_nobody.get("/health/live")

    told = [line for line in lines() if line["event"] in {"ours", "theirs"}]
    ids = [first.headers["X-Request-Id"]] * 2 + [second.headers["X-Request-Id"]] * 2
    assert [line["request_id"] for line in told] == ids


def test_every_line_of_a_check_has_its_id(as_ada: Caller, lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(*_: object) -> None:
        log.warning("deciding")
        raise RuntimeError

    monkeypatch.setattr("api.checks.service.evaluate", tell)

    answer = as_ada.check()

    told = {line["event"]: line for line in lines()}
    assert told["deciding"]["request_id"] == answer.headers["X-Request-Id"]
    assert told["check.failed"]["request_id"] == answer.headers["X-Request-Id"]


def test_what_is_written_outside_of_requests_has_none(as_ada: Caller, as_nobody: Caller, lines: Any) -> None:
    as_ada.check()
    as_nobody.get("/health")
    log.warning("alone")

    (line,) = [line for line in lines() if line["event"] == "alone"]
    assert "request_id" not in line
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["time"])
    assert line["level"] == "warning"


def test_an_exception_is_told_by_its_kind_and_place(lines: Any) -> None:
    try:
        int(CANARY)
    except ValueError:
        logging.getLogger("some.library").exception("theirs")
        log.exception("ours")

    for line in lines():
        assert line["exception"] == "ValueError"
        assert line["raised_at"].endswith("test_an_exception_is_told_by_its_kind_and_place")
        assert CANARY not in str(line)


def test_a_job_is_told_by_its_name_and_not_by_its_arguments(lines: Any) -> None:
    job = {"id": 7, "task_name": "core.mail.deliver_mail", "task_kwargs": {"to": CANARY}}

    logging.getLogger("procrastinate.worker").error(
        "Job deliver_mail[7](to=%s) failed", CANARY, extra={"action": "job_error", "job": job}
    )

    (line,) = [line for line in lines() if line["event"] == "job_error"]
    assert (line["task"], line["job_id"]) == ("core.mail.deliver_mail", 7)
    assert CANARY not in str(line)
