"""The table as a document for whoever asks what proves a requirement."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.proof.results import Result, result_of, worst
from tests.proof.table import FAMILIES, ROOT, Row, rows_of

FILE = ROOT / "docs" / "requirements.md"

_HEAD = """# Requirements and what proves them

Written by `python -m tests.proof` from `tests/proof/rows/`; do not edit. Each requirement of the founding documents
names the tests that fail when it does not hold, with their last result. What no test can prove says who does what. Of
the two launch boards the tests prove that each item turns red and green; the boards look at the real installation.
"""


_ROW = re.compile(r"^\| (?P<name>\w+(?:-\d+)?) \|.*\| (?P<result>[^|]+) \|$", re.MULTILINE)
_WHEN = re.compile(r"Last results, up to (.+?): ")


def render(results: Mapping[str, str], *, ran_on: str) -> str:
    """`results` are those of rows, as `results_of` gives them."""
    rows = {name: row for family in FAMILIES for name, row in rows_of(family).items()}
    kinds = Counter(_kind(row) for row in rows.values())
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    ran = Counter(results.get(name, Result.NOT_RUN) for name, row in rows.items() if row.tests)
    last = ", ".join(f"{count} {result}" for result, count in ran.most_common())
    parts = [_HEAD, f"{len(rows)} requirements: {counted}. Last results, up to {ran_on}: {last}.\n"]
    for family, (title, _) in FAMILIES.items():
        parts += [f"## {title}\n", "| Row | Requirement | Proven by | Last result |\n|---|---|---|---|"]
        parts += [
            f"{line_of(name, row)} {results.get(name, Result.NOT_RUN) if row.tests else '–'} |"
            for name, row in rows_of(family).items()
        ]
        parts.append("")
    return "\n".join(parts)


def results_of(tests: Mapping[str, Result]) -> dict[str, str]:
    """Of each row, the worst of its tests; of those that did not all run, what the document has."""
    rows = {name: row for family in FAMILIES for name, row in rows_of(family).items() if row.tests}
    found = {name: worst(result_of(test, tests) for test in row.tests) for name, row in rows.items()}
    kept, _ = kept_results()
    return {name: kept.get(name, one) if one is Result.NOT_RUN else one for name, one in found.items()}


def kept_results() -> tuple[dict[str, str], str]:
    """Those that the document has now, and when they were found."""
    written = FILE.read_text()
    when = _WHEN.search(written)
    return {found["name"]: found["result"] for found in _ROW.finditer(written)}, when[1] if when else "no day"


def line_of(name: str, row: Row) -> str:
    """All but the result."""
    return f"| {name} | {row.title} | {'<br>'.join(_proofs(row))} |"


def _proofs(row: Row) -> Iterator[str]:
    yield from (f"`{test.removeprefix('tests/')}`".replace("|", "\\|") for test in row.tests)
    if row.outside:
        yield f"**Outside:** {row.outside}"
    if row.open:
        yield f"**Open:** {row.open}"


def _kind(row: Row) -> str:
    if row.open:
        return "with something open"
    if row.outside:
        return "that need somebody outside" if not row.tests else "proven as far as software can"
    return "proven"
