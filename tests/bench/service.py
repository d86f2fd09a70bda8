"""The service itself: real web processes upon the measurement's own PostgreSQL and Redis."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
from flask import Flask

from core.clock import monotonic_s, utc_now
from core.settings import Durability, Settings
from tests.bench import database, question, redis_server
from tests.bench.contestants import Contestant, Kept
from tests.bench.database import Database
from tests.bench.failures import BenchFailed
from tests.bench.processes import answers, free_port, fresh_folder, running, wait_until
from tests.bench.redis_server import RedisServer
from tests.bench.stock import Tenant

WORKERS = 2
_SETTLED_WITHIN_S = 600.0
_ONE_TICK_S = 0.01
"""More than the millisecond to which decisions are dated."""


class Site(msgspec.Struct, frozen=True):
    """What the service needs around it."""

    folder: Path
    database: Database
    app: Flask
    redis: RedisServer


class Served(msgspec.Struct, frozen=True):
    """The service, running."""

    name: str
    url: str
    web: psutil.Process
    spool_path: Path
    site: Site

    def asked_by(self, tenant: Tenant, *, name: str = "") -> Contestant:
        return Contestant(
            name=name or self.name,
            url=f"{self.url}/v1/check",
            body_of=question.our_body,
            says_yes=lambda answer: msgspec.json.decode(answer)["allowed"] is True,
            roots=(self.web, self.site.redis.process, self.site.database.process),
            authorizations=tenant.authorizations,
            record=DecisionLog(self.site.database, tenant, self.spool_path),
        )


class DecisionLog:
    """The decisions of one tenant in table `decision`."""

    def __init__(self, database: Database, tenant: Tenant, spool_path: Path) -> None:
        self._database = database
        self._tenant = tenant
        self._spool_path = spool_path
        self._since = datetime.min.replace(tzinfo=UTC)

    def mark(self) -> None:
        time.sleep(_ONE_TICK_S)
        self._since = utc_now()

    def settle(self) -> float:
        """How long until the spool was empty. The database then writes all its pages, to burden nobody else with it."""
        began_s = monotonic_s()
        wait_until(self._is_spool_empty, "the spool is empty", within_s=_SETTLED_WITHIN_S)
        took_s = monotonic_s() - began_s
        if (self._spool_path / "quarantine").exists():
            raise BenchFailed("The database refused decisions; they are in the spool's quarantine.")
        self._database.run("CHECKPOINT")
        return took_s

    def kept(self) -> Kept:
        query = (
            "SELECT count(*), count(*) FILTER (WHERE NOT allowed) FROM decision "
            "WHERE organization_id = %s AND decided_at >= %s"
        )
        rows, refused = self._database.row(query, [self._tenant.organization_id, self._since])
        return Kept(rows=rows, refused=refused)

    def _is_spool_empty(self) -> bool:
        return not any(self._spool_path.glob("*/*.ndjson"))


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Raises Missing."""
    redis_server.program()
    with (
        redis_server.serving(folder / "logs") as redis,
        database.serving(folder / "data") as (postgresql, app),
    ):
        yield Site(folder=folder, database=postgresql, app=app, redis=redis)


@contextmanager
def serving(site: Site, durability: Durability) -> Iterator[Served]:
    """Ready once all its workers are, for the first answers while the others still start."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    listening_before = _listening(site.database)
    with (
        fresh_folder(site.folder / f"service-{durability}") as data_path,
        running(
            f"service-{durability}",
            [sys.executable, "-m", "flask", "web"],
            log_folder=site.folder / "logs",
            is_ready=lambda: _listening(site.database) >= listening_before + WORKERS and answers(f"{url}/health/ready"),
            environment={**environment_for(site, durability, data_path=data_path), "PORT": str(port)},
        ) as web,
    ):
        yield Served(name=f"ours, {durability}", url=url, web=web, spool_path=data_path / "spool", site=site)


@contextmanager
def working(site: Site) -> Iterator[psutil.Process]:
    """A worker for the service's jobs."""
    command = [sys.executable, "-m", "flask", "worker"]
    with fresh_folder(site.folder / "worker") as data_path:
        environment = environment_for(site, Durability.DATABASE, data_path=data_path)
        with running(
            "worker", command, log_folder=site.folder / "logs", is_ready=lambda: True, environment=environment
        ) as worker:
            yield worker


def environment_for(site: Site, durability: Durability, *, data_path: Path) -> dict[str, str]:
    return {
        **_environment_without_settings(),
        "DATABASE_URL": site.database.url,
        "REDIS_URL": site.redis.url,
        "DATA_DIR": str(data_path),
        "WEB_WORKERS": str(WORKERS),
        "LOG_LEVEL": "WARNING",
        "DECISION_DURABILITY": durability.value,
    }


def _listening(database: Database) -> int:
    """How many web processes wait for changes."""
    query = "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE application_name = 'ai-governance'"
    return int(database.row(query)[0])


def _environment_without_settings() -> dict[str, str]:
    """So that everything but what is set above has its default."""
    names = {field.encode_name for field in msgspec.structs.fields(Settings)}
    return {name: value for name, value in os.environ.items() if name not in names}
