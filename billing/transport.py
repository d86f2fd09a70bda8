"""The SDK's HTTP client, through the one way out: no page waits for Stripe longer than its deadline."""

from collections.abc import Mapping
from typing import Any

import stripe
from flask import has_request_context

from billing.deadline import JOB_S, REQUEST_S, left_s
from core.outbound import Outbound, Unreachable

RETRIES = 1
"""One, since only a kept connection that was closed is mended by it; whoever waits for a page has two seconds."""
RETRY_AFTER_S = 0.1


class Transport(stripe.HTTPClient):
    """The SDK may try once more, within the same deadline: a connection that was kept may have been closed."""

    name = "requests"

    def __init__(self, outbound: Outbound) -> None:
        super().__init__()
        self._outbound = outbound
        self._for_pages = stripe.RequestsClient(timeout=REQUEST_S)
        self._for_jobs = stripe.RequestsClient(timeout=JOB_S)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        client = self._for_pages if has_request_context() else self._for_jobs
        try:
            return self._outbound.call(lambda: client.request(method, url, headers, post_data), within_s=left_s())
        except Unreachable as error:
            raise stripe.APIConnectionError(str(error), should_retry=False) from error  # type: ignore[no-untyped-call]

    def _sleep_time_seconds(self, num_retries: int) -> float:  # noqa: ARG002  the SDK says how often it tried
        return RETRY_AFTER_S

    def close(self) -> None:
        self._for_pages.close()  # type: ignore[no-untyped-call]
        self._for_jobs.close()  # type: ignore[no-untyped-call]
