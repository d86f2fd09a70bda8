"""What the verifier says of one organization's log. Knows no database."""

from enum import StrEnum
from uuid import UUID

import msgspec

from core.ids import public_id

MOST_FINDINGS = 100


class Fault(StrEnum):
    ROW_CHANGED = "row_changed"
    ROW_DELETED = "row_deleted"
    ROW_INSERTED = "row_inserted"
    ROW_MOVED = "row_moved"
    ROWS_DIFFER = "rows_differ"
    HEAD_CHANGED = "head_changed"
    HEAD_MISSING = "head_missing"
    CUT_OFF = "cut_off"
    PURGED_TOO_EARLY = "purged_too_early"


FAULT_WORDS = {
    Fault.ROW_CHANGED: "The decision was changed after it was signed.",
    Fault.ROW_DELETED: "The decision was deleted, neither by retention nor by an erasure on record.",
    Fault.ROW_INSERTED: "The decision was inserted; no head covers it.",
    Fault.ROW_MOVED: "The decision is not at the place where it was recorded.",
    Fault.ROWS_DIFFER: "The list of the head's decisions does not match its Merkle root.",
    Fault.HEAD_CHANGED: "The head was changed: its signature or its place in the chain is wrong.",
    Fault.HEAD_MISSING: "The head is missing from the chain.",
    Fault.CUT_OFF: "The end of the chain was cut off or replaced.",
    Fault.PURGED_TOO_EARLY: "The head says that decisions were purged before any retention allows.",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`position`: of a decision in the organization's log, counted from 1."""

    fault: Fault
    sequence: int | None = None
    position: int | None = None
    decision_id: str | None = None

    @property
    def words(self) -> str:
        places = (
            self.decision_id or "",
            f"head {self.sequence}" if self.sequence else "",
            f"position {self.position}" if self.position else "",
        )
        return f"{', '.join(filter(None, places)) or 'The log'}: {FAULT_WORDS[self.fault]}"


class Report(msgspec.Struct):
    """Of one verification; `erased` and `purged` rows are gone by right."""

    heads: int = 0
    rows: int = 0
    erased: int = 0
    purged: int = 0
    findings: list[Finding] = msgspec.field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        return not self.findings

    def add(
        self,
        fault: Fault,
        *,
        sequence: int | None = None,
        position: int | None = None,
        decision_id: bytes | None = None,
    ) -> None:
        """No more than a hundred: whoever reads on knows enough."""
        if len(self.findings) < MOST_FINDINGS:
            shown = public_id("dec", UUID(bytes=decision_id)) if decision_id else None
            self.findings.append(Finding(fault=fault, sequence=sequence, position=position, decision_id=shown))
