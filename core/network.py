"""Who is asking, from where, over what, and whether a page of another origin may read the answer."""

from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from core.errors import AppError, UnsupportedEncoding

CORS_METHODS = "GET, POST, PUT, PATCH"
CORS_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Request-Id"
CORS_MAX_AGE_S = 3600

_MAPPED_BITS = 96
_IPV6_LINE_BITS = 64
"""Whoever has a line of IPv6 has at least this many bits of it to choose addresses from."""


class HttpsRequired(AppError):
    status, code, title = HTTPStatus.FORBIDDEN, "https_required", "This request was not encrypted"
    advice = "Send it to the https:// URL. If it contained an API key, rotate the key: others could have read it."


def client_address(environ: Mapping[str, Any], *, trusted_hops: int) -> str:
    """The caller's address: the peer's, or the entry that the outermost trusted proxy wrote."""
    peer = str(environ.get("REMOTE_ADDR") or "")
    if not trusted_hops:
        return peer
    forwarded = [entry.strip() for entry in str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",") if entry.strip()]
    return forwarded[-trusted_hops] if len(forwarded) >= trusted_hops else peer


def plain_address(text: str) -> IPv4Address | IPv6Address:
    """An address, an IPv4 one in IPv6's clothes (`::ffff:203.0.113.7`) as the IPv4 it is. Raises ValueError."""
    found = ip_address(text)
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def plain_network(text: str) -> IPv4Network | IPv6Network:
    """A network, in the same way. Raises ValueError."""
    found = ip_network(text, strict=False)
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    if mapped is None or found.prefixlen < _MAPPED_BITS:
        return found
    return IPv4Network((int(mapped), found.prefixlen - _MAPPED_BITS), strict=False)


def sender_of(address: str) -> str:
    """Whom an address stands for when tries are counted: itself, or with IPv6 the line that it was chosen from."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), _IPV6_LINE_BITS), strict=False))


def came_in_clear(environ: Mapping[str, Any], *, trusted_hops: int) -> bool:
    """Whether the caller spoke plain http, as the outermost proxy that we trust says; without one nobody can say."""
    said = [entry.strip().lower() for entry in str(environ.get("HTTP_X_FORWARDED_PROTO", "")).split(",")]
    return bool(trusted_hops) and said[-min(trusted_hops, len(said))] == "http"


def need_plain_body(environ: Mapping[str, Any]) -> None:
    """Raises UnsupportedEncoding for a compressed body: read as it is, it would be nonsense."""
    named = environ.get("HTTP_CONTENT_ENCODING")
    if not named:
        return
    encodings = str(named).split(",")
    if any(encoding.strip().lower() not in {"", "identity"} for encoding in encodings):
        raise UnsupportedEncoding


def cors_headers(origin: str | None, *, allowed: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """The headers that let a page of `origin` read the answer; none for an origin that is not on the list."""
    if not origin or origin not in allowed:
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Vary", "Origin"),
        ("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, RateLimit-Remaining, RateLimit-Reset"),
    )


def preflight_headers(origin: str | None, *, allowed: frozenset[str]) -> tuple[tuple[str, str], ...]:
    allowing = cors_headers(origin, allowed=allowed)
    if not allowing:
        return ()
    return (
        *allowing,
        ("Access-Control-Allow-Methods", CORS_METHODS),
        ("Access-Control-Allow-Headers", CORS_HEADERS),
        ("Access-Control-Max-Age", str(CORS_MAX_AGE_S)),
    )
