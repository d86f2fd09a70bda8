"""How many requests one caller may have under way at once. Used on one event loop."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class ConcurrencyLimit:
    def __init__(self, most: int) -> None:
        self.most = most
        self._under_way: Counter[Hashable] = Counter()

    @contextmanager
    def place(self, key: Hashable) -> Iterator[bool]:
        """Whether there was one; it is held while the block runs."""
        if not self.take(key):
            yield False
            return
        try:
            yield True
        finally:
            self.give_back(key)

    def take(self, key: Hashable) -> bool:
        """Whether there was one; it is held until it is given back."""
        held = self._under_way.get(key, 0)
        if held >= self.most:
            return False
        self._under_way[key] = held + 1
        return True

    def give_back(self, key: Hashable) -> None:
        self._under_way[key] -= 1
        if not self._under_way[key]:
            del self._under_way[key]
