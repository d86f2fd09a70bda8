"""What the guides state of the pages and of support."""

from datetime import timedelta

from billing.access import GRACE
from billing.quotas import WARN_AT_PERCENT
from core import sessions
from core.passwords import MIN_LENGTH
from portal.customer.applications.states import DECIDED_WITHIN_BUSINESS_DAYS
from portal.customer.decisions import session_key
from portal.customer.keys.overview import IDLE_AFTER, ROTATE_AFTER
from portal.customer.people import links
from portal.customer.people.models import Purpose
from portal.customer.team.services import INVITATION_LIFE
from portal.docs.figures import stated
from portal.support.severities import SLA_TARGETS
from portal.support.uploads import MOST_BYTES_EACH, MOST_FILES

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_MILLION = 1_000_000


@stated
def _of_support() -> dict[str, object]:
    answers = {f"{severity}_answer_hours": promise.response // _HOUR for severity, promise in SLA_TARGETS.items()}
    ends = {
        f"{severity}_end_hours": promise.resolution // _HOUR
        for severity, promise in SLA_TARGETS.items()
        if promise.resolution
    }
    return {**answers, **ends, "most_files": MOST_FILES, "most_megabytes": MOST_BYTES_EACH // _MILLION}


@stated
def _of_the_portal() -> dict[str, object]:
    return {
        "rotate_after_days": ROTATE_AFTER // _DAY,
        "idle_after_days": IDLE_AFTER // _DAY,
        "application_business_days": DECIDED_WITHIN_BUSINESS_DAYS,
        "grace_days": GRACE // _DAY,
        "quota_warning_percent": WARN_AT_PERCENT,
        "invitation_days": INVITATION_LIFE // _DAY,
        "confirmation_days": links.LIFE[Purpose.CONFIRM_ADDRESS] // _DAY,
        "password_characters": MIN_LENGTH,
        "session_days": sessions.LIFE // _DAY,
        "session_idle_hours": sessions.IDLE_LIMIT // _HOUR,
        "session_key_minutes": session_key.LIFE // _MINUTE,
    }
