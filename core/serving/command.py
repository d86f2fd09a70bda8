"""How the web server is started: by `flask web` in production, and by `flask serve`."""

import os
import shutil
import sys
from collections.abc import Mapping

from core.settings import Settings

APP = "wsgi:create_web"
"""What makes the app of a web process, as `module:function`."""
CONNECTIONS_WAITING, REQUESTS_AT_ONCE = 2_048, 8_192
"""A request that is still being sent costs memory and no thread, so there may be many."""
HEADERS_WITHIN_MS = 10_000
WORKER_STOPPED_WITHIN_S = 5
"""And the time that a commit may take, for the last answers."""


def web_command(settings: Settings) -> list[str]:
    """How the web server is started, here and in production."""
    command = [sys.executable, "-m", "core.web_process", "--interface", "asginl", "--factory", APP]
    options = {
        "--host": settings.host,
        "--port": settings.port,
        "--workers": settings.web_workers,
        "--loop": "asyncio",
        "--backlog": CONNECTIONS_WAITING,
        "--backpressure": REQUESTS_AT_ONCE,
        "--http1-header-read-timeout": HEADERS_WITHIN_MS,
        "--log-level": "error",
        "--respawn-interval": "0.1",
        "--workers-kill-timeout": WORKER_STOPPED_WITHIN_S + settings.record_timeout_ms // 1000,
    }
    return [
        *command,
        *(str(part) for option in options.items() for part in option),
        "--respawn-failed-workers",
        "--no-ws",
    ]


def mcp_command(settings: Settings, *, port: int) -> list[str]:
    """How the MCP server is started, which needs no database."""
    options = {"--host": settings.host, "--port": port, "--loop": "asyncio", "--log-level": "error"}
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "api.mcp.web:create_mcp"]
    return [*command, *(str(part) for option in options.items() for part in option), "--no-ws"]


def web_environment(web_url: str, settings: Settings, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of the web server: its own login alone, and a clean folder for the metrics of its processes."""
    metrics_path = settings.data_path / "run" / "metrics"
    shutil.rmtree(metrics_path, ignore_errors=True)
    metrics_path.mkdir(parents=True)
    return {
        **{name: value for name, value in environment.items() if name != "DATABASE_URL"},
        "DATABASE_WEB_URL": web_url,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics_path),
    }
