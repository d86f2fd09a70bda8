"""TLS as it is spoken: the shipped proxy file, a real handshake, and a client that could speak the old versions."""

import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from ssl import TLSVersion
from typing import Any

import pytest

from tests.faults.proxy import CADDYFILE
from tests.portal.launch.world import HOST, listens, make_certificates, need_programs, running
from tests.services import free_port, wait_until

# old versions are spoken on purpose: the library warns of them, and the system's policy would not even offer them
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
OLD = [TLSVersion.TLSv1, TLSVersion.TLSv1_1]
NEW = [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    need_programs()
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def proxy_port(tmp_path_factory: pytest.TempPathFactory, certificates: tuple[Path, Path, Path]) -> Iterator[int]:
    """Caddy with the TLS policy of our file; only the port and where the certificate comes from are others."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    _, site, key = certificates
    environment = {**os.environ, "SITE_HOST": HOST, "UPSTREAM": f"127.0.0.1:{free_port()}"}
    command = ["caddy", "adapt", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    adapted = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    (secure,) = [one for one in adapted["apps"]["http"]["servers"].values() if one["listen"] == [":443"]]
    secure |= {"listen": [f"127.0.0.1:{port}"], "automatic_https": {"disable": True}}
    tls = {"certificates": {"load_files": [{"certificate": str(site), "key": str(key)}]}}
    config = {"admin": {"disabled": True}, "apps": {"http": {"servers": {"site": secure}}, "tls": tls}}
    (folder / "caddy.json").write_text(json.dumps(config))
    with running("caddy", "run", "--config", folder / "caddy.json", folder=folder):
        wait_until(lambda: listens(port), "the proxy listens")
        yield port


@pytest.fixture(scope="module")
def lax_port(certificates: tuple[Path, Path, Path]) -> Iterator[int]:
    """A server that takes every version: who is refused elsewhere is not refused for what they cannot speak."""
    _, site, key = certificates
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site, key)
    _speak(context, TLSVersion.TLSv1, TLSVersion.TLSv1_3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept_all, args=(server, context), daemon=True).start()
        yield server.getsockname()[1]


def _accept_all(server: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = server.accept()
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
        except ssl.SSLError:
            continue
        except OSError:
            return


def _speak(context: ssl.SSLContext, lowest: TLSVersion, highest: TLSVersion) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = lowest, highest


def spoken(port: int, version: TLSVersion, certificates: tuple[Path, Path, Path]) -> str | None:
    """The version of a handshake with nothing but `version`, or None if it was refused."""
    context = ssl.create_default_context(cafile=str(certificates[0]))
    _speak(context, version, version)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as secured,
        ):
            return secured.version()
    except ssl.SSLError:
        return None


@pytest.mark.parametrize("version", [*OLD, *NEW], ids=lambda version: version.name)
def test_this_client_can_speak_every_version(lax_port: int, certificates: Any, version: TLSVersion) -> None:
    assert spoken(lax_port, version, certificates) is not None


@pytest.mark.parametrize("version", OLD, ids=lambda version: version.name)
def test_old_versions_are_refused(proxy_port: int, certificates: Any, version: TLSVersion) -> None:
    assert spoken(proxy_port, version, certificates) is None


@pytest.mark.parametrize("version", NEW, ids=lambda version: version.name)
def test_new_versions_are_spoken(proxy_port: int, certificates: Any, version: TLSVersion) -> None:
    assert spoken(proxy_port, version, certificates) == version.name.replace("_", ".")


def test_plain_http_on_the_secure_port_gets_nothing_of_ours(proxy_port: int) -> None:
    with socket.create_connection(("127.0.0.1", proxy_port), timeout=10) as plain:
        plain.sendall(f"GET /health/live HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        answer = plain.recv(4096)

    assert b" 400 " in answer.partition(b"\r\n")[0]
