"""A batch, each check of it decided here where it can be, and the others by the service in one request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ai_governance.decisions import BatchResult, CheckRequest, Decision
from ai_governance.errors import ApiError
from ai_governance.local.judged import Judged

Ask = Callable[[Sequence[CheckRequest]], list[BatchResult]]


def decide_many(
    requests: Sequence[CheckRequest],
    *,
    judge: Callable[[CheckRequest], Judged | None],
    tell: Callable[[Sequence[Judged]], list[Decision] | None],
    ask: Ask,
) -> list[BatchResult]:
    """The service is asked first: where it refuses the whole, nothing is on record."""
    results: dict[int, BatchResult] = {}
    judged: dict[int, Judged] = {}
    for place, request in enumerate(requests):
        try:
            found = judge(request)
        except ApiError as refusal:
            results[place] = BatchResult(error=refusal)
            continue
        if found is not None:
            judged[place] = found

    def ask_at(places: Sequence[int]) -> None:
        if places:
            results.update(zip(places, ask([requests[place] for place in places]), strict=True))

    ask_at([place for place in range(len(requests)) if place not in results and place not in judged])
    told = tell(list(judged.values())) if judged else []
    if told is None:
        ask_at(list(judged))
    else:
        results.update((place, BatchResult(decision=one)) for place, one in zip(judged, told, strict=True))
    return [results[place] for place in range(len(requests))]
