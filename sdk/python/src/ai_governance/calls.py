"""One call of the API: the request, one retry where it is safe, and an answer or an error."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ai_governance.configuration import Configuration
from ai_governance.errors import SERVER_ERRORS_FROM, ApiError, UnavailableError, error_of
from ai_governance.transport import Deadline, Pool, Response, Unreachable

log = logging.getLogger("ai_governance")

LONGEST_RETRY_AFTER_S = 1.0
_RATE_LIMITED = 429
_RETRIED = frozenset({_RATE_LIMITED, 502, 503, 504})
_SUCCESS = range(200, 300)


class Calls:
    """Sends requests for one client. Raises ApiError for a refusal and Unreachable where no answer came."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.pool = Pool(
            configuration.base_url,
            headers=configuration.headers,
            connect_timeout_s=configuration.connect_timeout_s,
        )

    def send(
        self, method: str, path: str, body: bytes | None = None, *, idempotency_key: str | None = None
    ) -> tuple[Any, Mapping[str, str]]:
        """The JSON of the answer, and its headers."""
        response = self._send(method, path, body, idempotency_key)
        if response.status not in _SUCCESS:
            raise refusal_of(response)
        return _json_of(response), response.headers

    def fetch(self, method: str, path: str, body: Any = None) -> Any:
        """As `send`, of a call that is not a check. Raises UnavailableError in place of Unreachable."""
        try:
            return self.send(method, path, None if body is None else encode(body))[0]
        except Unreachable as error:
            raise UnavailableError(f"The service could not be reached: {error}.") from error

    def lines(self, path: str, *, timeout_s: float) -> Iterator[bytes]:
        try:
            head, lines = self.pool.stream("GET", path, headers={}, timeout_s=timeout_s)
            if head.status not in _SUCCESS:
                raise refusal_of(Response(head.status, head.headers, b"".join(lines)))
            yield from lines
        except Unreachable as error:
            raise UnavailableError(f"The service could not be reached: {error}.") from error

    def _send(self, method: str, path: str, body: bytes | None, key: str | None) -> Response:
        headers = {"Idempotency-Key": key} if key else {}
        deadline = Deadline(self._configuration.total_timeout_s)
        is_safe = key is not None or method == "GET"
        for is_last in (False, True):
            try:
                response = self.pool.send(method, path, body=body, headers=headers, deadline=deadline)
            except Unreachable as error:
                if is_last or (error.may_have_arrived and not is_safe) or not _is_time_left(deadline, 0):
                    raise
                log.info("retry: %s %s after %s", method, path, error)
                continue
            pause_s = _pause_s(response) if not is_last and is_safe else None
            if pause_s is None or not _is_time_left(deadline, pause_s):
                return response
            log.info("retry: %s %s after status %d", method, path, response.status)
            time.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")


def encode(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def refusal_of(response: Response) -> ApiError:
    try:
        problem = json.loads(response.body)
    except ValueError:
        problem = {}
    return error_of(response.status, problem, retry_after_s=_retry_after_s(response))


def is_unavailable(error: ApiError) -> bool:
    """Whether the service was there but could not decide. A rate limit is an answer."""
    return error.status >= SERVER_ERRORS_FROM or error.problem_code == "request_timeout"


def _json_of(response: Response) -> Any:
    try:
        return json.loads(response.body)
    except ValueError as error:
        raise Unreachable("the answer is not JSON", may_have_arrived=True) from error


def _pause_s(response: Response) -> float | None:
    """How long to wait before a retry; None where none would help."""
    if response.status not in _RETRIED:
        return None
    wanted_s = _retry_after_s(response)
    if wanted_s is None:
        return None if response.status == _RATE_LIMITED else 0.1
    return wanted_s if wanted_s <= LONGEST_RETRY_AFTER_S else None


def _retry_after_s(response: Response) -> float | None:
    stated = response.headers.get("retry-after", "")
    return float(stated) if stated.isdigit() else None


def _is_time_left(deadline: Deadline, pause_s: float) -> bool:
    try:
        return deadline.left_s() > pause_s
    except TimeoutError:
        return False
