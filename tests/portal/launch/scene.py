"""Evidence as the tools hand it in."""

from datetime import timedelta
from typing import Any

import msgspec
from flask import Flask

from core import signed_bodies
from core.clock import utc_now
from core.release import locked, release

EVIDENCE_KEY = "a-key-for-evidence-of-the-tests"
_NOW = utc_now()


def _of(kind: str, host: str, found: dict[str, Any], *, answers: int, age: timedelta) -> dict[str, Any]:
    finished_at = _NOW - age
    return {
        "kind": kind,
        "host": host,
        "release": release(),
        "started_at": (finished_at - timedelta(seconds=301)).isoformat(),
        "finished_at": finished_at.isoformat(),
        "keys": 800,
        "answers": answers,
        "found": found,
    }


def load(*, host: str = "127.0.0.1:8000", age: timedelta = timedelta(0)) -> dict[str, Any]:
    stage = {"rate_per_s": 1000, "seconds": 300, "answers": 300_000, "errors": {}, "p50_ms": 7.0, "p95_ms": 20.0}
    found = {"profile": "launch", "is_shortened": False, "stages": [stage]}
    return _of("load", host, found, answers=300_000, age=age)


def audit() -> dict[str, Any]:
    found = {"lock": locked(), "packages": 80, "holes": []}
    return _of("audit", "a-runner", found, answers=80, age=timedelta(0))


def attack() -> dict[str, Any]:
    found = {"routes": 300, "failures": [], "markup": []}
    return _of("attack", "throwaway on a-runner", found, answers=4_500, age=timedelta(0))


def hand_in(app: Flask, body: dict[str, Any], *, key: str = EVIDENCE_KEY) -> Any:
    content = msgspec.json.encode(body)
    signature = signed_bodies.sign(content, key=key, now=utc_now())
    return app.test_client().post("/webhooks/evidence", data=content, headers={signed_bodies.HEADER: signature})
