"""`aig doctor`: what is wrong between this machine and the service, and what to do."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ai_governance.calls import Calls
from ai_governance.cli.credentials import client_from
from ai_governance.cli.output import show
from ai_governance.client import Client
from ai_governance.errors import ApiError, ConfigurationError, UnavailableError
from ai_governance.transport import Deadline, Unreachable

MOST_CLOCK_DRIFT_S = 60
_OK = 200


def add_to(commands: Any) -> None:
    doctor = commands.add_parser(
        "doctor", help="find problems and what to do about them; exits with 1 if there are any"
    )
    doctor.set_defaults(run=_doctor)


def _doctor(given: argparse.Namespace) -> int:
    try:
        with client_from(given) as client:
            findings = _findings(client)
    except ConfigurationError as error:
        findings = [_finding("configuration", False, str(error))]
    mark = {True: "ok  ", False: "FAIL"}
    text = "\n".join(f"{mark[one['ok']]} {one['name']}: {one['detail']}" for one in findings)
    show(findings, text, as_json=given.json)
    return 0 if all(one["ok"] for one in findings) else 1


def _findings(client: Client) -> list[dict[str, Any]]:
    findings = [_finding("configuration", True, "an address and an API key")]
    calls = client.calls
    try:
        findings += _service(calls)
    except Unreachable as error:
        return [
            *findings,
            _finding("service", False, f"no response ({error}). Check the address, the network and any proxy."),
        ]
    findings += _key(client)
    waiting = len(client.spool.oldest(10_000))
    detail = f"{waiting} decisions not reported yet" + (". Run a check to send them." if waiting else "")
    return [*findings, _finding("spool", True, detail)]


def _service(calls: Calls) -> list[dict[str, Any]]:
    answer = calls.pool.send("GET", "/health/ready", body=None, headers={}, deadline=Deadline(10.0))
    findings = [_finding("service", True, "it responds")]
    if answer.status != _OK:
        findings.append(_finding("readiness", False, f"it is not ready (status {answer.status}). See its status page."))
    drift_s = _drift_s(answer.headers)
    if drift_s is not None:
        is_right = abs(drift_s) <= MOST_CLOCK_DRIFT_S
        advice = "" if is_right else " Synchronize it: decisions made without the service use its time."
        findings.append(_finding("clock", is_right, f"this machine's clock is {drift_s:+.0f} s off.{advice}"))
    return findings


def _key(client: Client) -> list[dict[str, Any]]:
    try:
        found = client.inspect_key()
    except (ApiError, UnavailableError) as error:
        return [_finding("key", False, str(error))]
    key, limit = found["key"], found["rate_limit"]
    has_scope = "checks:write" in key["scopes"]
    scope = ", ".join(key["scopes"]) if has_scope else "it lacks checks:write. Use a key that can send checks."
    left = f"{limit['remaining']} of {limit['limit']} requests left in {limit['window_s']:g} s"
    policy = found["policy_version"]
    return [
        _finding("key", True, f"{key['name']!r}, {key['environment']}, of {found['organization']['name']}"),
        _finding("scopes", has_scope, scope),
        _finding("limit", limit["remaining"] > 0, left),
        _finding("policies", policy is not None, f"version {policy}" if policy else "none. Contact support."),
    ]


def _drift_s(headers: Mapping[str, str]) -> float | None:
    stated = headers.get("date")
    return time.time_ns() / 1e9 - parsedate_to_datetime(stated).timestamp() if stated else None


def _finding(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}
