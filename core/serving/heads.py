"""What the head of a request asks for, and the answers to what is no request of ours."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import httptools

MOST_HEADERS = 100
_AUTHORITY_ENDS = re.compile(b"[/?#]")
_CLOSE = b"connection: close\r\ncontent-length: 0\r\n\r\n"
MALFORMED = b"HTTP/1.1 400 Bad Request\r\n" + _CLOSE
OTHER_VERSION = b"HTTP/1.1 505 HTTP Version Not Supported\r\n" + _CLOSE
HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _CLOSE
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n" + _CLOSE


def refusal_of(version: str, names: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """For what the parser lets pass, and a proxy before us may read in another way."""
    if len(headers) > MOST_HEADERS:
        return HEAD_TOO_LARGE
    if version not in {"1.1", "1.0"}:
        return OTHER_VERSION
    if names.count(b"host") > 1:
        return MALFORMED
    if b"transfer-encoding" in names:
        codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
        if version == "1.0" or codings != [b"chunked"]:
            return MALFORMED
    return None


def scope_of(
    method: str, url: bytes, headers: list[tuple[bytes, bytes]], *, version: str, server: Any, client: Any
) -> dict[str, Any]:
    """As ASGI has it."""
    path, query = _parts_of(url, headers)
    return {
        "type": "http",
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query,
        "headers": headers,
        "server": server,
        "client": client,
    }


def _parts_of(url: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[str, bytes]:
    """The path, decoded, and the query string, as it came. A host in the target takes the place of the header's."""
    if not url.startswith(b"/") or b"#" in url:
        parsed = httptools.parse_url(url) if url != b"*" else None
        raw_path, query = (parsed.path or b"/", parsed.query or b"") if parsed else (b"*", b"")
        if parsed and parsed.host:
            authority = _AUTHORITY_ENDS.split(url.partition(b"://")[2], maxsplit=1)[0]
            headers[:] = [(b"host", authority), *(header for header in headers if header[0] != b"host")]
    else:
        raw_path, _, query = url.partition(b"?")
    decoded = unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path
    return decoded.decode("utf-8", "surrogateescape"), query
