"""`python -m tests.secret_scan`: looks for keys and passwords in all that is committed. It asks nobody.

Samples of tests and guides are known by a hash, in whatever file they stand. `--accept` adds what is found now: for
samples alone, after somebody has looked at each.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path

import msgspec
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from api.keys.token import is_well_formed

ROOT = Path(__file__).parents[1]
KNOWN = Path(__file__).with_name("known_samples.txt")

_NOT_READ = re.compile(
    r"(?:^|/)requirements.*\.txt$|(?:^|/)package-lock\.json$|^docs/sbom\.cdx\.json$|^tests/known_samples\.txt$|"
    r"\.(css|gif|ico|jpg|js|pdf|png|svg|ttf|webp|woff2)$"
)
"""Hashes, and what others have made and published."""
_TOO_LOUD = frozenset({"KeywordDetector"})
"""Takes every field that is named after a password for one."""
_LIMITS = {"Base64HighEntropyString": 4.5, "HexHighEntropyString": 3.0}
_FILTERS = (
    "allowlist.is_line_allowlisted",
    *("heuristic.is_potential_uuid", "heuristic.is_sequential_string", "heuristic.is_templated_secret"),
    "heuristic.is_not_alphanumeric_string",
)
_OURS = re.compile(r"aig_(?:live|test)_[0-9A-Za-z]{33}")
_PROCESSES, _FILES_AT_ONCE = 2, 40


class Secret(msgspec.Struct, frozen=True):
    """Where it stands; what it is stays untold."""

    file: str
    line: int
    kind: str
    digest: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}"


def main(arguments: list[str]) -> int:
    """1 if there is a secret that is no known sample."""
    new = unknown(found_in(ROOT, committed()))
    if arguments == ["--accept"]:
        KNOWN.write_text("".join(f"{line}\n" for line in sorted(known() | {one.digest for one in new})))
        return 0
    sys.stderr.writelines(f"{one}\n" for one in new)
    if new:
        sys.stderr.write(
            "Take these out of the files, and make new ones: what was committed is known. "
            "If all are samples, run `python -m tests.secret_scan --accept`.\n"
        )
    return 1 if new else 0


def committed() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [name for name in listed.stdout.splitlines() if not _NOT_READ.search(name) and (ROOT / name).is_file()]


def found_in(folder: Path, names: list[str]) -> list[Secret]:
    parts = [names[start : start + _FILES_AT_ONCE] for start in range(0, len(names), _FILES_AT_ONCE)]
    with ProcessPoolExecutor(_PROCESSES) as processes:
        return [one for part in processes.map(_scan, [folder] * len(parts), parts) for one in part]


def unknown(found: Iterable[Secret]) -> list[Secret]:
    samples = known()
    return sorted((one for one in found if one.digest not in samples), key=lambda one: (one.file, one.line))


def known() -> set[str]:
    return set(KNOWN.read_text().split()) if KNOWN.exists() else set()


def _scan(folder: Path, names: list[str]) -> list[Secret]:
    plugins = [one.__name__ for one in get_mapping_from_secret_type_to_class().values()]
    settings = {
        "plugins_used": [
            {"name": name, **({"limit": _LIMITS[name]} if name in _LIMITS else {})}
            for name in plugins
            if name not in _TOO_LOUD
        ],
        "filters_used": [{"path": f"detect_secrets.filters.{name}"} for name in _FILTERS],
    }
    with transient_settings(settings):
        return [one for name in names for one in _scan_one(folder, name)]


def _scan_one(folder: Path, name: str) -> Iterator[Secret]:
    for one in scan_file(str(folder / name)):
        yield _secret(name, one.line_number, one.type, one.secret_value or "")
    for number, line in enumerate((folder / name).read_text(errors="replace").splitlines(), 1):
        for key in filter(is_well_formed, _OURS.findall(line)):
            yield _secret(name, number, "API key of this service", key)


def _secret(name: str, line: int, kind: str, value: str) -> Secret:
    return Secret(name, line, kind, sha256(value.encode()).hexdigest()[:32])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
