"""`python -m tests.mutations`: breaks the source in a copy, one named way at a time, and wants a guard test to notice.

Ends with 1 while a mutation survives. `python -m tests.mutations NAME …` tries some of them.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.services import ROOT

LAUNCH = "portal/console/launch"
BREAKS = "tests/portal/launch/test_breaks.py"
EVIDENCE = "tests/portal/launch/test_evidence.py"
PROMISES = "tests/portal/launch/test_promises.py"
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "var", ".mypy_cache", ".ruff_cache", ".hypothesis", "__pycache__")
WITHIN_S = 300


class Mutation(msgspec.Struct, frozen=True):
    """`words` says which tests of the guard are run (pytest -k)."""

    file: str
    before: str
    after: str
    guard: str
    words: str


MUTATIONS = {
    "alerts: any names do": Mutation(
        f"{LAUNCH}/checks/monitoring.py",
        "missing = [name for name in ALERTS_FOR if name not in healthy]",
        "missing: list[str] = []",
        BREAKS,
        "rules",
    ),
    "alerts: sent is enough": Mutation(f"{LAUNCH}/checks/monitoring.py", "_arrived(mark),", "True,", BREAKS, "lost"),
    "certificate: any end does": Mutation(
        f"{LAUNCH}/checks/outside.py", "ends_at - around.now >= VALID_FOR", "True", BREAKS, "certificate"
    ),
    "filters: no fault counts": Mutation(
        f"{LAUNCH}/checks/evidence.py", "lambda found: found.failures", "lambda _: []", EVIDENCE, "fault"
    ),
    "pages: no fault counts": Mutation(
        f"{LAUNCH}/checks/evidence.py", "lambda found: found.markup", "lambda _: []", EVIDENCE, "fault"
    ),
    "contacts: one is enough": Mutation(
        f"{LAUNCH}/checks/customers.py",
        "if one.contact_email and one.second_contact_email",
        "if one.contact_email",
        BREAKS,
        "contact",
    ),
    "plan pages: none is needed": Mutation(
        f"{LAUNCH}/checks/money.py", "[path for path in PAGES if path not in rules]", "[]", BREAKS, "plans"
    ),
    "privacy: the figure anywhere does": Mutation(
        f"{LAUNCH}/checks/promises.py",
        "if not clauses.is_stated(version.markdown, clause)",
        "if '90 days' not in version.markdown",
        PROMISES,
        "",
    ),
    "acceptance: nobody is behind": Mutation(
        f"{LAUNCH}/checks/promises.py", "if one.id in late]", "if one.id in ()]", BREAKS, "accepted"
    ),
    "backups: a failure is none": Mutation(
        f"{LAUNCH}/checks/data.py", "if status.failure or status.is_overdue:", "if status.is_overdue:", BREAKS, "backup"
    ),
    "evidence: any host does": Mutation(
        f"{LAUNCH}/evidence.py", "evidence.host != expected.host", "False", EVIDENCE, "count"
    ),
    "evidence: one answer does": Mutation(f"{LAUNCH}/evidence.py", "0.99, 600", "0.0, 600", EVIDENCE, "count"),
    "evidence: a shortened run does": Mutation(
        f"{LAUNCH}/evidence.py", " or found.is_shortened", "", EVIDENCE, "count"
    ),
    "domain: whoever answers is us": Mutation(
        f"{LAUNCH}/challenge.py", "return any(hmac", "return True or any(hmac", BREAKS, "installation"
    ),
    "stripe: a sandbox is enough": Mutation(
        f"{LAUNCH}/checks/money.py",
        "    if not around.settings.stripe_api_key:\n        return stripe_set(around)\n    try:",
        "    try:",
        BREAKS,
        "stripe",
    ),
}


@contextmanager
def copy_with(mutation: Mutation) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "source"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED, symlinks=True)
        file = copy / mutation.file
        source = file.read_text()
        if source.count(mutation.before) != 1:
            raise SystemExit(f"{mutation.file} does not hold this once: {mutation.before}")
        file.write_text(source.replace(mutation.before, mutation.after))
        yield copy


def is_caught(mutation: Mutation) -> bool:
    """Whether the guard fails because of a test, and not because none was run."""
    with copy_with(mutation) as copy:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutation.guard]
        command += ["-k", mutation.words] if mutation.words else []
        ended = subprocess.run(command, cwd=copy, capture_output=True, check=False, timeout=WITHIN_S)
    return ended.returncode == 1 and b" error" not in ended.stdout.splitlines()[-1]


def main(names: Sequence[str]) -> int:
    wanted = {name: one for name, one in MUTATIONS.items() if not names or any(word in name for word in names)}
    survived = []
    for name, mutation in wanted.items():
        caught = is_caught(mutation)
        sys.stdout.write(f"{'caught  ' if caught else 'SURVIVED'} {name}\n")
        sys.stdout.flush()
        survived += [] if caught else [name]
    sys.stdout.write(f"{len(survived)} of {len(wanted)} survived.\n")
    return 1 if survived or not wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
