"""The metrics files of web processes that are gone: what they counted is kept in one file, and theirs are deleted.

Counters must never fall, so their files cannot just go; left lying, each process that was killed would leave its own.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

_COUNTED = ("counter", "histogram", "summary")
_GONE = "gone"


def forget(directory: Path) -> None:
    with _alone(directory):
        for path in directory.glob("*_*.db"):
            kind, _, pid = path.stem.rpartition("_")
            if not pid.isdecimal() or Path(f"/proc/{pid}").exists():
                continue
            if kind in _COUNTED:
                _add_to(directory / f"{kind}_{_GONE}.db", path)
            mark_process_dead(int(pid), str(directory))  # type: ignore[no-untyped-call]


def _add_to(sum_path: Path, path: Path) -> None:
    sums = MmapedDict(str(sum_path))  # type: ignore[no-untyped-call]
    try:
        for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            before, _ = sums.read_value(key)  # type: ignore[no-untyped-call]
            sums.write_value(key, before + value, timestamp)  # type: ignore[no-untyped-call]
    finally:
        sums.close()  # type: ignore[no-untyped-call]
    path.unlink(missing_ok=True)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Two processes that are asked at once would add the same file twice."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
