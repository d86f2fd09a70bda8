"""Calls to a service outside: each ends by its deadline, only so many run at once, none while it does not answer.

A call runs in a thread of its own, since names, handshakes and bodies that drip keep no timeout of a socket. Whoever
waits is released at the deadline; the place stays taken until the call has really ended.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog

from core.clock import monotonic_s

log = structlog.get_logger()

Answer = TypeVar("Answer")

WAIT_FOR_PLACE_S = 0.25
TELLING_S = 1.0
"""A call that was given less says nothing of the service by not ending in time."""


class Unreachable(Exception):
    """There is no answer. `is_unsent`: nothing was asked, so nothing can have happened."""

    def __init__(self, message: str, *, is_unsent: bool) -> None:
        super().__init__(message)
        self.is_unsent = is_unsent


class Breaker:
    """Opens after so many failures in a row; after a while one call tries whether it answers again."""

    def __init__(self, *, failures: int = 3, open_s: float = 10.0) -> None:
        self._most, self._open_s = failures, open_s
        self._failures = 0
        self._open_until_s: float | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._open_until_s is not None

    def may_begin(self, now_s: float) -> bool:
        """While it is open, True for one trial in each `open_s`."""
        with self._lock:
            if self._open_until_s is None:
                return True
            if now_s < self._open_until_s:
                return False
            self._open_until_s = now_s + self._open_s
            return True

    def note_success(self) -> None:
        with self._lock:
            self._failures, self._open_until_s = 0, None

    def note_failure(self, now_s: float) -> bool:
        """Whether it is this failure that opened it."""
        with self._lock:
            self._failures += 1
            was_open = self._open_until_s is not None
            if self._failures >= self._most:
                self._open_until_s = now_s + self._open_s
            return self._open_until_s is not None and not was_open


class _Call(Generic[Answer]):
    def __init__(self, act: Callable[[], Answer]) -> None:
        self._act = act
        self.is_over = threading.Event()
        self.answer: Answer
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.answer = self._act()
        except BaseException as error:  # noqa: BLE001  whoever waits for it raises it
            self.error = error
        self.is_over.set()


class Outbound:
    """The way to one service, shared by all threads of a process."""

    def __init__(self, name: str, *, places: int, breaker: Breaker | None = None) -> None:
        self.name = name
        self.breaker = breaker or Breaker()
        self._places = threading.BoundedSemaphore(places)
        self._waiting: SimpleQueue[_Call[object]] = SimpleQueue()
        self._threads = 0
        self._most_threads = places
        self._lock = threading.Lock()

    def call(self, act: Callable[[], Answer], *, within_s: float) -> Answer:
        """What `act` gives or raises, or Unreachable after `within_s`."""
        ends_s = monotonic_s() + within_s
        if within_s <= 0:
            raise Unreachable(f"{self.name}: no time is left for it", is_unsent=True)
        if not self.breaker.may_begin(monotonic_s()):
            raise Unreachable(f"{self.name}: it did not answer a moment ago", is_unsent=True)
        if not self._places.acquire(timeout=min(WAIT_FOR_PLACE_S, within_s)):
            raise Unreachable(f"{self.name}: too many calls are in progress", is_unsent=True)
        call = _Call(act)
        self._begin(call)
        if not call.is_over.wait(max(0.0, ends_s - monotonic_s())):
            if within_s >= TELLING_S:
                self._note_failure()
            raise Unreachable(f"{self.name}: no answer within {within_s:.1f} s", is_unsent=False)
        return self._result_of(call)

    def _result_of(self, call: _Call[Answer]) -> Answer:
        if call.error is None:
            self.breaker.note_success()
            return call.answer
        self._note_failure()
        raise call.error

    def _begin(self, call: _Call[Answer]) -> None:
        with self._lock:
            if self._threads < self._most_threads:
                self._threads += 1
                threading.Thread(target=self._carry_out, name=f"{self.name}-{self._threads}", daemon=True).start()
        self._waiting.put(call)  # type: ignore[arg-type]  # each call knows what it gives

    def _carry_out(self) -> None:
        while True:
            self._waiting.get().run()
            self._places.release()

    def _note_failure(self) -> None:
        if self.breaker.note_failure(monotonic_s()):
            log.warning("outbound.unreachable", service=self.name)
