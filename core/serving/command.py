"""How the web server is started: by `flask web` in production, and by `flask serve`."""

import os
import shutil
import sys
from collections.abc import Mapping

from core.settings import Settings

APP = "wsgi:create_web"
"""What makes the app of a web process, as `module:function`."""
WEB_MODULE = "core.web_process"
WORKER_STOPPED_WITHIN_S = 5
"""And the time that a commit may take, for the last answers."""


def web_command() -> list[str]:
    """How the web server is started, here and in production."""
    return [sys.executable, "-m", WEB_MODULE]


def mcp_command(settings: Settings, *, port: int) -> list[str]:
    """How the MCP server is started, which needs no database."""
    return [sys.executable, "-m", "api.mcp.web", settings.host, str(port)]


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
