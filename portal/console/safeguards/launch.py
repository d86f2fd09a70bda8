"""What the launch board looks at anyway."""

from collections.abc import Callable
from datetime import datetime

from core.settings import Settings
from legal_docs.measures.kinds import Measure, Sighting
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


def _as_seen(check_code: str) -> Callable[[Settings, datetime], Sighting]:
    def look(settings: Settings, now: datetime) -> Sighting:
        verdict = CHECKS[check_code](CheckContext(settings, now))
        return Sighting(is_met=verdict.is_green, seen=verdict.seen)

    return look


for _measure, _check_code in CHECK_OF.items():
    looks_at(_measure)(_as_seen(_check_code))
