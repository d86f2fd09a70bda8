"""Replaying the spool of a machine that is gone, from its disk, on another."""

from http import HTTPStatus
from pathlib import Path

import msgspec

from api.machines.spools import SPOOL, WaitingRows, waiting_rows
from api.recording.idempotency import PendingKeys, ReplaySink
from api.recording.postgres import Connect
from api.recording.replay import Replay
from api.recording.spool import Spool
from core.errors import AppError


class NoSpoolThere(AppError):
    status, code, title = HTTPStatus.NOT_FOUND, "no_spool", "There is no spool in this folder"
    advice = "There is no spool in this folder. Give the DATA_DIR of the other machine."


class OwnSpool(AppError):
    status, code, title = HTTPStatus.CONFLICT, "own_spool", "This is the spool of this machine"
    advice = "This is the spool of this machine. Start the web server: it replays its own."


class Replayed(msgspec.Struct, frozen=True):
    """`left`: what could not be read, since a running service holds it, or what the database refused."""

    rows: int
    left: WaitingRows


def replay(data_path: Path, *, own_path: Path, connect: Connect) -> Replayed:
    """Harmless to repeat. Raises NoSpoolThere or OwnSpool, psycopg.Error of the database, OSError of the disk."""
    folder = data_path / SPOOL
    if not folder.is_dir():
        raise NoSpoolThere
    if folder.resolve() == (own_path / SPOOL).resolve():
        raise OwnSpool
    sink = ReplaySink(connect, PendingKeys(folder / "keyed"))
    try:
        rows = Replay(sink, Spool(folder, max_bytes=0)).run_once()
    finally:
        sink.close()
    return Replayed(rows, waiting_rows(data_path))
