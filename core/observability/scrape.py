"""The page that Prometheus reads: what was counted by all processes, and what is looked up when it is asked for."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.db import db
from core.observability import dead_processes

Reading = tuple[Mapping[str, str], float]
"""Labels and a value."""
Read = Callable[[], Iterable[Reading]]

log = structlog.get_logger()

_OF_DATABASE = CollectorRegistry()
_OF_MACHINE = CollectorRegistry()
_LONGEST_STATEMENT_MS = 2_000
"""Less than a scrape waits, so that one slow gauge does not cost all the others."""


def gauge_at_scrape(name: str, words: str, *, needs_database: bool = True) -> Callable[[Read], Read]:
    """Declares a gauge that is read when somebody looks, in the system's scope: for what the database knows.

    One that asks something else says so, and is seen also while the database is away.
    """
    registry = _OF_DATABASE if needs_database else _OF_MACHINE

    def declare(read: Read) -> Read:
        registry.register(_ReadAtScrape(name, words, _by_itself(read) if needs_database else read))
        return read

    return declare


def _by_itself(read: Read) -> Read:
    """What the database refuses to one gauge is no trouble for the next."""

    def read_by_itself() -> list[Reading]:
        with db.session.begin_nested():
            return list(read())

    return read_by_itself


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


def metrics_page() -> tuple[bytes, str]:
    """All processes' metrics in Prometheus text, and its content type. Needs the system's scope."""
    page = generate_latest(_counted()) + generate_latest(_OF_MACHINE)
    if _database_answers():
        page += generate_latest(_OF_DATABASE)
    return page, CONTENT_TYPE_LATEST


def _counted() -> CollectorRegistry:
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not directory:
        return REGISTRY
    dead_processes.forget(Path(directory))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _database_answers() -> bool:
    """Asked once: where every gauge waited for it in turn, the whole page would come too late."""
    try:
        db.session.execute(text(f"SET LOCAL statement_timeout = {_LONGEST_STATEMENT_MS}"))
    except SQLAlchemyError as error:
        db.session.rollback()
        log.warning("metric.database_away", exc_info=error)
        return False
    return True
