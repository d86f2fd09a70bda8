"""The error tracker, Prometheus, Alertmanager and Grafana: each is asked to do what it is there for."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from sentry_sdk.envelope import Envelope
from sentry_sdk.utils import Dsn
from sqlalchemy import select

from core.clock import monotonic_s
from core.db import db
from core.ids import new_uuid
from portal.console.launch.checks.asking import Answer, ask
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red
from portal.notifications.alerts import TEST_ALERT
from portal.notifications.models import Alert

ALERTS_FOR = ("ErrorRateHigh", "ApiLatencyHigh", "RateLimitHitsHigh")
"""Of errors, latency and limits, as deploy/prometheus/rules names them."""
ARRIVES_WITHIN_S, LOOKS_EVERY_S = 60.0, 0.5
DASHBOARD, DATA_SOURCE = "ai-governance", "prometheus"
_CHECKS_COUNTED = "sum(aig_checks_total)"


def sentry_takes_errors(around: CheckContext) -> Verdict:
    """Sends one event of its own, with nothing in it but its name, and wants it taken."""
    if not around.settings.sentry_dsn:
        return red("SENTRY_DSN is not set.", to_do="Set SENTRY_DSN.")
    auth = Dsn(around.settings.sentry_dsn).to_auth("ai-governance")
    event_id = new_uuid().hex
    envelope = Envelope(headers={"event_id": event_id})
    envelope.add_event({"event_id": event_id, "message": "launch.test_event", "level": "info", "platform": "python"})
    found = ask(
        auth.get_api_url(),
        data=envelope.serialize(),
        headers={"X-Sentry-Auth": auth.to_header(), "Content-Type": "application/x-sentry-envelope"},
    )
    return either(
        found.is_ok and found.read().get("id") == event_id,
        f"Accepted the test event {event_id[:8]}.",
        otherwise=f"Responded with {found.status} and did not confirm the event.",
        to_do="Check SENTRY_DSN and the project's quota.",
    )


def metrics_collected(around: CheckContext) -> Verdict:
    """Ours: that Prometheus reaches itself says nothing."""
    count = _figure(_of_prometheus(around, 'sum(up{job="ai-governance"})'))
    if count is None:
        return red("Prometheus is not configured, or does not scrape the service.", to_do="Set PROMETHEUS_URL.")
    return either(
        count > 0,
        f"Prometheus scrapes {count:.0f} processes.",
        otherwise="Prometheus scrapes none of our processes.",
        to_do="Check METRICS_TOKEN in deploy/prometheus/prometheus.yml.",
    )


def alerts_loaded(around: CheckContext) -> Verdict:
    if not around.settings.prometheus_url:
        return red("PROMETHEUS_URL is not set.", to_do="Set PROMETHEUS_URL.")
    found = ask(f"{around.settings.prometheus_url}/api/v1/rules?type=alert").read()
    rules = [rule for group in found.get("data", {}).get("groups", []) for rule in group["rules"]]
    healthy = {rule["name"] for rule in rules if rule.get("health") != "err"}
    missing = [name for name in ALERTS_FOR if name not in healthy]
    return either(
        not missing,
        f"{len(healthy)} alert rules are loaded.",
        otherwise=f"Not loaded, or not evaluated: {', '.join(missing)}.",
        to_do="Load the rules in deploy/prometheus/rules.",
    )


def alerts_arrive(around: CheckContext) -> Verdict:
    """Sends a test alert through Alertmanager and waits until our own webhook was told of it."""
    if not around.settings.alertmanager_url:
        return red("ALERTMANAGER_URL is not set.", to_do="Set ALERTMANAGER_URL.")
    mark = new_uuid().hex
    alert = {
        "labels": {"alertname": TEST_ALERT, "severity": "none", "mark": mark},
        "annotations": {"summary": mark},
        "startsAt": around.now.isoformat(),
        "endsAt": (around.now + timedelta(minutes=5)).isoformat(),
    }
    sent = ask(
        f"{around.settings.alertmanager_url.rstrip('/')}/api/v2/alerts",
        data=msgspec.json.encode([alert]),
        headers={"Content-Type": "application/json"},
    )
    if not sent.is_ok:
        return red(f"Alertmanager responds with {sent.status}.", to_do="Check Alertmanager.")
    return either(
        _arrived(mark),
        f"A test alert was delivered through Alertmanager: {mark[:8]}.",
        otherwise=f"A test alert was not delivered within {ARRIVES_WITHIN_S:.0f} s.",
        to_do="Compare the receivers with deploy/prometheus/alertmanager.yml, and check ALERTMANAGER_TOKEN.",
    )


def _arrived(mark: str) -> bool:
    until_s = monotonic_s() + ARRIVES_WITHIN_S
    while True:
        if db.session.scalar(select(Alert.name).where(Alert.name == TEST_ALERT, Alert.summary == mark)):
            return True
        db.session.rollback()
        if monotonic_s() >= until_s:
            return False
        time.sleep(LOOKS_EVERY_S)


def grafana_reachable(around: CheckContext) -> Verdict:
    """With our dashboard in it, as its API says."""
    if not around.settings.grafana_url or not around.settings.grafana_token:
        return red("GRAFANA_URL or GRAFANA_TOKEN is not set.", to_do="Set both.")
    found = _of_grafana(around, f"/api/dashboards/uid/{DASHBOARD}")
    shown = found.read().get("dashboard", {})
    return either(
        found.is_ok and shown.get("uid") == DASHBOARD,
        f"Grafana has the dashboard {shown.get('title', '')}.",
        otherwise=f"Grafana responds with {found.status} for our dashboard.",
        to_do="Provision deploy/grafana, and check GRAFANA_TOKEN.",
    )


def dashboard_has_data(around: CheckContext) -> Verdict:
    """Asked through Grafana's own data source, as the dashboard does."""
    if not around.settings.grafana_url or not around.settings.grafana_token:
        return red("GRAFANA_URL or GRAFANA_TOKEN is not set.", to_do="Set both.")
    query = urlencode({"query": _CHECKS_COUNTED})
    count = _figure(_of_grafana(around, f"/api/datasources/proxy/uid/{DATA_SOURCE}/api/v1/query?{query}"))
    if not count:
        return red("The dashboard shows no checks.", to_do="Check its data source, and send a check.")
    return green(f"The dashboard counts {count:.0f} checks.")


def _of_grafana(around: CheckContext, path: str) -> Answer:
    headers = {"Authorization": f"Bearer {around.settings.grafana_token}"}
    return ask(f"{(around.settings.grafana_url or '').rstrip('/')}{path}", headers=headers)


def _of_prometheus(around: CheckContext, words: str) -> Answer | None:
    url = around.settings.prometheus_url
    return ask(f"{url.rstrip('/')}/api/v1/query?{urlencode({'query': words})}") if url else None


def _figure(answer: Answer | None) -> float | None:
    """None where nobody was asked, or nothing is known."""
    found: Any = answer.read() if answer else {}
    result = found.get("data", {}).get("result", [])
    return float(result[0]["value"][1]) if result else None


CHECKS: dict[str, CheckFunction] = {
    "sentry_takes_errors": sentry_takes_errors,
    "metrics_collected": metrics_collected,
    "alerts_loaded": alerts_loaded,
    "alerts_arrive": alerts_arrive,
    "grafana_reachable": grafana_reachable,
    "dashboard_has_data": dashboard_has_data,
}
