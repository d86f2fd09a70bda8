"""Our own address, asked as the outside does. Never in a web request."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from core.formats import utc
from core.network import CORS_METHODS
from portal.console.launch import challenge
from portal.console.launch.checks.asking import TIMEOUT_S, Answer, ask
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red

VALID_FOR = timedelta(days=14)
READY_WITHIN_S = 0.2
_STRANGERS = ("https://elsewhere.example", "null", "https://app.example.com.elsewhere.example")
_SET_PUBLIC_URL = "Set PUBLIC_URL to the https:// address that customers use."
_CHECK_ORIGINS = "Set exact https:// origins in CORS_ORIGINS, and let the proxy forward our headers."


def https_api(around: CheckContext) -> Verdict:
    return _over_https(around, "/health/live", "The API")


def https_portal(around: CheckContext) -> Verdict:
    verdict = _over_https(around, "/log-in", "The portal")
    if verdict.is_green and "strict-transport-security" not in ask(_public(around, "/log-in")).headers:
        return red("The portal responds without HSTS.", to_do="Let the proxy forward our headers.")
    return verdict


def _over_https(around: CheckContext, path: str, name: str) -> Verdict:
    url = _public(around, path)
    if not url.startswith("https://"):
        return red(f"{name} has no https:// address.", to_do=_SET_PUBLIC_URL)
    status = ask(url).status
    return either(
        status == 200,  # noqa: PLR2004
        f"{name} responds over HTTPS at {around.settings.base_url}.",
        otherwise=f"{name} responds with {status}.",
        to_do="Check the proxy and the service.",
    )


def domain_resolves(around: CheckContext) -> Verdict:
    """And to us: a number that is used once comes back as only our secret makes it."""
    host = urlsplit(around.settings.public_url or "").hostname
    if not host:
        return red("PUBLIC_URL is not set.", to_do=_SET_PUBLIC_URL)
    addresses = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, None)})
    asked = challenge.new_challenge()
    answer = ask(_public(around, f"{challenge.PATH}{asked}")).body.decode(errors="replace")
    return either(
        challenge.is_ours(answer, asked, secret_keys=around.settings.secret_keys),
        f"{host} resolves to this service, at {', '.join(addresses[:4])}.",
        otherwise=f"{host} resolves to {', '.join(addresses[:4])}, which is not this service.",
        to_do="Check the domain's DNS records and the proxy.",
    )


def certificate_valid(around: CheckContext) -> Verdict:
    address = urlsplit(around.settings.public_url or "")
    if address.scheme != "https" or not address.hostname:
        return red("PUBLIC_URL is not an https:// address.", to_do=_SET_PUBLIC_URL)
    ends_at = _certificate_ends_at(address.hostname, address.port or 443)
    return either(
        ends_at - around.now >= VALID_FOR,
        f"The certificate is valid until {utc(ends_at, 'day')}.",
        otherwise=f"The certificate expires on {utc(ends_at, 'day')}.",
        to_do="Find out why it was not renewed automatically.",
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
        return red(f"Responded with {found.status} after {took}.", to_do="Open /health/ready to see what failed.")
    return either(
        found.seconds < READY_WITHIN_S,
        f"Ready, after {took}.",
        otherwise=f"Ready, but only after {took}.",
        to_do="Check the load of the machine and of the database.",
    )


def portal_opens(around: CheckContext) -> Verdict:
    found = ask(f"{around.settings.probed_url}/log-in")
    is_page = found.status == 200 and b"<form" in found.body  # noqa: PLR2004
    return either(
        is_page,
        f"The login page loads in {found.seconds * 1000:.0f} ms.",
        otherwise=f"The login page responds with {found.status}.",
        to_do="Check the web server's log.",
    )


def cors_exact(around: CheckContext) -> Verdict:
    """Each origin that is named gets its own name back, and none is loose."""
    origins = sorted(around.settings.allowed_origins)
    loose = [one for one in origins if "*" in one or not one.startswith("https://")]
    if loose:
        return red(f"Not exact, or not HTTPS: {', '.join(loose)}.", to_do=_CHECK_ORIGINS)
    shut = [one for one in origins if _allowed(_preflight(around, one)) != one]
    if shut:
        return red(f"Refused although allowed: {', '.join(shut)}.", to_do=_CHECK_ORIGINS)
    return green(f"{len(origins)} exact origins allowed." if origins else "No other origin can call the API.")


def cors_refuses(around: CheckContext) -> Verdict:
    """Asked as a stranger's page would ask."""
    let_in = [one for one in _STRANGERS if _allowed(_preflight(around, one)) is not None]
    return either(
        not let_in,
        f"{len(_STRANGERS)} other origins were tried at {around.settings.base_url}, and all were refused.",
        otherwise=f"Accepted: {', '.join(let_in)}.",
        to_do=_CHECK_ORIGINS,
    )


def _preflight(around: CheckContext, origin: str) -> Answer:
    headers = {"Origin": origin, "Access-Control-Request-Method": CORS_METHODS.split(", ")[1]}
    return ask(f"{around.settings.base_url}/v1/check", method="OPTIONS", headers=headers)


def _allowed(answer: Answer) -> str | None:
    return answer.headers.get("access-control-allow-origin")


def _public(around: CheckContext, path: str) -> str:
    return f"{(around.settings.public_url or '').rstrip('/')}{path}"


CHECKS: dict[str, CheckFunction] = {
    "https_api": https_api,
    "https_portal": https_portal,
    "domain_resolves": domain_resolves,
    "certificate_valid": certificate_valid,
    "ready_quickly": ready_quickly,
    "portal_opens": portal_opens,
    "cors_exact": cors_exact,
    "cors_refuses": cors_refuses,
}
