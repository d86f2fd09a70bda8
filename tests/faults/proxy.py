"""The proxy as it is shipped, but for TLS and its ports: Caddy with `deploy/Caddyfile`."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.databases import ROOT
from tests.services import free_port, status_of, wait_until

NO_CADDY = "Caddy is missing: put it on the PATH (Debian: apt-get install caddy)."
CADDYFILE = ROOT / "deploy" / "Caddyfile"


@contextmanager
def proxy_before(port: int, folder: Path, *, mcp_port: int = 9) -> Iterator[int]:
    """The port on which it answers for the service on `port`, and for the MCP server."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip(NO_CADDY)
    own_port = free_port()
    config = folder / "caddy.json"
    config.write_text(json.dumps(_without_tls(program, port, own_port, mcp_port)))
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [program, "run", "--config", str(config)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(own_port), "the proxy answers")
        yield own_port
    finally:
        process.terminate()
        process.wait(20)


def _without_tls(program: str, port: int, own_port: int, mcp_port: int) -> Any:
    upstreams = {"UPSTREAM": f"127.0.0.1:{port}", "MCP_UPSTREAM": f"127.0.0.1:{mcp_port}"}
    environment = {**os.environ, "SITE_HOST": "127.0.0.1", **upstreams}
    command = [program, "adapt", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    adapted = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    servers = adapted["apps"]["http"]["servers"]
    (secure,) = [server for server in servers.values() if server["listen"] == [":443"]]
    secure["listen"] = [f"127.0.0.1:{own_port}"]
    secure["automatic_https"] = {"disable": True}
    secure.pop("tls_connection_policies", None)
    return {"admin": {"disabled": True}, "apps": {"http": {"servers": {"site": secure}}}}


def _answers(port: int) -> bool:
    try:
        return status_of(f"http://127.0.0.1:{port}/health/live") == 200
    except OSError:
        return False
