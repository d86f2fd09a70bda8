"""Every figure that the handbook states, by name: those of the guides, and those that operators alone go by."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache

from api.analytics import erasing as analytics
from backups import names as backups
from backups.services import NIGHTLY_AT
from core.rotations.services import ROTATED_EVERY
from legal_docs.figures import CHECKS_PER_WINDOW, WINDOW_SECONDS
from portal.console.launch import evidence as launch_evidence
from portal.console.launch import services as launch
from portal.console.launch.checks import data, evidence, operations, outside
from portal.console.measures import targets
from portal.customer.applications import welcome
from portal.customer.suspected_breaches import states as suspected_breaches
from portal.docs.figures import figures as of_the_guides
from portal.feedback import kinds as feedback
from portal.feedback.kinds import Kind
from portal.status import clocks, detection, snapshot
from portal.status.states import Impact
from portal.support import desk
from portal.support import states as requests
from portal.support.inbound import bounded, taking

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def _of_incidents() -> dict[str, object]:
    return {
        "notice_minutes": clocks.NOTICE_WITHIN // _MINUTE,
        "update_minutes_critical": clocks.UPDATE_WITHIN[Impact.CRITICAL] // _MINUTE,
        "update_minutes_major": clocks.UPDATE_WITHIN[Impact.MAJOR] // _MINUTE,
        "update_hours_minor": clocks.UPDATE_WITHIN[Impact.MINOR] // _HOUR,
        "watch_minutes": clocks.WATCH_FOR // _MINUTE,
        "review_hours": clocks.REVIEW_WITHIN // _HOUR,
        "uptime_days": detection.UPTIME_DAYS,
        "outage_probes": detection.FAILURES_FOR_OUTAGE,
        "partial_probes": detection.FAILURES_FOR_PARTIAL,
        "looked_at_probes": detection.LOOKED_AT,
        "copy_stale_minutes": snapshot.STALE_AFTER // _MINUTE,
        "breach_pressing_hours": suspected_breaches.PRESSING // _HOUR,
        "stale_minutes": detection.STALE_AFTER // _MINUTE,
    }


def _of_support() -> dict[str, object]:
    return {
        "waiting_days": requests.ANSWERED_WITHIN // _DAY,
        "reopened_days": requests.REOPENED_WITHIN // _DAY,
        "survey_after_days": requests.SURVEY_AFTER // _DAY,
        "survey_open_days": requests.SURVEY_OPEN_FOR // _DAY,
        "inbound_mail_mb": bounded.MOST_BYTES // 1_000_000,
        "stranger_emails_an_hour": taking.MOST_AN_HOUR[False],
        "member_emails_an_hour": taking.MOST_AN_HOUR[True],
        "stranger_calls_an_hour": desk.STRANGERS_CALLS_AN_HOUR,
        "first_check_hours": welcome.FIRST_CHECK_WITHIN // _HOUR,
    }


def _of_stores() -> dict[str, object]:
    return {
        "backup_time": f"{NIGHTLY_AT:%H:%M}",
        "backup_overdue_hours": backups.OVERDUE_AFTER // _HOUR,
        "analytics_erasure_hours": analytics.ERASED_WITHIN // _HOUR,
        "rotation_days": ROTATED_EVERY // _DAY,
        "oldest_postgres": data.OLDEST_SERVER // 10_000,
    }


def _of_the_board() -> dict[str, object]:
    return {
        "confirmed_days": launch.CONFIRMED_FOR // _DAY,
        "signed_days": launch.SIGNED_FOR // _DAY,
        "evidence_days": launch_evidence.FRESH_FOR // _DAY,
        "certificate_days": outside.VALID_FOR // _DAY,
        "ready_ms": round(outside.READY_WITHIN_S * 1000),
        "weeks_ahead": operations.WEEKS_AHEAD,
        "rendered_minutes": operations.RENDERED_WITHIN // _MINUTE,
        "stale_days": operations.STALE_AFTER // _DAY,
    }


def _of_load() -> dict[str, object]:
    """As many keys as it takes so that none comes to its limit."""
    return {
        "load_rate": launch_evidence.REQUESTS_A_SECOND,
        "load_seconds": launch_evidence.SECONDS,
        "load_keys": launch_evidence.REQUESTS_A_SECOND * WINDOW_SECONDS // CHECKS_PER_WINDOW,
        "load_p50_ms": evidence.P50_MS,
        "load_p95_ms": evidence.P95_MS,
    }


def _of_success() -> dict[str, object]:
    return {
        "success_days": targets.OVER_DAYS,
        "success_uptime": targets.UPTIME_PERCENT,
        "success_answer_hours": targets.ANSWERED_WITHIN_H,
        "success_bug_hours": targets.BUG_RESOLVED_WITHIN_H,
        "success_satisfaction": round(targets.SATISFACTION),
    }


def _of_feedback() -> dict[str, object]:
    return {
        "survey_every_days": feedback.EVERY[Kind.SURVEY] // _DAY,
        "check_in_every_days": feedback.EVERY[Kind.CHECK_IN] // _DAY,
        "review_every_days": feedback.EVERY[Kind.QUARTERLY_REVIEW] // _DAY,
        "pilot_review_days": feedback.REVIEWED_BEFORE_END // _DAY,
        "feedback_recorded_days": feedback.RECORDED_WITHIN // _DAY,
    }


_SOURCES = (_of_feedback, _of_incidents, _of_support, _of_stores, _of_the_board, _of_load, _of_success)


@cache
def figures() -> Mapping[str, str]:
    """All of them; for whoever asks once every part is loaded."""
    own = {name: value for source in _SOURCES for name, value in source().items()}
    shown = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in own.items()}
    return {**of_the_guides(), **shown}
