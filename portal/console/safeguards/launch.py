"""What the launch board looks at anyway."""

from collections.abc import Callable
from datetime import datetime

from core.settings import Settings
from legal_docs.measures.kinds import Measure, Observation
from legal_docs.measures.services import looks_at
from portal.console.launch.checks import CHECKS
from portal.console.launch.verdicts import CheckContext

CHECK_OF = {
    Measure.OPERATORS: "operators_guarded",
    Measure.BACKUPS: "backups_made",
    Measure.RESTORES: "restore_verified",
    Measure.LIMITS: "limit_exact",
    Measure.COMPONENTS: "dependencies_audited",
    Measure.ALERTS: "alerts_loaded",
    Measure.SECRETS: "secrets_rotated",
}
FOR_CUSTOMERS = {
    Measure.OPERATORS: "Not every operator account has a second factor.",
    Measure.ALERTS: "The alert rules could not be confirmed.",
    Measure.SECRETS: "Some settings or secrets do not meet our rules for production.",
}
"""In place of what names people or settings, which the launch board says to operators."""


def _as_seen(measure: Measure, check_code: str) -> Callable[[Settings, datetime], Observation]:
    def look(settings: Settings, now: datetime) -> Observation:
        verdict = CHECKS[check_code](CheckContext(settings, now))
        seen = verdict.seen if verdict.is_green else FOR_CUSTOMERS.get(measure, verdict.seen)
        return Observation(is_met=verdict.is_green, seen=seen)

    return look


for _measure, _check_code in CHECK_OF.items():
    looks_at(_measure)(_as_seen(_measure, _check_code))
