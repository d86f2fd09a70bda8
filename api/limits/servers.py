"""Where limits are kept: one Redis, the one that Sentinel names, or a cluster, where a script may touch one slot."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from threading import local
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from api.limits.window import SLOTS, Ask
from core.settings import CLUSTER, SENTINEL

TIMEOUT_S = 0.05
"""So long a check waits for an answer, once; then limits are counted in memory until Redis answers again."""
US = 1_000_000
NUMBERS = 5
"""That the script answers for each ask."""


def script(name: str) -> str:
    """What Redis is to run, with what all scripts of limits share before it."""
    shared, own = (Path(__file__).with_name(f"{one}.lua").read_text() for one in ("bucket", name))
    return f"local SLOTS = {SLOTS}\n{shared}\n{own}"


WINDOW = script("window")


class Server(Protocol):
    client: Any

    def count(self, asks: Sequence[Ask]) -> list[int]:
        """Five numbers for each in turn, as window.lua says. Raises RedisError."""
        ...


class OneServer:
    """All buckets in one call, on a connection of each thread's own: taking one from a pool costs more."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self._sha = sha_of(WINDOW)
        self._of_thread = local()

    def count(self, asks: Sequence[Ask]) -> list[int]:
        connection = self._connection()
        try:
            return self._count(connection, asks)
        except redis.exceptions.NoScriptError:
            self.client.script_load(WINDOW)
            return self._count(connection, asks)
        except redis.ResponseError:
            raise
        except (redis.RedisError, OSError):
            connection.disconnect()
            raise

    def _count(self, connection: Any, asks: Sequence[Ask]) -> list[int]:
        connection.connect()  # if it is not: to where the Sentinels say, which sending by itself would not ask
        connection.send_packed_command(connection.pack_command("EVALSHA", self._sha, *given_to_script(asks)))
        answer: list[int] = connection.read_response()
        return answer

    def _connection(self) -> Any:
        """One that the server has not closed meanwhile; it connects when it is used."""
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self.client.connection_pool.make_connection()
            return connection
        try:
            if connection.can_read():
                connection.disconnect()
        except (redis.RedisError, OSError):
            connection.disconnect()
        return connection


class Cluster:
    """One pipeline for each node that is asked, with one call for each slot."""

    def __init__(self, client: RedisCluster) -> None:
        self.client: Any = client  # its own calls are untyped
        self._sha = sha_of(WINDOW)

    def count(self, asks: Sequence[Ask]) -> list[int]:
        slots: dict[int, list[int]] = defaultdict(list)
        for index, ask in enumerate(asks):
            slots[self.client.keyslot(ask.key)].append(index)
        nodes: dict[Any, list[list[int]]] = defaultdict(list)
        for indexes in slots.values():
            nodes[self.client.get_node_from_key(asks[indexes[0]].key)].append(indexes)
        answers: dict[int, list[int]] = {}
        for node, groups in nodes.items():
            self._ask(node, groups, asks, answers)
        return [number for index in range(len(asks)) for number in answers[index]]

    def _ask(self, node: Any, groups: list[list[int]], asks: Sequence[Ask], answers: dict[int, list[int]]) -> None:
        pipeline = self.client.get_redis_connection(node).pipeline(transaction=False)
        for indexes in groups:
            some = [asks[index] for index in indexes]
            pipeline.evalsha(self._sha, *given_to_script(some))
        for indexes, answer in zip(groups, pipeline.execute(raise_on_error=False), strict=True):
            if isinstance(answer, redis.ResponseError):
                answer = self._ask_again([asks[index] for index in indexes])  # noqa: PLW2901
            for place, index in enumerate(indexes):
                answers[index] = answer[NUMBERS * place : NUMBERS * (place + 1)]

    def _ask_again(self, asks: Sequence[Ask]) -> Any:
        """A node that has the script no more, or a slot that has moved: the client finds its way."""
        return self.client.eval(WINDOW, *given_to_script(asks))


@cache
def sha_of(script: str) -> str:
    """How Redis names a script that it knows."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def given_to_script(asks: Sequence[Ask]) -> tuple[int | str, ...]:
    """What follows the script's name in a call of it: the number of keys, the keys, the arguments."""
    keys = chain.from_iterable((ask.key, ask.shared_key) for ask in asks)
    arguments = chain.from_iterable(
        (ask.limit, ask.cost, int(ask.window_s * US), ask.shared.limit if ask.shared else 0) for ask in asks
    )
    return (2 * len(asks), *keys, *arguments)


def connect(url: str, *, timeout_s: float = TIMEOUT_S) -> Server:
    """Tries once: there is memory to fall back on, and a caller who waits. A cluster is asked who is in it."""
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), retries=0),
    }
    if _is(url, CLUSTER):
        return Cluster(RedisCluster.from_url(url.replace(CLUSTER, ":", 1), **options))
    if _is(url, SENTINEL):
        return OneServer(_primary_of_sentinels(url, options))
    return OneServer(redis.Redis.from_url(url, **options))


def _primary_of_sentinels(url: str, options: dict[str, Any]) -> redis.Redis:
    """Each of its connections asks anew which server that is. One user and password is for all of them."""
    address = urlsplit(url)
    login, _, places = address.netloc.rpartition("@")
    user, _, password = map(unquote, login.partition(":"))
    given = {name: value for name, value in (("username", user), ("password", password)) if value}
    options = {**options, **given, "ssl": address.scheme.startswith("rediss")}
    sentinels = [place.rpartition(":") for place in places.split(",")]
    sentinel: Any = Sentinel  # its own calls are untyped
    watch = sentinel([(host, int(port)) for host, _, port in sentinels], sentinel_kwargs=options, **options)
    primary: redis.Redis = watch.master_for(address.path.strip("/"))
    return primary


def is_plain(url: str) -> bool:
    """Whether there is no other server to be found first."""
    return not (_is(url, CLUSTER) or _is(url, SENTINEL))


def _is(url: str, kind: str) -> bool:
    """Written in its scheme, as `redis+cluster://` or `rediss+cluster://`."""
    return kind in url.partition("//")[0]
