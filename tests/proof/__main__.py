"""`python -m tests.proof`: runs every test that the table names and writes docs/requirements.md with the results.

`python -m tests.proof FILE…` takes the results of JUnit files (`pytest --junitxml`) instead; with `--keep`
the results stay and only the rows are written anew. Ends with 1 where a test failed or did not run.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from core.clock import utc_now
from core.formats import utc
from tests.proof import document
from tests.proof.results import Result, read, result_of
from tests.proof.table import ROOT, every_test


def run(tests: Sequence[str], folder: Path) -> Path:
    file = folder / "results.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={file}", *tests]
    subprocess.run(command, cwd=ROOT, check=False)
    return file


def main(arguments: Sequence[str]) -> int:
    if arguments == ["--keep"]:
        results, ran_on = document.kept_results()
        not_passed: list[str] = []
    else:
        tests = _results(arguments)
        results, ran_on = document.results_of(tests), utc(utc_now())
        not_passed = [
            f"{result_of(test, tests)}: {test}\n"
            for test in every_test()
            if result_of(test, tests) is not Result.PASSED
        ]
    document.FILE.write_text(document.render(results, ran_on=ran_on))
    sys.stdout.write("".join(not_passed) + f"Wrote {document.FILE.relative_to(ROOT)}.\n")
    return 1 if not_passed else 0


def _results(files: Sequence[str]) -> Mapping[str, Result]:
    if files:
        return read(map(Path, files))
    with TemporaryDirectory() as folder:
        return read([run(every_test(), Path(folder))])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
