"""ClickHouse as a `Store`, over HTTP. A call ends by its deadline whatever the server or the network does."""

from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlsplit

import clickhouse_connect
import msgspec
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from api.analytics.store import Store, StoreAway
from core.outbound import Breaker, Outbound, Unreachable

READS_WITHIN_S = 1.0
"""A page waits no longer; while the store is silent, one page in ten seconds waits so long."""
WRITES_WITHIN_S = 20.0
_ENDS_BEFORE_S = 5
"""So long before we stop waiting for a write the server gives it up, so that none ends behind our back."""

Answer = TypeVar("Answer")
log = structlog.get_logger()


class ClickHouse:
    def __init__(self, url: str, *, within_s: float, server_ends_s: int, places: int) -> None:
        self._url, self._within_s = url, within_s
        self._settings = {"max_execution_time": server_ends_s, "output_format_json_quote_64bit_integers": 0}
        self._outbound = Outbound("clickhouse", places=places, breaker=Breaker(failures=1))
        self._client: Client | None = None
        self._connecting = Lock()

    def rows(self, query: str, **given: Any) -> list[list[Any]]:
        found = self._call(
            lambda client: client.raw_query(query, given, settings=self._settings, fmt="JSONCompactEachRow")
        )
        return [msgspec.json.decode(line) for line in found.splitlines()]

    def run(self, statement: str) -> None:
        self._call(lambda client: client.command(statement))

    def insert(self, table: str, lines: bytes) -> None:
        self._call(
            lambda client: client.raw_insert(table, insert_block=lines, settings=self._settings, fmt="JSONEachRow")
        )

    def _call(self, act: Callable[[Client], Answer]) -> Answer:
        try:
            return self._outbound.call(lambda: act(self._connected()), within_s=self._within_s)
        except (ClickHouseError, Unreachable, OSError) as error:
            raise StoreAway(str(error)) from error

    def _connected(self) -> Client:
        """One for all threads: without a session of its server, it takes any number of calls at once."""
        with self._connecting:
            if self._client is None:
                self._client = clickhouse_connect.get_client(
                    dsn=self._url,
                    interface=urlsplit(self._url).scheme,  # else the port alone says whether there is TLS
                    autogenerate_session_id=False,
                    connect_timeout=max(1, int(self._within_s / 4)),
                    send_receive_timeout=max(1, int(self._within_s)),
                    query_retries=0,
                )
            return self._client


@lru_cache(maxsize=4)
def for_reading(url: str) -> Store:
    """Shared by all threads of a process."""
    return ClickHouse(url, within_s=READS_WITHIN_S, server_ends_s=1, places=8)


@lru_cache(maxsize=4)
def for_writing(url: str) -> Store:
    ends_s = int(WRITES_WITHIN_S) - _ENDS_BEFORE_S
    return ClickHouse(url, within_s=WRITES_WITHIN_S, server_ends_s=ends_s, places=2)
