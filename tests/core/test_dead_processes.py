"""Metrics of web processes that were killed."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from core.observability import dead_processes

COUNT = """
from prometheus_client import Counter, Gauge, Histogram
Counter("aig_things_total", "Things.", ["kind"]).labels("a").inc(3)
Histogram("aig_time_seconds", "Time.", buckets=(1, 2)).observe(1.5)
Gauge("aig_alive", "Alive.", multiprocess_mode="livesum").set(1)
"""


def process_that_counts(folder: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run([sys.executable, "-c", COUNT], env=environment, check=True)


def scraped(folder: Path) -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(registry).decode()


def test_what_processes_counted_outlives_them_and_their_files_do_not(tmp_path: Path) -> None:
    files = []
    for _ in range(3):
        process_that_counts(tmp_path)
        dead_processes.forget(tmp_path)
        files.append(len(list(tmp_path.glob("*.db"))))

    text = scraped(tmp_path)
    assert 'aig_things_total{kind="a"} 9.0' in text
    assert 'aig_time_seconds_bucket{le="2.0"} 3.0' in text
    assert "aig_time_seconds_count 3.0" in text
    assert "aig_alive 1" not in text
    assert files == [2, 2, 2]


def test_the_file_of_a_process_that_lives_stays(tmp_path: Path) -> None:
    mine = tmp_path / f"counter_{os.getpid()}.db"
    mine.write_bytes(b"")

    dead_processes.forget(tmp_path)

    assert mine.exists()
