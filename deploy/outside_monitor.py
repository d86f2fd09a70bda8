"""A monitor of our service, for a machine outside of it: one file that needs nothing but Python 3.11.

Once a minute by cron: `MONITOR_KEY=… MONITOR_API_KEY=aig_test_… python3 outside_monitor.py https://the.service`.
It asks as customers do and reports what it saw, signed. While the service is away it keeps that and reports it later.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ANSWER_WITHIN_S = 10
KEPT_FOR = timedelta(hours=23)
MOST_AT_ONCE = 5_000
QUESTION = json.dumps({"model": "outside-monitor", "operation": "chat"}).encode()

Sample = dict[str, Any]


def ask(url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
    asked = Request(url, data=body, headers={"User-Agent": "AI-Governance-Monitor", **(headers or {})})  # noqa: S310
    with urlopen(asked, timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310  the address that we were given
        answer.read(1_000_000)


def probes(target: str, api_key: str | None) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "portal", lambda: ask(f"{target}/log-in")
    if api_key:
        headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        yield "check_api", lambda: ask(f"{target}/v1/check", body=QUESTION, headers=headers)


def probe(component: str, look: Callable[[], None]) -> Sample:
    began_at, began_s = datetime.now(UTC), time.monotonic()  # noqa: TID251  this file stands alone
    failure = None
    try:
        look()
    except HTTPError as error:
        failure = f"HTTP {error.code}"
    except TimeoutError:
        failure = "timed out"
    except OSError:
        failure = "not reachable"
    except Exception:  # noqa: BLE001  whatever it is, it was no answer
        failure = "unexpected response"
    return {
        "component": component,
        "probed_at": began_at.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began_s, 3),
        "failure": failure,
    }


def report(target: str, key: str, samples: list[Sample]) -> None:
    body = json.dumps({"samples": samples}).encode()
    seconds = int(datetime.now(UTC).timestamp())  # noqa: TID251
    mark = hmac.new(key.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": f"t={seconds},v1={mark}"}
    ask(f"{target}/webhooks/monitor", body=body, headers=headers)


def kept(file: Path) -> list[Sample]:
    """What was not reported yet and still may be."""
    since = datetime.now(UTC) - KEPT_FOR  # noqa: TID251
    found = json.loads(file.read_text()) if file.exists() else []
    return [one for one in found if datetime.fromisoformat(one["probed_at"]) > since][-MOST_AT_ONCE:]


def main(target: str, file: Path) -> int:
    target, key = target.rstrip("/"), os.environ["MONITOR_KEY"]
    seen = [probe(*one) for one in probes(target, os.environ.get("MONITOR_API_KEY"))]
    samples = [*kept(file), *seen]
    try:
        report(target, key, samples)
    except HTTPError as refused:
        sys.stderr.write(f"Refused with {refused.code}: {refused.read(500).decode(errors='replace')}\n")
    except OSError as error:
        sys.stderr.write(f"Kept for later: {error}\n")
    else:
        samples = []
    file.with_suffix(".new").write_text(json.dumps(samples))
    file.with_suffix(".new").replace(file)
    return 1 if samples else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(os.environ.get("MONITOR_STATE", "outside-monitor.json"))))
