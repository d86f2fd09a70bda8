"""One copy of the source for all mutations; each is put in, tried and taken out again."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import count
from pathlib import Path

import msgspec

from tests.mutations.mutations import Mutation

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "var", ".mypy_cache", ".ruff_cache", ".hypothesis", "__pycache__")
WITHIN_S = 300
NOT_PASSED = re.compile(r"^(FAILED|ERROR|SKIPPED) (.+?)(?: - .*)?$", re.MULTILINE)
PASSED, TESTS_FAILED = 0, 1

_seconds = count(1_000_000_000)
"""A file that changes back within a second would be taken for the one that was compiled."""


class Outcome(StrEnum):
    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    UNCLEAR = "UNCLEAR"
    """The guard did not fail by a test: it was skipped, could not be set up, or never came to an end."""


class Tried(msgspec.Struct, frozen=True):
    outcome: Outcome
    failed: list[str] = []
    said: str = ""


def copy_source(target: Path) -> Path:
    shutil.copytree(ROOT, target, ignore=NOT_COPIED, symlinks=True)
    return target


@contextmanager
def mutated(copy: Path, mutation: Mutation) -> Iterator[None]:
    file = copy / mutation.file
    source = file.read_text()
    if source.count(mutation.before) != 1:
        raise SystemExit(f"{mutation.file} does not hold this once: {mutation.before}")
    _write(file, source.replace(mutation.before, mutation.after))
    try:
        yield
    finally:
        _write(file, source)


def _write(file: Path, source: str) -> None:
    file.write_text(source)
    second = next(_seconds)
    os.utime(file, (second, second))


def try_one(copy: Path, mutation: Mutation) -> Tried:
    with mutated(copy, mutation):
        return run_guards(copy, mutation.guard)


def run_guards(copy: Path, tests: Sequence[str]) -> Tried:
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", *dict.fromkeys(tests)]
    try:
        ended = subprocess.run(command, cwd=copy, capture_output=True, check=False, timeout=WITHIN_S, text=True)
    except subprocess.TimeoutExpired:
        return Tried(Outcome.UNCLEAR, said=f"No end within {WITHIN_S} s.")
    found = NOT_PASSED.findall(ended.stdout)
    failed = [test for what, test in found if what == "FAILED"]
    if ended.returncode == PASSED and not found:
        return Tried(Outcome.SURVIVED)
    if ended.returncode == TESTS_FAILED and len(failed) == len(found):
        return Tried(Outcome.CAUGHT, failed)
    return Tried(Outcome.UNCLEAR, said=" ".join(ended.stdout.splitlines()[-3:]) + ended.stderr[-300:])
