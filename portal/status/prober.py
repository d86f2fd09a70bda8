"""Asks our own service what customers ask of it. Goes over the network; never within a transaction."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

from core.clock import monotonic_s
from portal.status.detection import Sample
from portal.status.states import Component

ANSWER_WITHIN_S = 5
READ_BACK_TRIES = 4
"""A decision that took the way over the spool is in the log a moment later."""
KEY_REFUSED = "refused the key"
QUESTION = msgspec.json.encode(
    {"model": "status-probe", "operation": "chat", "metadata": {"contains_personal_data": False}}
)


class _Answer(msgspec.Struct):
    decision_id: str


def run(url: str, secret: str, *, now: datetime) -> Iterator[Sample]:
    """One probe of each component that answers over HTTP."""
    asked: list[str] = []

    def check() -> None:
        answer = _ask(f"{url}/v1/check", secret, body=QUESTION)
        asked.append(msgspec.json.decode(answer, type=_Answer).decision_id)

    def read_back() -> None:
        if not asked:
            _ask(f"{url}/v1/decisions?limit=1", secret)
        else:
            _read_back(f"{url}/v1/decisions/{asked[0]}", secret)

    yield _timed(Component.CHECK_API, check, now=now)
    yield _timed(Component.MANAGEMENT_API, lambda: _ask(f"{url}/v1/policies", secret), now=now)
    yield _timed(Component.DECISION_LOG, read_back, now=now)
    yield _timed(Component.PORTAL, lambda: _ask(f"{url}/log-in", None), now=now)


def _read_back(url: str, secret: str) -> None:
    for left in range(READ_BACK_TRIES - 1, -1, -1):
        try:
            _ask(url, secret)
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND or not left:
                raise
        else:
            return
        time.sleep(0.5)


def _timed(component: Component, ask: Callable[[], object], *, now: datetime) -> Sample:
    started_s = monotonic_s()
    failure = None
    try:
        ask()
    except HTTPError as error:
        failure = KEY_REFUSED if error.code == HTTPStatus.UNAUTHORIZED else f"HTTP {error.code}"
    except TimeoutError:
        failure = "timed out"
    except OSError:
        failure = "not reachable"
    except (HTTPException, msgspec.DecodeError):
        failure = "unexpected response"
    return Sample(
        component=component,
        probed_at=now,
        is_ok=failure is None,
        seconds=monotonic_s() - started_s,
        failure=failure,
    )


def _ask(url: str, secret: str | None, *, body: bytes | None = None) -> bytes:
    headers = {"User-Agent": "AI-Governance-Status-Probe", "Accept": "*/*"}
    if secret is not None:
        headers["Authorization"] = f"Bearer {secret}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    with urlopen(Request(url, data=body, headers=headers), timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310  our own
        content: bytes = answer.read(1_000_000)
        return content
