"""Stripe as it fails: the answer to a write is lost, or it is an error that is given again to the same key."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from core.db import db
from local.stripe_sandbox.transport import Sandbox

Answer = tuple[str, int, Mapping[str, str]]
Ask = Callable[[], Answer]


class Dies(BaseException):
    """The process is gone in the middle."""


class FaultyStripe:
    """Carries everything out, but the writes whose path matches: those are carried out or not, and end as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes: list[tuple[str, str]] = []
        """Path and key of each that was asked for."""
        self._fails = re.compile("$^")
        self._is_applied, self._error = False, "lost"
        self._broken: dict[str, Answer] = {}
        self._meanwhile: tuple[re.Pattern[str], Callable[[], Any]] | None = None
        ask = Sandbox.request

        def request(sandbox: Sandbox, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> Answer:
            return self._answer(method, url, headers or {}, lambda: ask(sandbox, method, url, headers, post_data))

        monkeypatch.setattr(Sandbox, "request", request)

    def fail(self, path: str, *, is_applied: bool, error: str = "lost") -> None:
        self._fails, self._is_applied, self._error = re.compile(path), is_applied, error

    def meanwhile(self, path: str, act: Callable[[], Any]) -> None:
        """Something happens at Stripe a moment before that write, once."""
        self._meanwhile = re.compile(path), act

    def heal(self) -> None:
        """What was answered with an error stays so for its key."""
        self._fails = re.compile("$^")

    def _answer(self, method: str, url: str, headers: Mapping[str, str], ask: Ask) -> Answer:
        path, key = urlsplit(url).path, headers.get("Idempotency-Key", "")
        if method.upper() == "GET":
            return ask()
        self.writes.append((path, key))
        if self._meanwhile is not None and self._meanwhile[0].search(f"{method.upper()} {path}"):
            act, self._meanwhile = self._meanwhile[1], None
            act()
            db.session.commit()
        if key in self._broken:
            return self._broken[key]
        if not self._fails.search(f"{method.upper()} {path}"):
            return ask()
        if self._is_applied:
            ask()
            db.session.commit()  # whatever becomes of who asked, Stripe keeps it
        if self._error == "dies":
            raise Dies
        if self._error == "broken":
            sorry = json.dumps({"error": {"type": "api_error", "message": "Sorry."}}), 500, dict[str, str]()
            if key:
                self._broken[key] = sorry
            return sorry
        raise stripe.APIConnectionError("The answer is lost.", should_retry=False)  # type: ignore[no-untyped-call]
