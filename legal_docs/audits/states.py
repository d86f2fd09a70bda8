"""What is audited, why, and the steps of a booking. Knows no database."""

from enum import StrEnum


class AuditKind(StrEnum):
    AUDIT = "audit"
    PENETRATION_TEST = "penetration_test"


class Cause(StrEnum):
    """Why now. Only the yearly one is counted; the others may come at shorter notice."""

    YEARLY = "yearly"
    BREACH = "breach"
    AUTHORITY = "authority"


class AuditStatus(StrEnum):
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELED = "canceled"
    COMPLETED = "completed"


KIND_NAMES = {AuditKind.AUDIT: "Audit", AuditKind.PENETRATION_TEST: "Penetration test"}
CAUSE_NAMES = {
    Cause.YEARLY: "Regular audit",
    Cause.BREACH: "After a personal data breach",
    Cause.AUTHORITY: "Required by an authority",
}
STATUS_NAMES = {
    AuditStatus.REQUESTED: "Under review",
    AuditStatus.CONFIRMED: "Confirmed",
    AuditStatus.DECLINED: "Declined",
    AuditStatus.CANCELED: "Canceled",
    AuditStatus.COMPLETED: "Completed",
}

MOVES = {
    AuditStatus.REQUESTED: frozenset({AuditStatus.CONFIRMED, AuditStatus.DECLINED, AuditStatus.CANCELED}),
    AuditStatus.CONFIRMED: frozenset({AuditStatus.CONFIRMED, AuditStatus.COMPLETED, AuditStatus.CANCELED}),
    AuditStatus.DECLINED: frozenset(),
    AuditStatus.CANCELED: frozenset(),
    AuditStatus.COMPLETED: frozenset(),
}
"""A confirmed one may be confirmed again, for other days."""

COUNTED = frozenset({AuditStatus.REQUESTED, AuditStatus.CONFIRMED, AuditStatus.COMPLETED})
"""Those that use up the audit of the year."""
