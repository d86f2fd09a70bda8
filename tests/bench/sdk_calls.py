"""The same check by a bare `http.client` and by the client for Python: `python -m tests.bench.sdk_calls URL`.

In turns and in both orders, so that a busy machine is as busy for the one as for the other. The key is in AIG_KEY.
Prints the medians of each round, of the time that passed and of the caller's processor time, as JSON.
"""

import http.client
import json
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from time import perf_counter, thread_time
from typing import Any
from urllib.parse import urlsplit

from ai_governance import Client
from ai_governance.ids import new_id

ROUNDS, CALLS, WARM_UP = 5, 1_000, 200
CHECK: dict[str, Any] = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": False}}


def main(url: str) -> None:
    key, address = os.environ["AIG_KEY"], urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    fixed = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def bare() -> bool:
        connection.request("POST", "/v1/check", json.dumps(CHECK), {**fixed, "Idempotency-Key": new_id()})
        return json.loads(connection.getresponse().read())["allowed"] is True

    with Client(url, key) as client:
        calls = {"bare": bare, "client": lambda: client.check(**CHECK).decision_id is not None}
        _timed(calls, WARM_UP)
        rounds = [_timed(calls, CALLS) for _ in range(ROUNDS)]
    print(json.dumps({name: [one[name] for one in rounds] for name in rounds[0]}))


def _timed(calls: Mapping[str, Callable[[], bool]], number: int) -> dict[str, float]:
    took: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(number):
        for name in sorted(calls, reverse=turn % 2 == 0):
            began_s, cpu_s = perf_counter(), thread_time()
            if not calls[name]():
                raise RuntimeError(f"{name}: not decided by the service")
            took[f"{name}_cpu_us"].append((thread_time() - cpu_s) * 1e6)
            took[f"{name}_us"].append((perf_counter() - began_s) * 1e6)
    return {name: statistics.median(some) for name, some in took.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
