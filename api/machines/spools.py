"""What waits in the spools of a machine's DATA_DIR, and whose DATA_DIR it is."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from api.recording.spool import QUARANTINE, waiting_segments

SPOOL = "spool"
MOST_BYTES_READ = 5_000_000
"""Beyond it rows are reckoned from their length."""
_ID = "machine-id"
_LONGEST_ROW_BYTES = 65_536


class WaitingRows(msgspec.Struct, frozen=True):
    rows: int
    bytes: int
    oldest_at: datetime | None
    quarantined: int


def machine_id(data_path: Path) -> UUID:
    """Made by the first process that asks, and kept with the spool. Raises OSError."""
    path, unfinished = data_path / _ID, data_path / f".{uuid4().hex}"
    if not path.exists():
        unfinished.write_text(str(uuid4()))
        with suppress(FileExistsError):  # another process was first
            path.hardlink_to(unfinished)
        unfinished.unlink()
    return UUID(path.read_text())


def known_machine_id(data_path: Path) -> UUID | None:
    """Of a disk from elsewhere, which may have none."""
    try:
        return UUID((data_path / _ID).read_text())
    except (OSError, ValueError):
        return None


def waiting_rows(data_path: Path) -> WaitingRows:
    """Of all processes of the machine, the living and the dead."""
    segments = waiting_segments(data_path / SPOOL)
    sizes = {segment: _size_bytes(segment) for segment in segments}
    total_bytes = sum(sizes.values())
    first_rows = [row for segment in segments if (row := _first_row(segment))]
    if total_bytes <= MOST_BYTES_READ:
        rows = sum(map(_lines_in, segments))
    else:
        rows = total_bytes * len(first_rows) // max(1, sum(map(len, first_rows)))
    decided = [at for row in first_rows if (at := _decided_at(row))]
    quarantined = _lines_in(data_path / SPOOL / QUARANTINE / "lines.ndjson")
    return WaitingRows(rows, total_bytes, min(decided, default=None), quarantined)


def _size_bytes(segment: Path) -> int:
    with suppress(FileNotFoundError):  # it was just replayed
        return segment.stat().st_size
    return 0


def _lines_in(file: Path) -> int:
    with suppress(FileNotFoundError):
        return file.read_bytes().count(b"\n")
    return 0


def _first_row(segment: Path) -> bytes:
    with suppress(FileNotFoundError), segment.open("rb") as file:
        return file.readline(_LONGEST_ROW_BYTES)
    return b""


def _decided_at(row: bytes) -> datetime | None:
    stamp = row.partition(b'"decided_at":"')[2].partition(b'"')[0]
    with suppress(ValueError):
        return datetime.fromisoformat(stamp.decode())
    return None
