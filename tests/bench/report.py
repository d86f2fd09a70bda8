"""What is told while it runs, and the page of results that stays."""

import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import psutil

from core.clock import utc_now
from tests.bench import redis_server, wrk
from tests.bench.failures import Missing

_GIB = 2**30


class Report:
    """Written anew after every section, so that a run that is broken off leaves what it had."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._facts = [("date", f"{utc_now():%Y-%m-%d %H:%M} UTC"), *_hardware(), *_versions()]
        self._remarks: list[str] = []
        self._sections: list[str] = []

    def tell(self, text: str) -> None:
        """Progress, for who watches."""
        print(text, flush=True)

    def know(self, name: str, fact: str) -> None:
        """A fact about what is measured, learnt on the way."""
        self._facts.append((name, fact))

    def remark(self, text: str) -> None:
        """What a reader of the results must know: what is missing, and why."""
        self.tell(text)
        self._remarks.append(text)
        self._write()

    def add(self, title: str, introduction: str, table: str) -> None:
        section = f"## {title}\n\n{introduction}\n\n{table}\n"
        self.tell(f"\n{section}")
        self._sections.append(section)
        self._write()

    def _write(self) -> None:
        parts = ["# Measurements\n", "\n".join(f"- {name}: {fact}" for name, fact in self._facts) + "\n"]
        if self._remarks:
            parts.append("Remarks:\n\n" + "\n".join(f"- {remark}" for remark in self._remarks) + "\n")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("\n".join([*parts, *self._sections]))


def _hardware() -> list[tuple[str, str]]:
    return [
        ("processor", f"{_processor()}, {psutil.cpu_count()} cores seen by the system"),
        ("memory", f"{psutil.virtual_memory().total / _GIB:.1f} GiB"),
        ("load average before the start", f"{os.getloadavg()[0]:.2f}"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
    ]


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _versions() -> list[tuple[str, str]]:
    return [
        ("Python", platform.python_version()),
        ("Granian", version("granian")),
        ("Flask", version("flask")),
        ("Redis", _or_missing(redis_server.version)),
        ("load tool", _or_missing(_wrk_version)),
    ]


def _wrk_version() -> str:
    said = subprocess.run([wrk.program(), "-v"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[:2])


def _or_missing(read: Callable[[], str]) -> str:
    try:
        return read()
    except Missing:
        return "missing"
