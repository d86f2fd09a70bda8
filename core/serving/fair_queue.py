"""Who is served next: one of each in turn, so that whoever asks most does not stand before everybody else."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """A queue for each key; they are served in turn. Used by one thread."""

    def __init__(self) -> None:
        self._queues: OrderedDict[Hashable, deque[Item]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def length_of(self, key: Hashable) -> int:
        return len(self._queues.get(key, ()))

    def push(self, key: Hashable, item: Item) -> None:
        self._queues.setdefault(key, deque()).append(item)
        self._length += 1

    def pop(self, may_be_served: Callable[[Hashable], bool] = lambda _key: True) -> Item | None:
        """The oldest item of the key whose turn it is, among those that may be served; None if there is none."""
        key = next(filter(may_be_served, self._queues), None)
        if key is None:
            return None
        queue = self._queues[key]
        item = queue.popleft()
        self._length -= 1
        if queue:
            self._queues.move_to_end(key)
        else:
            del self._queues[key]
        return item

    def remove(self, key: Hashable, item: Item) -> None:
        """Takes out an item that waits no longer."""
        queue = self._queues[key]
        queue.remove(item)
        self._length -= 1
        if not queue:
            del self._queues[key]
