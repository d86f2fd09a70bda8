"""What a request is about, how grave it is, and what we promise for each. Imports no database."""

from datetime import timedelta
from enum import IntEnum, StrEnum

import msgspec

from legal_docs import figures

CRITICAL_MARK = "critical:"
"""An email whose subject begins like this is a critical request, however its letters are written."""


class Category(StrEnum):
    BUG = "bug"
    FEATURE_REQUEST = "feature_request"
    QUESTION = "question"
    BILLING = "billing"
    FEEDBACK = "feedback"


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(IntEnum):
    """Who works on a request; each hands over to the next."""

    SUPPORT = 1
    ENGINEERING = 2
    ON_CALL = 3


class SlaTarget(msgspec.Struct, frozen=True):
    """`response` is the time to the first answer by a person, `resolution` to the end, of hours that all count.

    No `resolution`: best effort where it is critical, none promised where it is low.
    """

    response: timedelta
    resolution: timedelta | None
    examples: str


SLA_TARGETS = {
    Severity.CRITICAL: SlaTarget(
        timedelta(hours=figures.CRITICAL_RESPONSE_HOURS),
        None,
        f"The API is down for more than {figures.CRITICAL_OUTAGE_MINUTES} minutes, data is lost or you suspect a"
        " security breach.",
    ),
    Severity.HIGH: SlaTarget(
        timedelta(hours=figures.HIGH_RESPONSE_HOURS),
        timedelta(hours=figures.HIGH_RESOLUTION_HOURS),
        "A key fails, a policy gives the wrong result, or checks take over a second.",
    ),
    Severity.MEDIUM: SlaTarget(
        timedelta(hours=figures.MEDIUM_RESPONSE_HOURS),
        timedelta(days=figures.MEDIUM_RESOLUTION_DAYS),
        "A page is wrong or slow, you have a question about policies, or you find a minor bug.",
    ),
    Severity.LOW: SlaTarget(
        timedelta(hours=figures.LOW_RESPONSE_HOURS), None, "Feature requests, typos, general questions and feedback."
    ),
}

CATEGORY_LABELS = {
    Category.BUG: "Problem",
    Category.QUESTION: "Question",
    Category.BILLING: "Billing and plan",
    Category.FEATURE_REQUEST: "Feature request",
    Category.FEEDBACK: "Feedback",
}

LEVEL_LABELS = {Level.SUPPORT: "support", Level.ENGINEERING: "engineering", Level.ON_CALL: "on-call"}


def severity_of_subject(subject: str) -> Severity:
    """Emails have no field for it: what says nothing is medium."""
    return Severity.CRITICAL if subject.strip().lower().startswith(CRITICAL_MARK) else Severity.MEDIUM


def rank(severity: Severity) -> int:
    """The graver, the higher."""
    return list(Severity).index(severity)


def graver(one: Severity, other: Severity) -> Severity:
    return max(one, other, key=rank)


def above(level: Level) -> Level:
    """Who is asked next; on call there is nobody above."""
    return Level(min(level + 1, Level.ON_CALL))
