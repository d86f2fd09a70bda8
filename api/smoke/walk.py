"""The steps of the walk, as far as a key allows: what it may not do is skipped, and said."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import msgspec

from api.smoke.client import Client, Reply, Unreachable
from core.clock import monotonic_s

HARMLESS = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": False}}
CONTENT = {"model": "gpt-4o", "operation": "chat", "metadata": {"prompt": "Dear Ms Jones"}}
MOST_CHECKS = 250
"""A limit that leaves more than that is not walked up to."""
_READY_WITHIN_S = 2.0
_REVOKED_WITHIN_S = 2.0
_SIDE_BY_SIDE = 8


class Outcome(StrEnum):
    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failed"


class Step(msgspec.Struct, frozen=True):
    name: str
    outcome: Outcome
    words: str


class Skipped(Exception):
    """The key, or what it met before, does not let this be seen."""


class Failed(Exception):
    """The service does not do what it promises."""


class Walk:
    """Needs `key`; with the scope keys:write it makes a new one, walks with that, and revokes it."""

    def __init__(self, url: str, key: str, *, name: str, most_checks: int = MOST_CHECKS) -> None:
        self._url, self._given, self._name, self._most_checks = url, key, name, most_checks
        self._client = Client(url)
        self._key, self._key_id = key, ""
        self._reads_with = key
        self._decision_id = ""
        self._window_began_s = 0.0

    def steps(self) -> Iterator[Step]:
        """One after the other as they are done. Raises Unreachable if nobody answers at the start."""
        with closing(self._client):
            yield Step("ready", *self._outcome_of(self._see_ready, may_be_unreachable=False))
            for name, act in (
                ("no key", self._ask_without_key),
                ("key", self._make_key),
                ("empty log", self._see_empty_log),
                ("check", self._check),
                ("content", self._send_content),
                ("log", self._see_log),
                ("limit", self._reach_limit),
                ("revoke", self._revoke),
            ):
                yield Step(name, *self._outcome_of(act))

    @staticmethod
    def _outcome_of(act: Callable[[], str], *, may_be_unreachable: bool = True) -> tuple[Outcome, str]:
        try:
            return Outcome.PASSED, act()
        except Skipped as why:
            return Outcome.SKIPPED, str(why)
        except Failed as why:
            return Outcome.FAILED, str(why)
        except Unreachable as why:
            if not may_be_unreachable:
                raise
            return Outcome.FAILED, str(why)

    def _see_ready(self) -> str:
        reply = self._client.get("/health/ready")
        _need(reply, HTTPStatus.OK)
        if reply.seconds > _READY_WITHIN_S:
            raise Failed(f"/health/ready took {reply.seconds:.1f} s.")
        return f"/health/ready answers 200 in {reply.seconds * 1000:.0f} ms."

    def _ask_without_key(self) -> str:
        _need(self._client.post("/v1/check", HARMLESS), HTTPStatus.UNAUTHORIZED, code="missing_api_key")
        return "A check without a key gets 401."

    def _make_key(self) -> str:
        for scopes in (("checks:write", "decisions:read"), ("checks:write",)):
            wanted = {"name": self._name, "environment": self._given.split("_")[1], "scopes": scopes}
            reply = self._client.post("/v1/keys", wanted, key=self._given)
            if reply.code != "scope_not_held":
                break
        if reply.code in {"missing_scope", "key_limit_reached"}:
            raise Skipped(f"No new key was created; continuing with the given one ({reply.summary})")
        _need(reply, HTTPStatus.CREATED)
        self._key, self._key_id = reply.body["secret"], reply.body["key"]["id"]
        if "decisions:read" in scopes:
            self._reads_with = self._key
        return f"A new key was created: {self._key_id}."

    def _see_empty_log(self) -> str:
        if not self._key_id:
            raise Skipped("Needs a new key.")
        reply = self._client.get(f"/v1/decisions?key={self._key_id}", key=self._reads_with)
        _need_scope(reply)
        _need(reply, HTTPStatus.OK)
        if reply.body["decisions"]:
            raise Failed("The log of a new key is not empty.")
        return "The log of the new key is empty."

    def _check(self) -> str:
        self._window_began_s = monotonic_s()
        reply = self._client.post("/v1/check", HARMLESS, key=self._key)
        _need(reply, HTTPStatus.OK)
        if not isinstance(reply.body.get("allowed"), bool) or "decision_id" not in reply.body:
            raise Failed("The response of the check has no decision.")
        self._decision_id = reply.body["decision_id"]
        word = "allowed" if reply.body["allowed"] else f"blocked ({reply.body.get('reason')})"
        return f"{self._decision_id}: {word}, in {reply.seconds * 1000:.0f} ms."

    def _send_content(self) -> str:
        reply = self._client.post("/v1/check", CONTENT, key=self._key)
        _need(reply, HTTPStatus.BAD_REQUEST, code="content_refused")
        return "A prompt in the metadata is refused."

    def _see_log(self) -> str:
        self._need_check()
        reply = self._client.get(f"/v1/decisions/{self._decision_id}", key=self._reads_with)
        _need_scope(reply)
        _need(reply, HTTPStatus.OK)
        if reply.body.get("model") != HARMLESS["model"]:
            raise Failed("The decision in the log differs from the response.")
        return "The decision is in the log."

    def _reach_limit(self) -> str:
        """As many checks as are left, and one more."""
        self._need_check()
        count = self._remaining()
        if count > self._most_checks:
            raise Skipped(f"{count} checks are left in this minute; at most {self._most_checks} are sent.")
        if refused := [reply for reply in self._ask_many(count) if reply.status != HTTPStatus.OK]:
            raise Failed(f"{len(refused)} of {count} checks within the limit were refused: {refused[0].summary}")
        last = self._client.post("/v1/check", HARMLESS, key=self._key)
        if monotonic_s() - self._window_began_s >= 60:  # noqa: PLR2004  the seconds of a window
            raise Skipped("The checks took longer than the minute that the limit is for.")
        _need(last, HTTPStatus.TOO_MANY_REQUESTS)
        if "retry-after" not in last.headers:
            raise Failed("The 429 does not say Retry-After.")
        return f"{count} more checks pass, the next gets 429 with Retry-After {last.headers['retry-after']} s."

    def _revoke(self) -> str:
        if not self._key_id:
            raise Skipped("No key was created.")
        _need(self._client.post(f"/v1/keys/{self._key_id}/revoke", {}, key=self._given), HTTPStatus.OK)
        began_s = monotonic_s()
        while (reply := self._client.post("/v1/check", HARMLESS, key=self._key)).status != HTTPStatus.UNAUTHORIZED:
            if monotonic_s() - began_s > _REVOKED_WITHIN_S:
                raise Failed(f"The revoked key {self._key_id} still works: {reply.summary}")
        return "The new key is revoked, and gets 401."

    def _remaining(self) -> int:
        """As a check says it."""
        reply = self._client.post("/v1/check", HARMLESS, key=self._key)
        _need(reply, HTTPStatus.OK)
        found = reply.headers.get("ratelimit-remaining", "")
        if not (found.isascii() and found.isdigit()):
            raise Failed("The response of a check does not say RateLimit-Remaining.")
        return int(found)

    def _need_check(self) -> None:
        if not self._decision_id:
            raise Skipped("No check went through.")

    def _ask_many(self, count: int) -> list[Reply]:
        """Side by side, so that the answers come within the window also from afar."""
        with ExitStack() as held, ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            clients = [held.enter_context(closing(Client(self._url))) for _ in range(_SIDE_BY_SIDE)]
            shares = [range(number, count, _SIDE_BY_SIDE) for number in range(_SIDE_BY_SIDE)]
            return [reply for replies in pool.map(self._ask_with, clients, shares) for reply in replies]

    def _ask_with(self, client: Client, share: range) -> list[Reply]:
        return [client.post("/v1/check", HARMLESS, key=self._key) for _ in share]


def _need(reply: Reply, status: HTTPStatus, *, code: str = "") -> Any:
    if reply.status != status or (code and reply.code != code):
        raise Failed(f"Expected {status.value}{f' {code}' if code else ''}, got {reply.summary}")


def _need_scope(reply: Reply) -> None:
    if reply.code == "missing_scope":
        raise Skipped("The key lacks the scope decisions:read.")
