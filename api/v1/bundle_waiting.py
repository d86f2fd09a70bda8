"""Waiting for a change of policies on the event loop: who waits holds no thread and no connection of the database.

The wait ends where anything changed, where memory is no longer sure, and in time; then Flask answers as it would have
without it. So nothing is decided here, and who is unknown does not wait.
"""

import asyncio
from urllib.parse import parse_qs

from werkzeug.datastructures import ETags
from werkzeug.http import parse_etags

from api.authentication import secret_of
from api.bundles import services
from api.runtime import Runtime
from api.snapshots.read_through_cache import NotInMemory
from api.v1.bundle_views import MAX_WAIT_S
from core.clock import monotonic_s, utc_now
from core.errors import AppError
from core.serving import ConcurrencyLimit, Handler, Request
from core.tokens import digest_of

LOOK_EVERY_S = 0.25
MOST_WAITING, MOST_WAITING_OF_ONE = 1_000, 100
"""In a process, and of one organization. Others are answered at once, and come again later."""


class BundleHandler:
    def __init__(self, runtime: Runtime, flask: Handler) -> None:
        self._runtime = runtime
        self._flask = flask
        self._all = ConcurrencyLimit(MOST_WAITING)
        self._of_one = ConcurrencyLimit(MOST_WAITING_OF_ONE)

    async def __call__(self, request: Request) -> None:
        known, wait_s = request.environ.get("HTTP_IF_NONE_MATCH", ""), _wait_s(request)
        organization_id = self._organization_of(request) if request.method == "GET" and known and wait_s else None
        if organization_id is not None:
            with self._all.place(0) as is_free, self._of_one.place(organization_id) as is_free_too:
                if is_free and is_free_too:
                    await self._wait(request, known, until_s=monotonic_s() + wait_s)
        await self._flask(request)

    async def _wait(self, request: Request, known: str, *, until_s: float) -> None:
        sent = parse_etags(known)
        while self._is_unchanged(request, sent) and not request.is_stopping:
            left_s = until_s - monotonic_s()
            if left_s <= 0:
                return
            await asyncio.sleep(min(LOOK_EVERY_S, left_s))

    def _is_unchanged(self, request: Request, sent: ETags) -> bool:
        try:
            key = self._runtime.snapshots.in_memory.key(_digest_of(request))
            policy = self._runtime.snapshots.in_memory.organization(key.organization_id).policy
        except (NotInMemory, AppError):
            return False
        if policy is None:
            return False
        return services.etag_of(key, policy, self._runtime.settings, now=utc_now()).strip('"') in sent

    def _organization_of(self, request: Request) -> int | None:
        try:
            return self._runtime.snapshots.in_memory.key(_digest_of(request)).organization_id.int
        except (NotInMemory, AppError):
            return None


def _digest_of(request: Request) -> bytes:
    return digest_of(secret_of(request.environ.get("HTTP_AUTHORIZATION", "")))


def _wait_s(request: Request) -> int:
    """0 for what Flask will refuse."""
    given = parse_qs(request.environ["QUERY_STRING"]).get("wait", ["0"])[0]
    return min(int(given), MAX_WAIT_S) if given.isascii() and given.isdigit() and len(given) <= len("50") else 0
