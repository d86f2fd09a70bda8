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
        if self._under_way[key] >= self.most:
            yield False
            return
        self._under_way[key] += 1
        try:
            yield True
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]
