"""What a service holds while it works, which has to stay the same however long it works."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import msgspec
import psutil
import psycopg

from core.jobs import SCHEMA
from tests.bench.processes import rss_bytes, trees

SAMPLES = 30
SETTLED_AFTER = SAMPLES // 5
"""Before that, memory is filled for the first time and connections are opened."""
GROWTH = 1.1
SLACK = 20
"""Of what is counted: a connection or a job more or less says nothing."""
_COUNTS = (
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()), "
    f"(SELECT count(*) FROM {SCHEMA}.procrastinate_jobs WHERE status IN ('todo', 'doing'))"
)


class Held(msgspec.Struct, frozen=True):
    """`jobs` are those that wait or are being done, `spool_files` what is not yet in the database."""

    memory_mb: float
    open_files: int
    database_connections: int
    jobs: int
    spool_files: int


Look = Callable[[], Held]


def looker(roots: Sequence[psutil.Process], *, database_url: str, spool_path: Path) -> Look:
    """At a service whose processes are `roots` and all below them."""

    def look() -> Held:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connections, jobs = connection.execute(_COUNTS.encode()).fetchone() or (0, 0)
        return Held(
            memory_mb=rss_bytes(roots) / 1_000_000,
            open_files=sum(map(_open_files, trees(roots))),
            database_connections=connections,
            jobs=jobs,
            spool_files=sum(1 for _ in spool_path.glob("*/*.ndjson")),
        )

    return look


@contextmanager
def watched(look: Look, *, seconds: float) -> Iterator[list[Held]]:
    """What was held meanwhile, `SAMPLES` times evenly over so many seconds."""
    seen, is_over = [look()], Event()

    def watch() -> None:
        while not is_over.wait(seconds / SAMPLES):
            seen.append(look())

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()


def rows_of(seen: Sequence[Held]) -> list[list[str]]:
    """Each kind at the start, once settled, the most since then, and at the end."""
    settled = seen[SETTLED_AFTER:]
    return [
        [name.replace("_", " "), *(f"{value:,.0f}" for value in (first, settled_at, most, last))]
        for name in Held.__struct_fields__
        for first, settled_at, most, last in [
            (getattr(seen[0], name), getattr(settled[0], name), max(_all(settled, name)), getattr(settled[-1], name))
        ]
    ]


def growing(seen: Sequence[Held]) -> list[str]:
    """Of what there is more in the last fifth than in the one after the settling, by its least."""
    early, late = seen[SETTLED_AFTER : 2 * SETTLED_AFTER], seen[-SETTLED_AFTER:]
    return [
        name.replace("_", " ")
        for name in Held.__struct_fields__
        if min(_all(late, name)) > GROWTH * max(_all(early, name)) + SLACK
    ]


def _all(seen: Sequence[Held], name: str) -> list[float]:
    return [getattr(one, name) for one in seen]


def _open_files(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.num_fds())
    return 0
