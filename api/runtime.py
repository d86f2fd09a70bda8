"""What a process of the API holds while it runs: the snapshots, the limiter, the recorder and their threads."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from threading import Event, Lock, Thread
from uuid import UUID

import msgspec
import structlog
from flask import Flask, current_app

from api.authentication import Caller
from api.checks.distinct_values import DistinctValues
from api.checks.reading import Reader
from api.free_text import FreeTextNotices
from api.keys.uses import note_uses
from api.limits.memory import MemoryLimiter
from api.limits.shared import SharedLimiter
from api.limits.window import Ask, Limiter, Shared, Verdict, limit_of, organization_limit_of
from api.machines.reporter import MachineReporter
from api.readiness import ReadinessProbe
from api.recording.idempotency import KeyedRecorder, KeyedSink, PendingKeys, ReplaySink
from api.recording.loop_postgres import LoopSink
from api.recording.postgres import PostgresSink
from api.recording.recorder import Recorder
from api.recording.replay import Replay
from api.recording.spool import Spool
from api.snapshots.disk import DiskSnapshots
from api.snapshots.feed import ANSWER_WITHIN_S
from api.snapshots.records import KeySnapshot, OrganizationSnapshot
from api.snapshots.store import Snapshots
from api.usage.limit_minutes import LimitMinutes
from api.usage.refused_requests import RefusedRequests
from api.usage.request_counts import RequestCounts
from core.accounts import OrganizationStatus
from core.clock import monotonic_s
from core.connections import connect_as
from core.db import DatabaseRole
from core.observability import LIMIT_HITS
from core.periodic_flush import EnterApp, PeriodicFlush
from core.settings import Settings

log = structlog.get_logger()

_EXTENSION = "runtime"
_CHECKS_BEYOND_LIMIT, _OTHERS_BEYOND_LIMIT = (LIMIT_HITS.labels(purpose) for purpose in ("check", "manage"))
WRITE_SNAPSHOTS_EVERY_S = 10.0
MOST_ASKS_KEPT = 100_000
FAILURE_COUNTS_FOR_S = 30.0
"""A process that is asked nothing because of it would never find out that it is over."""


class Runtime:
    def __init__(self, app: Flask, settings: Settings) -> None:
        url = app.config["DATABASE_URL"]
        connect = partial(connect_as, DatabaseRole.SYSTEM, url, is_pooled=bool(settings.database_feed_url))
        connect_feed = partial(connect_as, DatabaseRole.SYSTEM, settings.database_feed_url or url)
        timeout_s = settings.record_timeout_ms / 1000
        self.settings = settings
        self.snapshots = Snapshots(
            partial(connect, timeout_s=1),
            connect_feed=partial(connect_feed, timeout_s=ANSWER_WITHIN_S),
            max_age_s=settings.snapshot_max_age_s,
            disk=DiskSnapshots(
                settings.data_path / "snapshots" / "last",
                secret_keys=settings.secret_keys,
                max_age_s=settings.snapshot_max_age_s,
            ),
        )
        self.disk_writer = Thread(target=self._write_snapshots, name="snapshots-to-disk", daemon=True)
        self._is_stopped = Event()
        self.shared_limiter = (
            SharedLimiter(settings.redis_url, processes=settings.web_workers) if settings.redis_url else None
        )
        self.limiter: Limiter = self.shared_limiter or MemoryLimiter()
        self._asks: dict[int, tuple[KeySnapshot, OrganizationSnapshot, Ask]] = {}
        self.spool = Spool(settings.spool_path, max_bytes=settings.spool_max_bytes)
        on_loop = None if settings.database_feed_url else LoopSink(partial(connect, timeout_s=1), timeout_s=timeout_s)
        self.recorder, self.batch_recorder = (
            Recorder(
                PostgresSink(partial(connect, timeout_s=timeout_s)),
                self.spool,
                durability=settings.decision_durability,
                is_database_lost=lambda: self.snapshots.feed.is_lost,
                on_loop=sink,
            )
            for sink in (on_loop, None)  # two, so that no single check waits until somebody's hundred are written
        )
        pending = PendingKeys(settings.spool_path / "keyed")
        self.keyed_recorder = KeyedRecorder(
            KeyedSink(partial(connect, timeout_s=timeout_s)),
            self.spool,
            pending,
            is_database_lost=lambda: self.snapshots.feed.is_lost,
        )
        self.replay = Replay(ReplaySink(partial(connect, timeout_s=30), pending), self.spool)
        self.probe = ReadinessProbe(url, is_pooled=bool(settings.database_feed_url))
        self.uses = KeyUses(app.app_context)
        self.requests = RequestCounts(app.app_context)
        self.refused = RefusedRequests(app.app_context)
        self.limit_minutes = LimitMinutes(app.app_context)
        self.machine = MachineReporter(app.app_context, settings.data_path)
        self.reader = Reader(DistinctValues())
        self.free_text = FreeTextNotices(app.app_context, self.reader.values)

    def start(self) -> None:
        if self.shared_limiter is not None:
            self.shared_limiter.start()
        self.snapshots.start()
        self.disk_writer.start()
        self.replay.start()
        self.uses.start()
        self.requests.start()
        self.refused.start()
        self.limit_minutes.start()
        self.machine.start()
        self.free_text.start()

    def stop(self) -> None:
        self.uses.stop()
        self.requests.stop()
        self.refused.stop()
        self.limit_minutes.stop()
        self.free_text.stop()
        self._is_stopped.set()
        self.snapshots.close()
        self.replay.stop()
        self.machine.stop()  # after the replay, so that it tells what is left
        self.recorder.close()
        self.batch_recorder.close()
        self.keyed_recorder.close()
        self.spool.close()
        if self.shared_limiter is not None:
            self.shared_limiter.stop()

    def is_database_written(self) -> bool:
        """Whether the last decisions reached the database: its disk may be full, while it answers."""
        writers = (self.recorder, self.batch_recorder, self.replay)
        failed_s = max(writer.failed_s for writer in writers)
        succeeded_s = max(writer.succeeded_s for writer in writers)
        return succeeded_s >= failed_s or monotonic_s() - failed_s > FAILURE_COUNTS_FOR_S

    def _write_snapshots(self) -> None:
        while not self._is_stopped.wait(WRITE_SNAPSHOTS_EVERY_S):
            try:
                self.snapshots.write_to_disk()
            except OSError as error:
                log.warning("snapshots.not_kept", error=type(error).__name__, errno=error.errno)

    def hit_checks(self, costs: Sequence[tuple[Caller, int]]) -> Sequence[Verdict]:
        """Counts checks against the limit of a key, shared with those it was rotated from and to, and of all keys."""
        return _noted(costs, self.limiter.hit([self._check_of(caller, cost) for caller, cost in costs]))

    async def hit_checks_soon(self, costs: Sequence[tuple[Caller, int]]) -> Sequence[Verdict]:
        """The same on the event loop."""
        verdicts = await self.limiter.hit_soon([self._check_of(caller, cost) for caller, cost in costs])
        return _noted(costs, verdicts)

    def _check_of(self, caller: Caller, cost: int) -> Ask:
        """Made once for a key and its organization as they stand."""
        known = self._asks.get(caller.key.id.int)
        if known is None or known[0] is not caller.key or known[1] is not caller.organization:
            if len(self._asks) >= MOST_ASKS_KEPT:
                self._asks.clear()
            known = self._asks[caller.key.id.int] = (caller.key, caller.organization, _ask(caller, "check", 1))
        return known[2] if cost == 1 else msgspec.structs.replace(known[2], cost=cost)

    def hit_management(self, caller: Caller) -> Verdict:
        """Counts a request to any other address, so that reading the log never uses up checks."""
        verdict = self.limiter.hit([_ask(caller, "manage", 1)])[0]
        if not verdict.granted:
            _OTHERS_BEYOND_LIMIT.inc()
        return verdict


def _noted(costs: Sequence[tuple[Caller, int]], verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    beyond = sum(cost for _, cost in costs) - sum(verdict.granted for verdict in verdicts)
    if beyond:
        _CHECKS_BEYOND_LIMIT.inc(beyond)
    return verdicts


def _ask(caller: Caller, purpose: str, cost: int) -> Ask:
    organization, own = caller.organization, caller.key.rate_limit
    plan, is_sandbox = organization.check_limit, organization.status == OrganizationStatus.SANDBOX
    return Ask(
        bucket=f"{purpose}:{caller.key.lineage_id}",
        limit=limit_of(own, plan, is_sandbox=is_sandbox),
        cost=cost,
        shared=Shared(
            bucket=f"{purpose}:{organization.id}",
            limit=organization_limit_of(own, plan, is_sandbox=is_sandbox),
        ),
    )


class KeyUses(PeriodicFlush):
    """Remembers when and from where each key was last used, and tells the database every few seconds.

    A convenience for people: what is lost when a process is killed is in the decision log all the same.
    """

    name = "key-uses"

    def __init__(self, enter_app: EnterApp) -> None:
        super().__init__(enter_app)
        self._lock = Lock()
        self._uses: dict[int, tuple[UUID, str, datetime]] = {}
        """By the number that the key's id is, which is hashed at once."""

    def note(self, key_id: UUID, *, address: str, at: datetime) -> None:
        with self._lock:
            self._uses[key_id.int] = (key_id, address, at)

    def write(self) -> None:
        with self._lock:
            uses, self._uses = self._uses, {}
        if uses:
            note_uses({key_id: (address, at) for key_id, address, at in uses.values()})


def set_up(app: Flask, settings: Settings) -> Runtime:
    room = Runtime(app, settings)
    app.extensions[_EXTENSION] = room
    return room


def runtime(app: Flask | None = None) -> Runtime:
    room: Runtime = (app or current_app).extensions[_EXTENSION]
    return room
