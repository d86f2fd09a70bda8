"""What Prometheus reads of probes and incidents. Read in the system's scope."""

from collections import Counter
from collections.abc import Iterator

from core.observability import Reading, gauge_at_scrape
from portal.status import incidents, probes
from portal.status.detection import failures_in_a_row
from portal.status.states import Component, Impact

MOST_FAILURES = 60
"""More in a row than an hour's are as bad as these."""


@gauge_at_scrape("aig_probe_last_success_timestamp_seconds", "When a probe of the check path was last answered.")
def last_success() -> Iterator[Reading]:
    moment = probes.last_success()
    if moment is not None:
        yield {}, moment.timestamp()


@gauge_at_scrape("aig_probe_failures_in_a_row", "Probes that failed since the last one that was answered.")
def failures() -> Iterator[Reading]:
    for component in Component:
        row = failures_in_a_row(probes.latest(component, size=MOST_FAILURES, but_excused=True))
        yield {"component": component.value}, row


@gauge_at_scrape("aig_incidents_open", "Incidents that are not resolved, by impact.")
def open_incidents() -> Iterator[Reading]:
    count = Counter(one.impact for one in incidents.every_open(is_public=False))
    for impact in Impact:
        yield {"impact": impact.value}, count[impact.value]
