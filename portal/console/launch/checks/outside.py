"""What is asked over the network: our own address, the error tracker, Prometheus, Grafana. Never in a web request."""

import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import msgspec
from sentry_sdk.envelope import Envelope
from sentry_sdk.utils import Dsn

from core.clock import monotonic_s
from core.ids import new_uuid
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red

TIMEOUT_S = 5
VALID_FOR = timedelta(days=14)
READY_WITHIN_S = 0.2
ALERTS_FOR = ("error", "latency", "limit")
"""Each has to be in the name of some alert rule that Prometheus has loaded."""
_SET_PUBLIC_URL = "Set PUBLIC_URL to the https:// address that customers use."


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def ask(url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Whatever the status; raises OSError where nobody answers."""
    request = Request(url, data=data, headers=dict(headers or {}))  # noqa: S310  addresses of our own settings
    started_s = monotonic_s()
    try:
        with urlopen(request, timeout=TIMEOUT_S) as found:  # noqa: S310
            body, status, told = found.read(1_000_000), found.status, found.headers
    except HTTPError as refusal:
        body, status, told = b"", refusal.code, refusal.headers
    return Answer(status, {name.lower(): value for name, value in told.items()}, body, monotonic_s() - started_s)


def https_api(around: CheckContext) -> Verdict:
    return _over_https(around, "/health/live", "The API")


def https_portal(around: CheckContext) -> Verdict:
    verdict = _over_https(around, "/log-in", "The portal")
    if verdict.is_green and "strict-transport-security" not in ask(_public(around, "/log-in")).headers:
        return red("The portal answers without HSTS.", to_do="Let the proxy pass our headers on.")
    return verdict


def _over_https(around: CheckContext, path: str, name: str) -> Verdict:
    url = _public(around, path)
    if not url.startswith("https://"):
        return red(f"{name} has no https:// address.", to_do=_SET_PUBLIC_URL)
    status = ask(url).status
    return either(
        status == 200,  # noqa: PLR2004
        f"{name} answers over HTTPS at {around.settings.base_url}.",
        otherwise=f"{name} answers {status}.",
        to_do="Look at the proxy and at the service.",
    )


def domain_resolves(around: CheckContext) -> Verdict:
    host = urlsplit(around.settings.public_url or "").hostname
    if not host:
        return red("There is no public address.", to_do=_SET_PUBLIC_URL)
    found = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, None)})
    return green(f"{host} leads to {', '.join(found[:4])}.")


def certificate_valid(around: CheckContext) -> Verdict:
    address = urlsplit(around.settings.public_url or "")
    if address.scheme != "https" or not address.hostname:
        return red("There is no https:// address.", to_do=_SET_PUBLIC_URL)
    ends_at = _certificate_ends_at(address.hostname, address.port or 443)
    return either(
        ends_at - around.now >= VALID_FOR,
        f"It is valid until {ends_at:%d %B %Y}, and checks out.",
        otherwise=f"It ends on {ends_at:%d %B %Y}.",
        to_do="Look why it was not renewed by itself.",
    )


def _certificate_ends_at(host: str, port: int) -> datetime:
    """Raises ssl.SSLError, an OSError, for one that does not check out."""
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=TIMEOUT_S) as raw,
        context.wrap_socket(raw, server_hostname=host) as secured,
    ):
        ends = str((secured.getpeercert() or {}).get("notAfter", ""))
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)


def ready_quickly(around: CheckContext) -> Verdict:
    found = ask(f"{around.settings.probed_url}/health/ready")
    took = f"{found.seconds * 1000:.0f} ms"
    if found.status != 200:  # noqa: PLR2004
        return red(f"It says {found.status}, after {took}.", to_do="Open /health/ready: it names what does not work.")
    return either(
        found.seconds < READY_WITHIN_S,
        f"Ready, after {took}.",
        otherwise=f"Ready, but only after {took}.",
        to_do="Look at the load of the machine and of the database.",
    )


def portal_opens(around: CheckContext) -> Verdict:
    found = ask(f"{around.settings.probed_url}/log-in")
    is_page = found.status == 200 and b"<form" in found.body  # noqa: PLR2004
    return either(
        is_page,
        f"The log-in page opens after {found.seconds * 1000:.0f} ms.",
        otherwise=f"The log-in page answers {found.status}.",
        to_do="Look at the web server's log.",
    )


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
        found.status == 200,  # noqa: PLR2004
        f"It took the test event {event_id[:8]}.",
        otherwise=f"It answered {found.status}.",
        to_do="Check SENTRY_DSN and the project's quota.",
    )


def metrics_collected(around: CheckContext) -> Verdict:
    count = _query(around, "sum(up)")
    if count is None:
        return red("Prometheus is not set, or has no answer.", to_do="Set PROMETHEUS_URL.")
    return either(
        count > 0,
        f"Prometheus reaches {count:.0f} of its targets.",
        otherwise="Prometheus reaches none of its targets.",
        to_do="Check METRICS_TOKEN in deploy/prometheus/prometheus.yml.",
    )


def dashboard_has_data(around: CheckContext) -> Verdict:
    count = _query(around, "sum(aig_checks_total)")
    if count is None:
        return red("Prometheus has no figure of checks.", to_do="Set PROMETHEUS_URL, and let one check be made.")
    return green(f"{count:.0f} checks are counted.")


def alerts_loaded(around: CheckContext) -> Verdict:
    if not around.settings.prometheus_url:
        return red("PROMETHEUS_URL is not set.", to_do="Set PROMETHEUS_URL.")
    found = msgspec.json.decode(ask(f"{around.settings.prometheus_url}/api/v1/rules?type=alert").body)
    names = [rule["name"] for group in found["data"]["groups"] for rule in group["rules"]]
    missing = [word for word in ALERTS_FOR if not any(word in name.lower() for name in names)]
    return either(
        not missing,
        f"{len(names)} alert rules are loaded.",
        otherwise=f"There is no alert rule for {', '.join(missing)}.",
        to_do="Load the rules in deploy/prometheus/rules.",
    )


def grafana_reachable(around: CheckContext) -> Verdict:
    if not around.settings.grafana_url:
        return red("GRAFANA_URL is not set.", to_do="Set GRAFANA_URL.")
    status = ask(f"{around.settings.grafana_url}/api/health").status
    return either(
        status == 200,  # noqa: PLR2004
        "Grafana answers.",
        otherwise=f"Grafana answers {status}.",
        to_do="Look at Grafana.",
    )


def _public(around: CheckContext, path: str) -> str:
    return f"{(around.settings.public_url or '').rstrip('/')}{path}"


def _query(around: CheckContext, words: str) -> float | None:
    """A figure of Prometheus; None where it is not set or knows none."""
    if not around.settings.prometheus_url:
        return None
    answer = ask(f"{around.settings.prometheus_url}/api/v1/query?{urlencode({'query': words})}")
    found: Any = msgspec.json.decode(answer.body) if answer.body else {}
    result = found.get("data", {}).get("result", [])
    return float(result[0]["value"][1]) if result else None


CHECKS: dict[str, CheckFunction] = {
    "https_api": https_api,
    "https_portal": https_portal,
    "domain_resolves": domain_resolves,
    "certificate_valid": certificate_valid,
    "ready_quickly": ready_quickly,
    "portal_opens": portal_opens,
    "sentry_takes_errors": sentry_takes_errors,
    "metrics_collected": metrics_collected,
    "dashboard_has_data": dashboard_has_data,
    "alerts_loaded": alerts_loaded,
    "grafana_reachable": grafana_reachable,
}
