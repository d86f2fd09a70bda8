"""Decisions under an idempotency key: however often and wherever it is retried, one row, and one answer.

In PostgreSQL a row of its own says which decision holds a key, and both are written by one statement. While PostgreSQL
is away, a file beside the spool says the same to all processes of the machine, until the spool was replayed. A decision
that meets an earlier one under its key is not written; whoever asked gets the earlier one.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import msgspec
import structlog

from api.recording.postgres import (
    COLUMNS_OF_ROW,
    TYPED_COLUMNS_OF_ROW,
    Connect,
    LateRowsSink,
    PostgresSink,
    selected_columns,
)
from api.recording.recorder import Recorder
from api.recording.row import DecisionRow
from api.recording.spool import Spool
from core.clock import unix_ms
from core.settings import Durability

log = structlog.get_logger()

KEPT_HOURS = 24
KEYED = b'{"key_digest":"'
_DIGEST = slice(len(KEYED), len(KEYED) + 64)

_CLAIM = f"""
    WITH asked AS (
        SELECT * FROM json_to_recordset(%s::json)
            AS row(key_digest text, request_digest text, max_risk_score smallint, sdk jsonb, {TYPED_COLUMNS_OF_ROW})
    ), claimed AS (
        INSERT INTO check_idempotency AS held
            (organization_id, key_digest, request_digest, decision_id, decided_at, max_risk_score)
        SELECT organization_id, decode(key_digest, 'hex'), decode(request_digest, 'hex'), id, decided_at, max_risk_score
        FROM asked ORDER BY 1, 2
        ON CONFLICT (organization_id, key_digest) DO UPDATE SET
            request_digest = EXCLUDED.request_digest, decision_id = EXCLUDED.decision_id,
            decided_at = EXCLUDED.decided_at, max_risk_score = EXCLUDED.max_risk_score
        WHERE held.decision_id = EXCLUDED.decision_id
            OR held.decided_at <= EXCLUDED.decided_at - interval '{KEPT_HOURS} hours'
        RETURNING decision_id
    )
    INSERT INTO decision ({COLUMNS_OF_ROW}, sdk)
    SELECT {selected_columns("asked.")}, asked.sdk FROM asked JOIN claimed ON claimed.decision_id = asked.id
    ON CONFLICT DO NOTHING
"""  # noqa: S608  our own column names
_HOLDERS = f"""
    SELECT encode(held.key_digest, 'hex'), encode(held.request_digest, 'hex'), held.max_risk_score, to_json(kept)
    FROM check_idempotency AS held
    LEFT JOIN LATERAL (
        SELECT {COLUMNS_OF_ROW.replace("subject", "encode(subject, 'hex') AS subject")} FROM decision
        WHERE decision.id = held.decision_id AND decision.decided_at = held.decided_at
    ) AS kept ON true
    WHERE (held.organization_id, held.key_digest) IN (
        SELECT organization_id, decode(key_digest, 'hex')
        FROM json_to_recordset(%s::json) AS row(organization_id uuid, key_digest text)
    )
"""  # noqa: S608  our own column names


class Keyed(msgspec.Struct, frozen=True):
    """A decision, and the key it was asked under. Digests are SHA-256 in hexadecimal."""

    key_digest: str
    request_digest: str
    max_risk_score: int
    row: bytes

    def line(self) -> bytes:
        """As it is spooled: the row, with what names its key in front."""
        own = f'{self.key_digest}","request_digest":"{self.request_digest}","max_risk_score":{self.max_risk_score},'
        return KEYED + own.encode() + self.row[1:]


class Holder(msgspec.Struct, frozen=True):
    """The decision that holds a key; `row` is None where it was deleted from the log."""

    key_digest: str
    request_digest: str
    max_risk_score: int
    row: DecisionRow | None


class _Line(DecisionRow, frozen=True):
    key_digest: str = ""
    request_digest: str = ""
    max_risk_score: int = 0


_read_line = msgspec.json.Decoder(_Line).decode


def digest_in(line: bytes) -> str:
    return line[_DIGEST].decode()


class PendingKeys:
    """Which spooled decision holds a key: a file for each, made in one step, so that one process is first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key_digest: str) -> bytes | None:
        path = self._folder / key_digest
        try:
            if unix_ms() / 1000 - path.stat().st_mtime > KEPT_HOURS * 3600:
                path.unlink()
                return None
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def hold(self, line: bytes) -> bytes:
        """`line`, or the one that holds its key already. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, unfinished = self._folder / digest_in(line), self._folder / f".{uuid4().hex}"
        try:
            with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            path.hardlink_to(unfinished)
        except FileExistsError:
            return path.read_bytes()
        else:
            return line
        finally:
            unfinished.unlink(missing_ok=True)

    def release(self, key_digest: str) -> None:
        """Its decision is in the database now, which knows the key."""
        (self._folder / key_digest).unlink(missing_ok=True)


class KeyedSink(PostgresSink):
    """Writes lines that have a key. `holders` has those found under the keys of lines that were not written."""

    def __init__(self, connect: Connect) -> None:
        super().__init__(connect)
        self.holders: dict[str, Holder] = {}

    def write(self, rows: Sequence[bytes]) -> None:
        self.holders = {}
        if self.write_document(_CLAIM, rows).rowcount < len(rows):
            self._find_holders(b"[" + b",".join(rows) + b"]")

    def _find_holders(self, document: bytes) -> None:
        for key_digest, request_digest, max_risk_score, row in self.execute(_HOLDERS, document).fetchall():
            kept = _row_of(row) if row and row["id"] else None
            self.holders[key_digest] = Holder(key_digest, request_digest, max_risk_score, kept)


class ReplaySink(LateRowsSink):
    """Writes what the spool kept, with a key or without."""

    def __init__(self, connect: Connect, pending: PendingKeys) -> None:
        super().__init__(connect)
        self._keyed = KeyedSink(self._open)
        self._pending = pending

    def write(self, rows: Sequence[bytes]) -> None:
        plain = [row for row in rows if not row.startswith(KEYED)]
        if plain:
            super().write(plain)
        for line in rows:
            if line.startswith(KEYED):
                self._write_keyed(line)

    def _write_keyed(self, line: bytes) -> None:
        """By itself: one statement can't meet a key twice."""
        self._keyed.write([line])
        self.mark_late([line])
        holder = self._keyed.holders.get(digest_in(line))
        if holder is not None and (holder.row is None or holder.row.id != _read_line(line).id):
            log.warning("replay.key_held_by_another_decision", decision_id=str(_read_line(line).id))
        self._pending.release(digest_in(line))


class _KeyedSpool:
    """A spool in which each key is held first. `kept` has the lines that hold the keys of those appended."""

    def __init__(self, spool: Spool, pending: PendingKeys) -> None:
        self._spool = spool
        self._pending = pending
        self.kept: dict[str, bytes] = {}

    def append(self, lines: Sequence[bytes], *, to_disk: bool) -> None:
        kept = [self._pending.hold(line) for line in lines]
        self._spool.append(kept, to_disk=to_disk)
        self.kept = {digest_in(line): line for line in kept}


class KeyedRecorder:
    """Always to the database first, whatever the durability of others: only there all machines meet."""

    def __init__(
        self, sink: KeyedSink, spool: Spool, pending: PendingKeys, *, is_database_lost: Callable[[], bool]
    ) -> None:
        self._sink = sink
        self._pending = pending
        self._spool = _KeyedSpool(spool, pending)
        self._recorder = Recorder(sink, self._spool, durability=Durability.DATABASE, is_database_lost=is_database_lost)
        self._one_at_a_time = Lock()

    def record(self, asked: Sequence[Keyed]) -> dict[str, Holder]:
        """For each key digest the decision that holds it, durably. Raises DecisionNotRecorded."""
        lines = {keyed.key_digest: keyed.line() for keyed in reversed(asked)}
        lines = {digest: self._pending.find(digest) or line for digest, line in lines.items()}
        with self._one_at_a_time:
            self._sink.holders, self._spool.kept = {}, {}
            self._recorder.record(list(lines.values()))
            return {
                digest: self._sink.holders.get(digest) or _holder_of(self._spool.kept.get(digest, line))
                for digest, line in lines.items()
            }

    def close(self) -> None:
        self._recorder.close()


def _holder_of(line: bytes) -> Holder:
    read = _read_line(line)
    return Holder(read.key_digest, read.request_digest, read.max_risk_score, read)


def _row_of(stored: dict[str, Any]) -> DecisionRow:
    return msgspec.convert(stored, DecisionRow)
