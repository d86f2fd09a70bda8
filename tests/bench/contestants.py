"""What can be loaded and compared, and how one measurement of it is taken."""

from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import psutil

from tests.bench import wrk
from tests.bench.failures import BenchFailed
from tests.bench.processes import cpu_s
from tests.bench.question import FACTS, Facts

_US_PER_S = 1_000_000
_SUCCESS = 200


class Kept(msgspec.Struct, frozen=True):
    """What a record holds of one measurement."""

    rows: int
    refused: int


class Record(Protocol):
    """Where a contestant's decisions are kept."""

    def mark(self) -> None:
        """From here on decisions are counted."""
        ...

    def settle(self) -> float:
        """Returns once all that was acknowledged is at its final place; how many seconds that took."""
        ...

    def kept(self) -> Kept:
        """What came since the mark."""
        ...


class Contestant(msgspec.Struct, frozen=True):
    """A service that is up. `roots` are the processes that work for its answers, with all below them; its own first."""

    name: str
    url: str
    body_of: Callable[[Facts], bytes]
    says_yes: Callable[[bytes], bool]
    roots: tuple[psutil.Process, ...]
    authorizations: tuple[str, ...] = ("",)
    """Values of the header Authorization, sent in turn."""
    record: Record | None = None

    def ask(self, facts: Facts) -> bool:
        """One question, outside any measurement. Raises BenchFailed unless it is answered with 200."""
        headers = {"Content-Type": "application/json", "Authorization": self.authorizations[0]}
        request = Request(self.url, data=self.body_of(facts), headers=headers, method="POST")
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.status == _SUCCESS and self.says_yes(answer.read())
        except HTTPError as error:
            raise BenchFailed(f"{self.name} answered {error.code}: {error.read()[:500]!r}") from error
        except OSError as error:
            raise BenchFailed(f"{self.name} did not answer: {error}") from error


class Measurement(msgspec.Struct, frozen=True):
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """CPU time of all its processes for one answer, until its record was settled."""
    settled_after_s: float
    """From the last answer until the record was complete at its final place."""
    answers: int
    rows: int | None
    """Decisions on record; none where nothing is recorded."""

    @property
    def answers_without_row(self) -> int:
        """Questions under way when the load tool stopped have a row and no counted answer: there may be more rows."""
        return max(0, self.answers - (self.rows or 0))


def measure(contestant: Contestant, *, connections: int, seconds: int) -> Measurement:
    """Raises BenchFailed if anything but yes was answered, or an answer has no row."""
    _expect_yes(contestant)
    record = contestant.record
    if record is not None:
        record.mark()
    cpu_before_s = cpu_s(contestant.roots)
    load = wrk.load(
        contestant.url,
        body=contestant.body_of(FACTS),
        authorizations=contestant.authorizations,
        connections=connections,
        seconds=seconds,
    )
    settled_after_s = record.settle() if record is not None else 0.0
    used_s = cpu_s(contestant.roots) - cpu_before_s
    rows = _rows(contestant.name, record, load.answers) if record is not None else None
    _expect_yes(contestant)
    return Measurement(
        requests_per_s=load.answers / load.seconds,
        p50_ms=load.p50_us / 1000,
        p99_ms=load.p99_us / 1000,
        cpu_us=used_s * _US_PER_S / load.answers,
        settled_after_s=settled_after_s,
        answers=load.answers,
        rows=rows,
    )


def warm_up(contestants: Sequence[Contestant]) -> None:
    """A second of load on each, which nobody counts."""
    for contestant in contestants:
        measure(contestant, connections=16, seconds=1)


def _expect_yes(contestant: Contestant) -> None:
    if not contestant.ask(FACTS):
        raise BenchFailed(f"{contestant.name} refused a question that it must allow.")


def _rows(name: str, record: Record, answers: int) -> int:
    kept = record.kept()
    if kept.refused:
        raise BenchFailed(f"{name} refused {kept.refused} questions that it must allow.")
    if kept.rows < answers:
        raise BenchFailed(f"{name} lost decisions: {answers} answers, {kept.rows} rows.")
    return kept.rows
