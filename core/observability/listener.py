"""A port of its own for /metrics, which no proxy leads to: the public port has no such page then.

Each web process listens on it, side by side, and answers for all of them.
"""

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog

from core.observability.reports import report_error

log = structlog.get_logger()

PATH = "/metrics"
_LONGEST_REQUEST_S = 5.0

Page = Callable[[str | None], tuple[bytes, str] | None]
"""The page and its content type for an Authorization header, or None for whoever may not read it."""


class MetricsServer(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_port = True
    page: Page

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """A caller that goes away is no trouble of ours; the library would print it."""
        log.debug("metrics.not_answered")


class _Handler(BaseHTTPRequestHandler):
    timeout = _LONGEST_REQUEST_S
    server: MetricsServer

    def do_GET(self) -> None:
        found = self.server.page(self.headers.get("Authorization")) if self.path.partition("?")[0] == PATH else None
        body, content_type = found or (b"Not found\n", "text/plain; charset=utf-8")
        self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Which software this is, nobody has to know."""
        return "metrics"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as the library calls it
        """Prometheus asks every ten seconds; nobody wants a line for each."""


def listen(host: str, port: int, page: Page) -> MetricsServer | None:
    """Begins to answer in a thread of its own. None where the port cannot be had: the API serves all the same."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    serving = type("MetricsServerOfFamily", (MetricsServer,), {"address_family": family})
    try:
        server: MetricsServer = serving((host, port), _Handler)
    except OSError as error:
        log.exception("metrics.no_port", port=port)
        report_error(error)
        return None
    server.page = page
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
