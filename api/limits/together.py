"""Asks of one bucket at the same moment as one ask: Redis counts once, and what it grants is shared out in order."""

from collections.abc import Iterator, Sequence

import msgspec

from api.limits.window import Ask


class Together:
    def __init__(self, asks: Sequence[Ask]) -> None:
        self._asks = asks
        self._places: list[int] = []
        """Of each ask, which of `asks` it is a part of."""
        costs: list[int] = []
        firsts: list[Ask] = []
        by_limits: dict[tuple[str, int, int | None, float], int] = {}
        for ask in asks:
            limits = (ask.bucket, ask.limit, ask.shared.limit if ask.shared else None, ask.window_s)
            place = by_limits.setdefault(limits, len(firsts))
            if place == len(firsts):
                firsts.append(ask)
                costs.append(0)
            costs[place] += ask.cost
            self._places.append(place)
        self.asks = [
            one if one.cost == cost else msgspec.structs.replace(one, cost=cost)
            for one, cost in zip(firsts, costs, strict=True)
        ]

    def shared_out(self, answers: Sequence[Sequence[int]]) -> Iterator[Sequence[int]]:
        """For each of the asks its part of the answer, as window.lua gives it: what was granted, what was left then."""
        left = [answer[0] for answer in answers]
        for ask, place in zip(self._asks, self._places, strict=True):
            _, remaining, reset_us, shared_remaining, shared_reset_us = answers[place]
            granted = min(ask.cost, left[place])
            left[place] -= granted
            yield granted, remaining + left[place], reset_us, shared_remaining + left[place], shared_reset_us
