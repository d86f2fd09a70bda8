"""One expensive act for all who wait at the same moment: a Redis call, a commit, a flush of the disk.

The first thread that comes does the work at once, for itself. Those that come meanwhile queue; when it is done, the
first of them leads and works for all in the queue. There is no extra thread and no timer: alone, a caller waits for
nothing; under load, groups grow by themselves.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Slot(Generic[Item, Result]):
    __slots__ = ("error", "gate", "item", "leads", "result")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.gate = Lock()
        self.leads = False
        self.result: Result | None = None
        self.error: Exception | None = None


class Group(Generic[Item, Result]):
    """Groups calls of `perform`, which takes items and gives back one result for each, in order.

    What `perform` raises, every caller of that group gets. At most one `perform` runs at a time.
    """

    def __init__(self, perform: Callable[[Sequence[Item]], Sequence[Result]], *, at_most: int = 256) -> None:
        self._perform = perform
        self._at_most = at_most
        self._lock = Lock()
        self._waiting: deque[_Slot[Item, Result]] = deque()
        self._is_led = False

    def submit(self, item: Item) -> Result:
        """The result of performing `item`, alone or in company."""
        slot: _Slot[Item, Result] = _Slot(item)
        with self._lock:
            is_first = not self._is_led
            if is_first:
                self._is_led = True
            else:
                slot.gate.acquire()
                self._waiting.append(slot)
        if is_first:
            self._lead(slot)
        else:
            slot.gate.acquire()  # opened by a leader: with our result, or to make us lead
            if slot.leads:
                time.sleep(0)  # let those who are about to queue do so first: fewer, larger groups
                self._lead(slot)
        if slot.error is not None:
            raise slot.error
        return slot.result  # type: ignore[return-value]  # set by whoever led

    def _lead(self, own: _Slot[Item, Result]) -> None:
        with self._lock:
            group = [own]
            while self._waiting and len(group) < self._at_most:
                group.append(self._waiting.popleft())
        try:
            results = self._perform([slot.item for slot in group])
            for slot, result in zip(group, results, strict=True):
                slot.result = result
        except Exception as error:  # noqa: BLE001  every waiting caller gets it
            for slot in group:
                slot.error = error
        finally:
            self._hand_over()
            for slot in group[1:]:
                slot.gate.release()

    def _hand_over(self) -> None:
        with self._lock:
            if not self._waiting:
                self._is_led = False
                return
            successor = self._waiting.popleft()
            successor.leads = True
        successor.gate.release()
