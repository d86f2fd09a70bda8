"""A service in its production shape on this machine, with everything around it real, or a stand-in that speaks alike.

Caddy as it is shipped, with TLS of an authority of our own; Prometheus and Alertmanager as Debian packs them; Redis,
PostgreSQL; an S3 and a Stripe that are small; a Grafana and an error tracker that answer as theirs do.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
import pytest
import yaml
from flask import Flask
from werkzeug import Request, Response
from werkzeug.serving import make_server

from core.settings import Settings
from tests.databases import ROOT
from tests.faults.proxy import CADDYFILE
from tests.services import free_port, wait_until

HOST = socket.gethostname()
PROGRAMS = ("caddy", "prometheus", "prometheus-alertmanager", "openssl")
CERTIFIED_DAYS = 60
LONGER_THAN_OURS = timedelta(days=CERTIFIED_DAYS + 1)
ALERTMANAGER_TOKEN = "7c1d90b3a5f2e8641b7d3c59"
METRICS_TOKEN = "9d1f6b3c5e7a2048d1c3b5a7e9f02468"
GRAFANA_TOKEN = "glsa_of-the-test-and-of-nothing-else"


def need_programs() -> None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"Missing: {', '.join(missing)}. Debian: prometheus, prometheus-alertmanager, caddy, openssl.")
    try:
        socket.getaddrinfo(HOST, None)
    except OSError:
        pytest.skip("This machine does not know its own name.")


def make_certificates(folder: Path, *, days: int = CERTIFIED_DAYS) -> tuple[Path, Path, Path]:
    """Of an authority of our own: its certificate, and the chain and key of this machine."""

    def openssl(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)

    made = [folder / name for name in ("ca.pem", "ca.key", "site.pem", "site.key", "site.csr", "names")]
    authority, authority_key, site, key, request, names = made
    names.write_text(f"subjectAltName=DNS:{HOST}\n")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req", "-x509", *new_key, "-keyout", authority_key, "-out", authority, "-days", "90", "-subj", "/CN=Test CA"
    )
    openssl("req", *new_key, "-keyout", key, "-out", request, "-subj", f"/CN={HOST}")
    signed_by = ("-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-extfile", names)
    openssl("x509", "-req", "-in", request, *signed_by, "-days", str(days), "-out", site)
    return authority, site, key


@contextmanager
def running(*command: str | Path, folder: Path) -> Iterator[None]:
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen([*map(str, command)], cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def served(application: Any, *, port: int, tls: tuple[Path, Path] | None = None) -> Iterator[None]:
    context = (str(tls[0]), str(tls[1])) if tls else None
    server = make_server("127.0.0.1", port, application, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def proxy(folder: Path, *, port: int, upstream: int, site: Path, key: Path) -> Iterator[None]:
    environment = {**os.environ, "SITE_HOST": HOST, "UPSTREAM": f"127.0.0.1:{upstream}"}
    adapt = ["caddy", "adapt", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    adapted = json.loads(subprocess.run(adapt, env=environment, capture_output=True, check=True).stdout)
    servers = adapted["apps"]["http"]["servers"].values()
    (secure,) = [server for server in servers if server["listen"] == [":443"]]
    secure |= {"listen": [f"127.0.0.1:{port}"], "automatic_https": {"disable": True}}
    secure["tls_connection_policies"] = [{}]
    files = [{"certificate": str(site), "key": str(key)}]
    config = {
        "admin": {"disabled": True},
        "apps": {"http": {"servers": {"site": secure}}, "tls": {"certificates": {"load_files": files}}},
    }
    (folder / "caddy.json").write_text(json.dumps(config))
    with running("caddy", "run", "--config", folder / "caddy.json", folder=folder):
        wait_until(lambda: listens(port), "the proxy listens")
        yield


@contextmanager
def prometheus(folder: Path, *, port: int, target: int) -> Iterator[None]:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "5s", "scrape_timeout": "5s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(ROOT / "deploy" / "prometheus" / "rules" / "*.yml")]
    config.pop("alerting")
    (scrape,) = config["scrape_configs"]
    scrape["authorization"] = {"type": "Bearer", "credentials": METRICS_TOKEN}
    scrape["static_configs"] = [{"targets": [f"127.0.0.1:{target}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    options = (f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}")
    with running("prometheus", f"--config.file={folder / 'prometheus.yml'}", *options, folder=folder):
        wait_until(lambda: listens(port), "Prometheus listens")
        yield


@contextmanager
def alertmanager(folder: Path, *, port: int, webhook: str) -> Iterator[None]:
    """With the route and the receiver that are shipped for the launch board."""
    shipped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alertmanager.yml").read_text())
    (route,) = [one for one in shipped["route"]["routes"] if one["receiver"] == "launch-board"]
    authorization = {"type": "Bearer", "credentials": ALERTMANAGER_TOKEN}
    hook = {"url": webhook, "http_config": {"authorization": authorization}}
    config = {
        "route": {"receiver": "nobody", "routes": [route]},
        "receivers": [{"name": "nobody"}, {"name": "launch-board", "webhook_configs": [hook]}],
    }
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    options = (
        f"--storage.path={folder / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    command = ("prometheus-alertmanager", f"--config.file={folder / 'alertmanager.yml'}", *options)
    with running(*command, folder=folder):
        wait_until(lambda: listens(port), "Alertmanager listens")
        yield


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def forwarded(url: str, environ: dict[str, Any]) -> Any:
    """What another server answers to the same request, as JSON."""
    request = Request(environ)
    with urlopen(f"{url}{request.path}?{request.query_string.decode()}", timeout=5) as found:  # noqa: S310
        return json.loads(found.read())


class SmallGrafana:
    """Knows one dashboard and one data source, and asks for a token."""

    def __init__(self, prometheus_url: str) -> None:
        self.prometheus_url = prometheus_url

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {GRAFANA_TOKEN}":
            return Response(status=401)
        if request.path == "/api/dashboards/uid/ai-governance":
            dashboard = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "ai-governance.json").read_text())
            return Response(json.dumps({"dashboard": dashboard}), content_type="application/json")
        prefix = "/api/datasources/proxy/uid/prometheus"
        if request.path.startswith(prefix):
            url = f"{self.prometheus_url}{request.path.removeprefix(prefix)}?{request.query_string.decode()}"
            with urlopen(url, timeout=5) as found:  # noqa: S310
                return Response(found.read(), content_type="application/json")
        return Response(status=404)


def small_tracker(environ: dict[str, Any], start_response: Any) -> Any:
    """Takes envelopes as Sentry does, and names the event."""
    request = Request(environ)
    header = json.loads(request.get_data().split(b"\n", 1)[0])
    answer = Response(json.dumps({"id": header["event_id"]}), content_type="application/json")
    return answer(environ, start_response)


class Ports(msgspec.Struct, frozen=True):
    app: int
    site: int
    prometheus: int
    alertmanager: int
    grafana: int
    tracker: int
    metrics: int

    @classmethod
    def free(cls) -> "Ports":
        return cls(*(free_port() for _ in cls.__struct_fields__))


def settings_of(ports: Ports, good: Settings, **own: Any) -> Settings:
    """Settings of production, with the addresses of this world."""
    return msgspec.structs.replace(
        good,
        host="127.0.0.1",
        port=ports.app,
        public_url=f"https://{HOST}:{ports.site}",
        probe_url=f"http://127.0.0.1:{ports.app}",
        prometheus_url=f"http://127.0.0.1:{ports.prometheus}",
        alertmanager_url=f"http://127.0.0.1:{ports.alertmanager}",
        grafana_url=f"http://127.0.0.1:{ports.grafana}",
        grafana_token=GRAFANA_TOKEN,
        alertmanager_token=ALERTMANAGER_TOKEN,
        metrics_token=METRICS_TOKEN,
        metrics_port=ports.metrics,
        sentry_dsn=f"https://9f0e1d2c3b4a5968@{HOST}:{ports.tracker}/1",
        on_call_phone="+353 1 555 0100",
        **own,
    )


@contextmanager
def around(app: Flask, ports: Ports, folder: Path) -> Iterator[None]:
    """Everything that the service is surrounded by, up and answering."""
    authority, site, key = make_certificates(folder)
    patch = pytest.MonkeyPatch()
    patch.setenv("SSL_CERT_FILE", str(authority))
    with ExitStack() as stack:
        stack.callback(patch.undo)
        stack.enter_context(served(app, port=ports.app))
        stack.enter_context(proxy(folder, port=ports.site, upstream=ports.app, site=site, key=key))
        stack.enter_context(prometheus(folder, port=ports.prometheus, target=ports.metrics))
        webhook = f"http://127.0.0.1:{ports.app}/webhooks/alertmanager"
        stack.enter_context(alertmanager(folder, port=ports.alertmanager, webhook=webhook))
        stack.enter_context(served(SmallGrafana(f"http://127.0.0.1:{ports.prometheus}"), port=ports.grafana))
        stack.enter_context(served(small_tracker, port=ports.tracker, tls=(site, key)))
        yield
