"""`python -m tests.faults.crowding.noise`: noisy callers, as a process of their own.

Orders come in as a line; they go on until the input ends, and then what they were answered with goes out.
"""

import http.client
import sys
import time
from threading import Event, Thread

import msgspec

PAUSE_S = 0.01
"""Between two requests of a caller, so that those who measure beside it are not slow themselves."""
BEGUN = b"begun\n"


class Orders(msgspec.Struct, frozen=True):
    """Without a body a GET."""

    port: int
    path: str
    headers: dict[str, str]
    body: bytes | None
    callers: int


class Answered(msgspec.Struct):
    statuses: list[int] = []
    longest_bytes: int = 0
    broken: int = 0
    """How often the connection broke."""


class _Caller:
    def __init__(self, orders: Orders) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", orders.port, timeout=30)
        self._request = ("GET" if orders.body is None else "POST", orders.path, orders.body, orders.headers)
        self.answered = Answered()

    def send_until(self, is_over: Event) -> None:
        while not is_over.is_set():
            self.send()
            time.sleep(PAUSE_S)
        self._connection.close()

    def send(self) -> None:
        try:
            self._connection.request(*self._request)
            answer = self._connection.getresponse()
            self.answered.longest_bytes = max(self.answered.longest_bytes, len(answer.read()))
            self.answered.statuses.append(answer.status)
        except (http.client.HTTPException, OSError):
            self.answered.broken += 1
            self._connection.close()


def _together(parts: list[Answered]) -> Answered:
    return Answered(
        [status for part in parts for status in part.statuses],
        max(part.longest_bytes for part in parts),
        sum(part.broken for part in parts),
    )


def main() -> None:
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    callers = [_Caller(orders) for _ in range(orders.callers)]
    callers[0].send()
    sys.stdout.buffer.write(BEGUN)
    sys.stdout.buffer.flush()
    is_over = Event()
    threads = [Thread(target=caller.send_until, args=[is_over]) for caller in callers]
    for thread in threads:
        thread.start()
    sys.stdin.buffer.read()
    is_over.set()
    for thread in threads:
        thread.join()
    sys.stdout.buffer.write(msgspec.json.encode(_together([caller.answered for caller in callers])))


if __name__ == "__main__":
    main()
