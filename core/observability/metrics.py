"""What is counted as it happens. Names and units are the field's: seconds, bytes, `_total` for what only grows.

A label holds one of a few words of ours, never a word of a caller, an id or an address: each value is a series that is
kept for weeks, and that whoever sees the dashboards may read.
"""

from functools import cache
from http import HTTPStatus

from prometheus_client import Counter, Gauge, Histogram

from core.observability import shared_values

shared_values.use()

OPEN_TELEMETRY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Of its `http.server.request.duration`."""
REQUEST_BUCKETS_S = tuple(sorted({*OPEN_TELEMETRY_BUCKETS_S, 0.001, 0.002, 0.2}))
"""With 0.2 s, the aim for the median, and two for checks, of which most are answered sooner than the others begin."""
STAGE_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5)

HTTP_DURATION = Histogram(
    "http_server_request_duration_seconds",
    "Time to answer a request, by route template; checks included.",
    ["method", "route", "status"],
    buckets=REQUEST_BUCKETS_S,
)
REFUSALS = Counter("aig_refusals_total", "Requests refused, by problem code.", ["code"])
UNHANDLED_ERRORS = Counter("aig_unhandled_errors_total", "Errors that nobody foresaw; each is a report, too.")

CHECKS = Counter(
    "aig_checks_total",
    "Checks whose answer left, by outcome. Never more than aig_decisions_recorded_total.",
    ["outcome", "environment"],
)
CHECKS_BLOCKED = Counter(
    "aig_checks_blocked_total", "Checks blocked, by the first reason; other is a rule of a customer's own.", ["reason"]
)
CHECK_REQUESTS = Counter(
    "aig_check_requests_total",
    "Requests to the check API: answered, limited, refused for a fault of the caller, failed for one of ours.",
    ["outcome", "environment"],
)
_CHECK_REQUESTS = {
    (outcome, environment): CHECK_REQUESTS.labels(outcome, environment)
    for outcome in ("answered", "limited", "refused", "failed")
    for environment in ("live", "test", "none")
}
"""All from the start: of a series that begins with its first failure, Prometheus does not see that failure."""
STAGE_DURATION = Histogram(
    "aig_check_stage_duration_seconds",
    "Time that a group of checks spends in a stage: limit, decide, record.",
    ["stage"],
    buckets=STAGE_BUCKETS_S,
)

LIMIT_HITS = Counter(
    "aig_rate_limit_hits_total", "Requests beyond their key's limit, those in a batch included.", ["purpose"]
)
LIMIT_BACKEND_FAILURES = Counter("aig_limit_backend_failures_total", "Times Redis was lost and memory took over.")
LIMIT_ON_MEMORY = Gauge(
    "aig_limit_on_memory",
    "1 while a process with a Redis counts limits in its own memory.",
    multiprocess_mode="livesum",
)

RECORDED = Counter("aig_decisions_recorded_total", "Decisions made durable, by where.", ["to"])
RECORD_FAILURES = Counter("aig_decision_record_failures_total", "Decisions that could not be made durable (503).")
SDK_DECISIONS = Counter(
    "aig_sdk_decisions_total", "Decisions an SDK made without us, by whether we decide the same.", ["outcome"]
)
LOCAL_DECISIONS = Counter(
    "aig_local_decisions_total", "Decisions by signed policies in an SDK, by whether we decide the same.", ["outcome"]
)
for _outcome in ("same", "different"):
    LOCAL_DECISIONS.labels(_outcome)
SPOOL_REPLAYED = Counter("aig_spool_replayed_decisions_total", "Decisions brought from the spool into the database.")
SPOOL_QUARANTINED = Counter(
    "aig_spool_quarantined_total", "Spool lines the database refused; kept for a person to look at."
)
FEED_LOST = Gauge(
    "aig_change_feed_lost", "Processes that changes of keys and policies do not reach.", multiprocess_mode="livesum"
)
"""Of what is missing, not of what is well: the worker has no feed, and counts as nothing."""

DATABASE_POOL_SIZE = Gauge(
    "aig_database_pool_size", "Connections that a process keeps for its threads.", multiprocess_mode="liveall"
)
DATABASE_POOL_IN_USE = Gauge("aig_database_pool_in_use", "Of these, how many are in use.", multiprocess_mode="liveall")
DATABASE_CONNECTION_ERRORS = Counter(
    "aig_database_connection_errors_total", "Times the database could not be reached, or went away amid a statement."
)

ANALYTICS_READS = Counter(
    "aig_analytics_reads_total",
    "Searches and breakdowns that the analytical store may answer, by the server that did.",
    ["server"],
)

REPLICA_READS = Counter(
    "aig_replica_reads_total",
    "Pages, requests and files that a replica may answer, by the server that did.",
    ["server"],
)

QUERY_DURATION = Histogram(
    "aig_database_query_duration_seconds",
    "Time that the database takes for a statement of a page, the API or a job, by its kind.",
    ["kind"],
    buckets=STAGE_BUCKETS_S,
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def shown_method(method: str) -> str:
    """The method as logs and metrics may repeat it: others than the usual are words of a caller."""
    return method if method in _METHODS else "other"


def note_request(method: str, route: str, status: int, seconds: float) -> None:
    """`route` is a template of ours, not the address that was asked for."""
    _durations(shown_method(method), route, status).observe(seconds)


@cache
def _durations(method: str, route: str, status: int) -> Histogram:
    """Kept, for looking it up costs as much as counting."""
    return HTTP_DURATION.labels(method, route, status)


def note_check_requests(status: int, environment: str | None, times: int) -> None:
    """`environment` is that of the key, None without a valid one."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        outcome = "failed"
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        outcome = "limited"
    else:
        outcome = "refused" if status >= HTTPStatus.BAD_REQUEST else "answered"
    _CHECK_REQUESTS[outcome, environment or "none"].inc(times)
