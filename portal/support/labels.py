"""What clocks and their outcomes are called."""

from portal.support.sla import Kind, Outcome

CLOCK_LABELS = {
    Kind.FIRST_RESPONSE: "First answer",
    Kind.NEXT_RESPONSE: "Next answer",
    Kind.RESOLUTION: "Resolution",
}
OUTCOME_LABELS = {
    Outcome.RUNNING: "under way",
    Outcome.PAUSED: "paused while we wait for you",
    Outcome.MET: "in time",
    Outcome.MISSED: "late",
    Outcome.MET_LATE: "came late",
    Outcome.ENDED: "not needed any more",
}
OUTCOME_TONES = {Outcome.MET: "good", Outcome.MISSED: "bad", Outcome.MET_LATE: "bad", Outcome.RUNNING: "accent"}
