"""What is asked, of whom and how often. Imports no database."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    PULSE = "pulse"
    SURVEY = "survey"
    CHECK_IN = "check_in"
    QUARTERLY_REVIEW = "quarterly_review"
    PILOT_REVIEW = "pilot_review"


class Answer(StrEnum):
    TO_5 = "to_5"
    TO_10 = "to_10"
    FROM_0_TO_10 = "from_0_to_10"
    YES_NO = "yes_no"
    WORDS = "words"
    MAY_BE_WORDS = "may_be_words"


RANGES = {Answer.TO_5: range(1, 6), Answer.TO_10: range(1, 11), Answer.FROM_0_TO_10: range(11)}


class Question(msgspec.Struct, frozen=True):
    name: str
    words: str
    answer: Answer


QUESTIONS = {
    Kind.PULSE: (
        Question("score", "How satisfied are you with AI Governance this week?", Answer.TO_10),
        Question("words", "What would make it better?", Answer.MAY_BE_WORDS),
    ),
    Kind.SURVEY: (
        Question("ease", "How easy is AI Governance to use?", Answer.TO_5),
        Question("policies_work", "Do the policies work for you?", Answer.YES_NO),
        Question("missing", "What is missing?", Answer.MAY_BE_WORDS),
        Question("would_upgrade", "Would you choose a paid plan?", Answer.YES_NO),
        Question("case_study", "May we write about how you use it?", Answer.YES_NO),
    ),
    Kind.CHECK_IN: (
        Question("spoke_with", "Spoke with", Answer.WORDS),
        Question("worked", "What works", Answer.MAY_BE_WORDS),
        Question("trouble", "What is difficult", Answer.MAY_BE_WORDS),
        Question("next_steps", "Next steps, with owner and date", Answer.WORDS),
    ),
    Kind.QUARTERLY_REVIEW: (
        Question("spoke_with", "Spoke with", Answer.WORDS),
        Question("usage", "Usage against what was planned", Answer.WORDS),
        Question("worked", "What worked", Answer.MAY_BE_WORDS),
        Question("trouble", "What did not work", Answer.MAY_BE_WORDS),
        Question("wishes", "What they need next", Answer.MAY_BE_WORDS),
        Question("next_steps", "Next steps, with owner and date", Answer.WORDS),
    ),
    Kind.PILOT_REVIEW: (
        Question("spoke_with", "Spoke with", Answer.WORDS),
        Question("usage", "How they use it", Answer.WORDS),
        Question("worked", "What worked", Answer.MAY_BE_WORDS),
        Question("trouble", "What did not work", Answer.MAY_BE_WORDS),
        Question("recommend", "How likely are they to recommend us?", Answer.FROM_0_TO_10),
        Question("upgrade", "Do they choose a paid plan?", Answer.YES_NO),
        Question("case_study", "May we write about how they use it?", Answer.YES_NO),
    ),
}
TITLES = {
    Kind.PULSE: "Weekly pulse",
    Kind.SURVEY: "Monthly survey",
    Kind.CHECK_IN: "Check-in",
    Kind.QUARTERLY_REVIEW: "Quarterly review",
    Kind.PILOT_REVIEW: "End-of-pilot review",
}
OF_CUSTOMERS = (Kind.PULSE, Kind.SURVEY)
"""Answered by the customer behind a link; the others an operator records."""
OF_OPERATORS = tuple(kind for kind in Kind if kind not in OF_CUSTOMERS)
OF_PILOTS = frozenset({Kind.PULSE, Kind.CHECK_IN, Kind.PILOT_REVIEW})
EVERY = {
    Kind.PULSE: timedelta(weeks=1),
    Kind.SURVEY: timedelta(days=30),
    Kind.CHECK_IN: timedelta(weeks=2),
    Kind.QUARTERLY_REVIEW: timedelta(days=91),
}
OPEN_FOR = {Kind.PULSE: timedelta(weeks=1), Kind.SURVEY: timedelta(days=21)}
"""So long a customer may answer."""
RECORDED_WITHIN = timedelta(days=5)
"""So long an operator has from the email to the record."""
REVIEWED_BEFORE_END = timedelta(days=14)
_NEARLY = timedelta(hours=12)
"""A job that runs a little earlier than the day before skips no day."""


def is_due(
    kind: Kind, *, since: datetime, last_at: datetime | None, pilot_ends_at: datetime | None, now: datetime
) -> bool:
    """Whether to ask now. `since` the organization is there; `last_at` it was asked the last time."""
    is_pilot = pilot_ends_at is not None and pilot_ends_at > now
    if kind in OF_PILOTS and not is_pilot:
        return False
    if kind is Kind.PILOT_REVIEW:
        return last_at is None and pilot_ends_at is not None and now >= pilot_ends_at - REVIEWED_BEFORE_END
    return now >= (last_at or since) + EVERY[kind] - _NEARLY
