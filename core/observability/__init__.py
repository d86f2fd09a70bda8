"""Logs, error reports and metrics. None of them ever holds a body, a secret, a key or a name of a customer."""

from core.observability.listener import MetricsServer, listen
from core.observability.logs import logged_with, set_up_logging
from core.observability.metrics import (
    ANALYTICS_READS,
    CHECKS,
    CHECKS_BLOCKED,
    DATABASE_CONNECTION_ERRORS,
    FEED_LOST,
    LIMIT_BACKEND_FAILURES,
    LIMIT_HITS,
    LIMIT_ON_MEMORY,
    LOCAL_DECISIONS,
    RECORD_FAILURES,
    RECORDED,
    REFUSALS,
    REPLICA_READS,
    SDK_DECISIONS,
    SPOOL_QUARANTINED,
    SPOOL_REPLAYED,
    STAGE_DURATION,
    note_check_requests,
    note_request,
)
from core.observability.pool import watch_database
from core.observability.queries import time_queries
from core.observability.reports import report_error, set_up_error_reports
from core.observability.scrape import Reading, gauge_at_scrape, metrics_page

__all__ = [
    "ANALYTICS_READS",
    "CHECKS",
    "CHECKS_BLOCKED",
    "DATABASE_CONNECTION_ERRORS",
    "FEED_LOST",
    "LIMIT_BACKEND_FAILURES",
    "LIMIT_HITS",
    "LIMIT_ON_MEMORY",
    "LOCAL_DECISIONS",
    "RECORDED",
    "RECORD_FAILURES",
    "REFUSALS",
    "REPLICA_READS",
    "SDK_DECISIONS",
    "SPOOL_QUARANTINED",
    "SPOOL_REPLAYED",
    "STAGE_DURATION",
    "MetricsServer",
    "Reading",
    "gauge_at_scrape",
    "listen",
    "logged_with",
    "metrics_page",
    "note_check_requests",
    "note_request",
    "report_error",
    "set_up_error_reports",
    "set_up_logging",
    "time_queries",
    "watch_database",
]
