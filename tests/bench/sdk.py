"""What the client for Python adds to a bare `http.client` call: `python -m tests.bench.sdk URL KEY`.

Both send the same check with an idempotency key over a kept connection, in turns, so that a busy machine is as busy
for the one as for the other.
"""

import http.client
import json
import statistics
import sys
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from ai_governance import Client
from ai_governance.ids import new_id

ROUNDS, WARM_UP = 2_000, 200
CHECK: dict[str, Any] = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": False}}


def main(url: str, key: str) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    bare_s, client_s = [], []
    with Client(url, key) as client:
        for _ in range(WARM_UP + ROUNDS):
            bare_s.append(_bare(connection, key))
            began_s = perf_counter()
            client.check(**CHECK)
            client_s.append(perf_counter() - began_s)
    bare_us, client_us = (statistics.median(times[WARM_UP:]) * 1e6 for times in (bare_s, client_s))
    print(f"http.client {bare_us:.0f} us, client {client_us:.0f} us: {100 * (client_us / bare_us - 1):+.1f} %")


def _bare(connection: http.client.HTTPConnection, key: str) -> float:
    began_s = perf_counter()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": new_id()}
    connection.request("POST", "/v1/check", json.dumps(CHECK), headers)
    json.loads(connection.getresponse().read())
    return perf_counter() - began_s


if __name__ == "__main__":
    main(*sys.argv[1:])
