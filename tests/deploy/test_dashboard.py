"""The dashboard: what it and the alerts ask for is there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from api.limits.shared import SharedLimiter
from api.runtime import Runtime
from backups.models import BackupRun, RunKind, RunStatus
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from portal.status import probes
from portal.status.detection import Sample
from portal.status.states import Component
from tests.cast import Caller
from tests.databases import ROOT
from tests.deploy.promtool import ask, read, rules
from tests.services import RedisServer

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD = GRAFANA / "dashboards" / "ai-governance.json"
TOKEN = {"Authorization": "Bearer a-token-for-metrics"}

OF_PROMETHEUS = {"up"}
LABELS_OF_PROMETHEUS = {"job", "instance", "le"}

PROMISED = {
    "Requests in 5 minutes",
    "Allowed in 5 minutes",
    "Blocked in 5 minutes",
    "Limit hits in 5 minutes",
    "Latency",
    "Requests by endpoint",
    "Queue: decisions in the spool",
    "Decisions put on record per minute",
    "Check latency by stage",
    "Blocked by reason",
    "Failed requests (5xx)",
    "Turned away",
    "How fast the error budget is spent",
    "Last backup",
    "Database query time",
}

_SELECTOR = re.compile(r"\b(?P<metric>up|aig_\w+|http_\w+|job:\w+:\w+)\b(?:\{(?P<matchers>[^}]*)\})?")
_GROUPED_BY = re.compile(r"\bby \((?P<labels>[^)]*)\)")


def dashboard() -> Any:
    return json.loads(DASHBOARD.read_text())


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """Of all panels and rules."""
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
    yield from (rule["expr"] for rule in rules())


@pytest.fixture
def page(app: Flask, as_ada: Caller, as_nobody: Caller, room: Runtime, redis_server: RedisServer) -> str:
    """What Prometheus reads from a service with a Redis, after a few requests, a backup and a probe."""
    with app.app_context(), acting_as_system(), transaction():
        for kind in (RunKind.NIGHTLY, RunKind.VERIFICATION):
            db.session.add(
                BackupRun(
                    id=new_uuid(),
                    kind=kind.value,
                    backup="of-the-night",
                    status=RunStatus.SUCCEEDED.value,
                    started_at=utc_now(),
                    finished_at=utc_now(),
                    size_bytes=1,
                    restore_s=1.0,
                )
            )
        sample = Sample(component=Component.CHECK_API, probed_at=utc_now(), is_ok=True, seconds=0.01)
        probes.note([sample], now=utc_now())
    room.shared_limiter = SharedLimiter(redis_server.url)
    as_ada.check()
    as_ada.check(model="not a token")
    as_ada.get("/v1/keys")
    page: str = as_nobody.get("/metrics", headers=TOKEN).text
    room.shared_limiter.stop()
    return page


def test_every_metric_that_is_asked_for_exists_with_the_labels_asked_for(page: str) -> None:
    labels_of: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels_of.setdefault(sample.name, set()).update(sample.labels)
    recorded = {rule["record"]: set[str]() for rule in rules() if "record" in rule}
    known = {**labels_of, **recorded, **{name: set[str]() for name in OF_PROMETHEUS}}

    for expression in expressions():
        for selector in _SELECTOR.finditer(expression):
            assert selector["metric"] in known, expression
            asked = set(re.findall(r"(\w+)[=!]", selector["matchers"] or ""))
            assert asked <= known[selector["metric"]] | LABELS_OF_PROMETHEUS, expression


def test_what_is_grouped_by_is_a_label_of_something(page: str) -> None:
    labels = {
        label for family in text_string_to_metric_families(page) for sample in family.samples for label in sample.labels
    }

    for expression in expressions():
        for grouped in _GROUPED_BY.finditer(expression):
            assert {label.strip() for label in grouped["labels"].split(",")} <= labels | LABELS_OF_PROMETHEUS


def test_prometheus_understands_what_the_panels_ask(tmp_path: Path) -> None:
    asked = [
        {"record": "asked", "labels": {"panel": panel["title"], "target": target["refId"]}, "expr": target["expr"]}
        for panel in panels()
        for target in panel["targets"]
    ]
    file = tmp_path / "panels.yml"
    file.write_bytes(msgspec.json.encode({"groups": [{"name": "panels", "rules": asked}]}))  # JSON is YAML, too

    answer = ask("check", "rules", file)

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_dashboard_has_the_panels_that_were_promised() -> None:
    titles = [panel["title"] for panel in panels()]

    assert PROMISED - set(titles) == set()
    assert len(titles) == len(set(titles))


def test_the_dashboard_keeps_its_address_its_hour_and_its_half_minute() -> None:
    assert dashboard()["uid"] == "ai-governance"
    assert dashboard()["refresh"] == "30s"
    assert dashboard()["time"] == {"from": "now-1h", "to": "now"}


def test_panels_are_told_apart_and_lie_beside_each_other() -> None:
    placed = dashboard()["panels"]
    taken = [
        (column, line)
        for panel in placed
        for place in [panel["gridPos"]]
        for column in range(place["x"], place["x"] + place["w"])
        for line in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in placed}) == len(placed)
    assert len(taken) == len(set(taken))
    assert max(column for column, _ in taken) < 24


def test_panels_ask_the_source_that_is_provided() -> None:
    (source,) = read(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    (provider,) = read(GRAFANA / "provisioning" / "dashboards" / "ai-governance.yml")["providers"]

    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
