"""What clocks and their outcomes are called."""

from portal.support.sla import Kind, Outcome

CLOCK_LABELS = {
    Kind.FIRST_RESPONSE: "First response",
    Kind.NEXT_RESPONSE: "Next response",
    Kind.RESOLUTION: "Resolution",
}
OUTCOME_LABELS = {
    Outcome.RUNNING: "in progress",
    Outcome.PAUSED: "paused (waiting for the customer's reply)",
    Outcome.MET: "on time",
    Outcome.MISSED: "overdue",
    Outcome.MET_LATE: "late",
    Outcome.ENDED: "no longer needed",
}
OUTCOME_TONES = {Outcome.MET: "good", Outcome.MISSED: "bad", Outcome.MET_LATE: "bad", Outcome.RUNNING: "accent"}
