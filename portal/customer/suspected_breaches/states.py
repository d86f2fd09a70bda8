"""What becomes of a suspicion, and how long it may take. Imports no database."""

from datetime import datetime, timedelta
from enum import StrEnum

from portal.status.clocks import BREACH_NOTICE_WITHIN

ASSESSED_WITHIN = BREACH_NOTICE_WITHIN
"""From the report: a breach of ours counts as discovered then, so its notice is due at the same moment."""
PRESSING = timedelta(hours=6)
"""So much before the end whoever is on call is paged again."""


class Verdict(StrEnum):
    BREACH = "breach"
    CUSTOMER_SIDE = "customer_side"
    NO_BREACH = "no_breach"


VERDICT_LABELS = {
    Verdict.BREACH: "Personal data breach at our service",
    Verdict.CUSTOMER_SIDE: "Security problem on your side",
    Verdict.NO_BREACH: "No breach found",
}


def state_of(due_at: datetime, assessed_at: datetime | None, *, now: datetime) -> tuple[str, str]:
    """Words and their tone."""
    if assessed_at is not None:
        return ("assessed in time", "good") if assessed_at <= due_at else ("assessed late", "bad")
    if now > due_at:
        return "overdue", "bad"
    hours = (due_at - now) // timedelta(hours=1)
    return f"{hours} hour{'' if hours == 1 else 's'} left", "bad" if due_at - now <= PRESSING else "warn"
