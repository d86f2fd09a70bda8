"""`python -m tests.mutations`: tries every mutation of the list; with words, those whose names have one of them.

Ends with 1 while a mutation survives. First the guards run against the source as it is: one that fails or is skipped
then catches nothing.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from core.clock import monotonic_s
from tests.mutations.mutations import MUTATIONS, Mutation
from tests.mutations.trying import Outcome, Tried, copy_source, run_guards, try_one


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def line_of(name: str, tried: Tried, seconds: float) -> str:
    cases = Counter(test.rpartition("::")[2].partition("[")[0] for test in tried.failed)
    by = ", ".join(f"{test} ({count} cases)" if count > 1 else test for test, count in cases.items()) or tried.said
    return f"{tried.outcome:<8} {name:<40} {seconds:5.1f} s  {by}"


def main(words: Sequence[str]) -> int:
    wanted = {name: one for name, one in MUTATIONS.items() if not words or any(word in name for word in words)}
    if not wanted:
        say(f"No mutation has such a name. There are: {', '.join(MUTATIONS)}.")
        return 1
    with TemporaryDirectory() as folder:
        return _try_all(wanted, copy_source(Path(folder) / "source"))


def _try_all(wanted: dict[str, Mutation], copy: Path) -> int:
    unbroken = run_guards(copy, [test for one in wanted.values() for test in one.guard])
    if unbroken.outcome is not Outcome.SURVIVED:
        say(f"Nothing was tried: the guards do not all pass against the source as it is. {unbroken.said}")
        return 1
    survived = []
    for name, mutation in wanted.items():
        began = monotonic_s()
        tried = try_one(copy, mutation)
        say(line_of(name, tried, monotonic_s() - began))
        survived += [] if tried.outcome is Outcome.CAUGHT else [name]
    say(f"{len(wanted) - len(survived)} of {len(wanted)} caught. Not caught: {', '.join(survived) or 'none'}.")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
