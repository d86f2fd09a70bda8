"""What was acknowledged is kept: the recorder's choices, the spool's files, the replay."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from api.recording.recorder import DecisionNotRecorded, Recorder
from api.recording.replay import Replay
from api.recording.spool import Spool, SpoolFull, read_lines
from core.settings import Durability
from tests.databases import ROOT


class Database:
    """A sink that remembers, and that can be switched off."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.is_away = False
        self.refuses: set[bytes] = set()

    def write(self, rows: Sequence[bytes]) -> None:
        if self.is_away:
            raise psycopg.OperationalError
        if self.refuses & set(rows):
            raise psycopg.DataError
        self.rows += [row for row in rows if row not in self.rows]

    def close(self) -> None:
        pass


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, max_bytes=1_000_000)


def spooled(spool: Spool) -> list[bytes]:
    return [line for segment in spool.sealed_segments() for line in read_lines(segment)]


@pytest.mark.parametrize(
    ("durability", "is_away", "in_database", "in_spool"),
    [
        (Durability.DATABASE, False, True, False),
        (Durability.DATABASE, True, False, True),
        (Durability.DISK, False, False, True),
        (Durability.PROCESS, False, False, True),
        (Durability.PROCESS, True, False, True),
    ],
)
def test_each_durability_has_its_place(
    database: Database, spool: Spool, durability: Durability, is_away: bool, in_database: bool, in_spool: bool
) -> None:
    database.is_away = is_away

    Recorder(database, spool, durability=durability).record([b"a", b"b"])

    assert (database.rows == [b"a", b"b"]) is in_database
    assert (spooled(spool) == [b"a", b"b"]) is in_spool


@pytest.mark.parametrize("durability", list(Durability))
def test_with_nowhere_to_go_the_caller_is_told(database: Database, tmp_path: Path, durability: Durability) -> None:
    database.is_away = True
    recorder = Recorder(database, Spool(tmp_path, max_bytes=3), durability=durability)

    with pytest.raises(DecisionNotRecorded):
        recorder.record([b"too long"])


def test_a_full_spool_is_helped_out_by_the_database(database: Database, tmp_path: Path) -> None:
    recorder = Recorder(database, Spool(tmp_path, max_bytes=3), durability=Durability.PROCESS)

    recorder.record([b"too long"])

    assert database.rows == [b"too long"]


def test_what_was_spooled_comes_home_once_and_the_files_go(database: Database, spool: Spool, tmp_path: Path) -> None:
    spool.append([b"a", b"b"], to_disk=True)
    replay = Replay(database, spool)
    database.is_away = True
    with pytest.raises(psycopg.OperationalError):
        replay.run_once()
    database.is_away = False
    spool.append([b"c"], to_disk=False)

    assert replay.run_once() == 3
    assert replay.run_once() == 0

    assert sorted(database.rows) == [b"a", b"b", b"c"]
    assert spool.size_bytes == 0
    assert list(tmp_path.rglob("*.ndjson")) == []


def test_the_spool_of_a_dead_process_is_brought_home_and_a_living_one_left_alone(
    database: Database, tmp_path: Path
) -> None:
    living = Spool(tmp_path, max_bytes=1_000)
    living.append([b"mine"], to_disk=False)
    code = (
        "import os, sys; from pathlib import Path; from api.recording.spool import Spool\n"
        "Spool(Path(sys.argv[1]), max_bytes=1000).append([b'orphan'], to_disk=False); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)

    Replay(database, Spool(tmp_path, max_bytes=1_000)).run_once()

    assert database.rows == [b"orphan"]


def test_a_line_cut_short_by_a_crash_is_left_out(tmp_path: Path) -> None:
    segment = tmp_path / "1.ndjson"
    segment.write_bytes(b"whole\nwhole too\ncut sh")

    assert read_lines(segment) == [b"whole", b"whole too"]


def test_a_line_the_database_refuses_is_kept_aside_and_holds_nobody_up(
    database: Database, spool: Spool, tmp_path: Path
) -> None:
    rows = [f"row {number}".encode() for number in range(9)]
    database.refuses = {rows[4]}
    spool.append(rows, to_disk=False)

    Replay(database, spool).run_once()

    assert database.rows == rows[:4] + rows[5:]
    kept = tmp_path / "quarantine" / "lines.ndjson"
    assert kept.read_bytes() == rows[4] + b"\n"
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(kept.parent.stat().st_mode)) == (0o600, 0o700)


FULL_DISK = """
import resource, sys
from pathlib import Path
from api.recording.spool import Spool
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
spool = Spool(Path(sys.argv[1]), max_bytes=10**9)
kept = 0
for number in range(20):
    try:
        spool.append([b"line %05d" % number], to_disk=True)
        kept += 1
    except OSError:
        pass
print(kept)
"""


def test_a_full_disk_leaves_no_half_line_behind(tmp_path: Path) -> None:
    """The limit on a file's size fails a write in the middle, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], cwd=ROOT, check=True, capture_output=True, text=True
    )

    (segment,) = tmp_path.rglob("*.ndjson")
    assert int(done.stdout) == 9
    assert segment.read_bytes().splitlines() == [b"line %05d" % number for number in range(9)]
    assert segment.read_bytes().endswith(b"\n")


def test_a_spool_beyond_its_size_refuses(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=8)
    spool.append([b"1234567"], to_disk=False)

    with pytest.raises(SpoolFull):
        spool.append([b"8"], to_disk=False)
    assert not spool.is_writable()


def test_closing_an_empty_spool_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=100)
    assert spool.is_writable()

    spool.close()

    assert os.listdir(tmp_path) == []  # noqa: PTH208  the plainest way to say it


def test_a_file_that_is_opened_while_sealed_ones_are_listed_is_not_among_them(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would be replayed and removed while lines are still being added to it."""
    spool.append([b"early"], to_disk=False)
    late = threading.Thread(target=lambda: spool.append([b"late"], to_disk=False))
    glob = Path.glob

    def glob_after_an_append(folder: Path, pattern: str) -> object:
        if late.ident is None:
            late.start()
            late.join(0.2)
        return glob(folder, pattern)

    monkeypatch.setattr(Path, "glob", glob_after_an_append)

    listed = [line for segment in spool.sealed_segments() for line in read_lines(segment)]
    late.join()

    assert listed == [b"early"]


def test_what_the_database_refuses_is_not_acknowledged_nor_spooled(database: Database, spool: Spool) -> None:
    database.refuses = {b"bad"}

    with pytest.raises(DecisionNotRecorded):
        Recorder(database, spool, durability=Durability.DATABASE).record([b"bad"])

    assert spooled(spool) == []
