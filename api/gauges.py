"""What this room knows when somebody looks: keys, the spool, the disk that it is on, and Redis."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, or_, select

from api.keys.models import ApiKey
from api.keys.token import KeyEnvironment
from api.recording.spool import waiting_segments
from api.runtime import runtime
from core.clock import utc_now
from core.current import settings
from core.db import db
from core.observability import gauge_at_scrape
from core.observability.scrape import Reading

_LONGEST_ROW_BYTES = 65_536


@gauge_at_scrape("aig_api_keys_active", "Keys that open something.")
def active_keys() -> list[Reading]:
    now = utc_now()
    found = (
        select(ApiKey.environment, func.count().label("active"))
        .where(ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now))
        .group_by(ApiKey.environment)
    )
    counts = {row.environment: row.active for row in db.session.execute(found)}
    return [({"environment": environment}, counts.get(environment, 0)) for environment in KeyEnvironment]


@gauge_at_scrape("aig_spool_bytes", "Bytes in the local spool, waiting for the database.", needs_database=False)
def spool_bytes() -> list[Reading]:
    return [({}, sum(_size_bytes(segment) for segment in waiting_segments(settings().spool_path)))]


@gauge_at_scrape(
    "aig_spool_max_bytes", "Most that the local spools of all web processes may hold.", needs_database=False
)
def spool_max_bytes() -> list[Reading]:
    return [({}, settings().spool_max_bytes * settings().web_workers)]


@gauge_at_scrape(
    "aig_spool_oldest_seconds", "How long the oldest decision in the spool has waited.", needs_database=False
)
def spool_oldest_seconds() -> list[Reading]:
    decided = [at for segment in waiting_segments(settings().spool_path) for at in _first_decided_at(segment)]
    return [({}, max(0.0, (utc_now() - min(decided)).total_seconds()) if decided else 0.0)]


@gauge_at_scrape("aig_disk_used_bytes", "Used of the disk that DATA_DIR is on.", needs_database=False)
def disk_used_bytes() -> list[Reading]:
    return [({}, shutil.disk_usage(settings().data_path).used)]


@gauge_at_scrape(
    "aig_disk_size_bytes", "Size of the disk that DATA_DIR is on, less what only root may use.", needs_database=False
)
def disk_size_bytes() -> list[Reading]:
    usage = shutil.disk_usage(settings().data_path)
    return [({}, usage.used + usage.free)]


@gauge_at_scrape("aig_redis_memory_used_bytes", "Memory that Redis uses.", needs_database=False)
def redis_memory_used_bytes() -> list[Reading]:
    return _sum_of(memory["used_memory"] for memory in _redis_memory())


@gauge_at_scrape(
    "aig_redis_memory_max_bytes",
    "Most memory that Redis may use; without a limit, all of its machine.",
    needs_database=False,
)
def redis_memory_max_bytes() -> list[Reading]:
    return _sum_of(memory["maxmemory"] or memory["total_system_memory"] for memory in _redis_memory())


def _sum_of(sizes_bytes: Iterator[int]) -> list[Reading]:
    """Of the nodes of a cluster together; nothing where there is none."""
    found = list(sizes_bytes)
    return [({}, sum(found))] if found else []


def _redis_memory() -> list[dict[str, int]]:
    """Nothing where no Redis is set. Raises RedisError."""
    limiter = runtime().shared_limiter
    return [] if limiter is None else limiter.info("memory")


def _size_bytes(segment: Path) -> int:
    with suppress(FileNotFoundError):  # it just came home
        return segment.stat().st_size
    return 0


def _first_decided_at(segment: Path) -> Iterator[datetime]:
    """Of the segment's first row; nothing where it has no whole row yet, or just came home."""
    with suppress(FileNotFoundError), segment.open("rb") as file:
        row = file.readline(_LONGEST_ROW_BYTES)
        stamp = row.partition(b'"decided_at":"')[2].partition(b'"')[0]
        if stamp:
            yield datetime.fromisoformat(stamp.decode())
