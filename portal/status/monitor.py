"""What a monitor outside of us may report: probes of the last day, in words of ours. Imports no database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core.errors import FieldProblem, InvalidRequest
from portal.status.detection import Sample
from portal.status.states import Component

LATE = timedelta(days=1)
"""A monitor that could not reach us keeps what it saw for so long."""
AHEAD = timedelta(minutes=1)
"""Of its clock."""
MOST_SAMPLES = 6_000
FAILURE = r"^(timed out|not reachable|unexpected response|HTTP [1-5]\d\d)$"

SeenFromOutside = Literal["check_api", "management_api", "decision_log", "portal"]


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    component: SeenFromOutside
    probed_at: Annotated[datetime, Meta(tz=True)]
    seconds: Annotated[float, Meta(ge=0, le=3_600)]
    failure: Annotated[str, Meta(pattern=FAILURE)] | None = None
    """None for what was answered as it should be."""


class Reports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    samples: Annotated[list[Report], Meta(min_length=1, max_length=MOST_SAMPLES)]


def samples_of(reports: Reports, *, now: datetime) -> list[Sample]:
    """At most one for each component and minute, and a failure before an answer. Raises InvalidRequest."""
    _refuse_other_times(reports, now=now)
    found: dict[tuple[str, datetime], Report] = {}
    for report in sorted(reports.samples, key=lambda one: one.failure is None):
        found.setdefault((report.component, _minute(report.probed_at)), report)
    order = [component.value for component in Component]
    return list(_samples(found[key] for key in sorted(found, key=lambda key: (order.index(key[0]), key[1]))))


def _refuse_other_times(reports: Reports, *, now: datetime) -> None:
    problems = tuple(
        FieldProblem(f"samples[{place}].probed_at", "invalid", "It has to lie within the last day.")
        for place, report in enumerate(reports.samples)
        if not now - LATE <= report.probed_at <= now + AHEAD
    )
    if problems:
        raise InvalidRequest(errors=problems[:10])


def _samples(reports: Iterator[Report]) -> Iterator[Sample]:
    for report in reports:
        yield Sample(
            component=Component(report.component),
            probed_at=_minute(report.probed_at),
            is_ok=report.failure is None,
            seconds=report.seconds,
            failure=report.failure,
        )


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
