"""Limits on pages: shared in the Redis that there is, whichever way it is reached."""

from limits.storage import storage_from_string

from core.throttle import _storage_of
from tests.services import RedisServer


def test_limits_are_kept_in_the_redis_of_the_settings(redis_server: RedisServer) -> None:
    assert storage_from_string(_storage_of(redis_server.url)).check()


def test_without_a_redis_they_are_kept_in_memory() -> None:
    assert _storage_of(None) == "memory://"
    assert _storage_of("rediss://cache:6379/0") == "rediss://cache:6379/0"
