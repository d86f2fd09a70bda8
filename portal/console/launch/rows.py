"""The board as people work through it: one row for each thing to be sure of, by the lead who owns it."""

from collections.abc import Iterable, Sequence

import msgspec

from portal.console.launch.items import Lead
from portal.console.launch.services import Line

_OWNED = {
    Lead.ENGINEERING: (
        "Secrets",
        "Database",
        "HTTPS and domain",
        "Monitoring",
        "Performance",
        "Security",
        "Infrastructure",
    ),
    Lead.OPERATIONS: ("Support", "Operations"),
    Lead.LEGAL: ("Legal",),
    Lead.PRODUCT: ("Billing", "Customer"),
}
OWNERS = {group: lead for lead, groups in _OWNED.items() for group in groups}


class Row(msgspec.Struct, frozen=True):
    """`codes` are of all items that the same check decides, on whichever board."""

    line: Line
    codes: Sequence[str]


def rows_by_owner(lines: Iterable[Line]) -> dict[Lead, list[Row]]:
    """What is to do first, then what was not checked yet, then what is green."""
    by_owner: dict[Lead, list[Row]] = {lead: [] for lead in Lead}
    for alike in _alike(lines):
        row = Row(alike[0], [line.item.code for line in alike])
        by_owner[OWNERS[row.line.item.group]].append(row)
    for rows in by_owner.values():
        rows.sort(key=lambda row: (row.line.is_green, row.line.at is None))
    return by_owner


def _alike(lines: Iterable[Line]) -> Iterable[list[Line]]:
    """A check decides one thing, wherever it is listed; a person confirms each item by itself."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.item.check or line.item.code, []).append(line)
    return found.values()
