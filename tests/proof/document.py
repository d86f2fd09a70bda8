"""The table as a document for whoever asks what proves a requirement."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from core.formats import utc
from tests.proof.results import Result, result_of, worst
from tests.proof.table import FAMILIES, ROOT, Row, rows_of

FILE = ROOT / "docs" / "requirements.md"

_HEAD = """# Requirements and what proves them

Written by `python -m tests.proof` from `tests/proof/rows/`; do not edit. Each requirement of the founding documents
names the tests that fail when it does not hold, with their last result. What no test can prove says who does what. Of
the two launch boards the tests prove that each item turns red and green; the boards look at the real installation.
"""


def render(results: Mapping[str, Result], *, now: datetime) -> str:
    rows = {name: row for family in FAMILIES for name, row in rows_of(family).items()}
    kinds = Counter(_kind(row) for row in rows.values())
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    ran = Counter(_result(row, results) for row in rows.values() if row.tests)
    last = ", ".join(f"{count} {result}" for result, count in ran.most_common())
    parts = [_HEAD, f"{len(rows)} requirements: {counted}. Last run on {utc(now)}: {last}.\n"]
    for family, (title, _) in FAMILIES.items():
        parts += [f"## {title}\n", "| Row | Requirement | Proven by | Last result |\n|---|---|---|---|"]
        parts += [f"{line_of(name, row)} {_result(row, results)} |" for name, row in rows_of(family).items()]
        parts.append("")
    return "\n".join(parts)


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


def _result(row: Row, results: Mapping[str, Result]) -> str:
    return worst(result_of(test, results) for test in row.tests).value if row.tests else "–"
