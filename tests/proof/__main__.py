"""`python -m tests.proof`: runs every test that the table names and writes docs/requirements.md with the results.

`python -m tests.proof FILE…` takes the results of JUnit files instead, as `pytest --junitxml` writes them. Ends with 1
where a test failed or did not run.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from core.clock import utc_now
from tests.proof import document
from tests.proof.results import Result, read, result_of
from tests.proof.table import ROOT, every_test


def run(tests: Sequence[str], folder: Path) -> Path:
    file = folder / "results.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={file}", *tests]
    subprocess.run(command, cwd=ROOT, check=False)
    return file


def results_of(names: Sequence[str]) -> Mapping[str, Result]:
    if names:
        return read(map(Path, names))
    with TemporaryDirectory() as folder:
        return read([run(every_test(), Path(folder))])


def main(names: Sequence[str]) -> int:
    results = results_of(names)
    document.FILE.write_text(document.render(results, now=utc_now()))
    not_passed = [test for test in every_test() if result_of(test, results) is not Result.PASSED]
    for test in not_passed:
        sys.stdout.write(f"{result_of(test, results)}: {test}\n")
    sys.stdout.write(f"Wrote {document.FILE.relative_to(ROOT)}.\n")
    return 1 if not_passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
