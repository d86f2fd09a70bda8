"""Channels, and a receiver that answers as a test wants, with a certificate of its own."""

import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from sqlalchemy import select

from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from portal.notifications import channels, deliveries, sending
from portal.notifications.channels import MadeChannel
from portal.notifications.egress import EXTENSION, Answer, Egress
from portal.notifications.models import Channel, Delivery
from portal.notifications.states import Kind

HOOK = "https://hooks.example.com/ai-governance"


class Receiver:
    """Takes the way out's place: remembers what was sent, and answers with `answers` in turn, then with 200."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.taken: list[tuple[str, bytes, dict[str, str]]] = []

    read_target = Egress().read_target

    def post(self, url: str, body: bytes, headers: dict[str, str], *, now: Any) -> Answer:  # noqa: ARG002
        self.taken.append((url, body, headers))
        return self.answers.pop(0) if self.answers else Answer(took_ms=5, status=200, text="ok")

    @property
    def bodies(self) -> list[Any]:
        return [msgspec.json.decode(body) for _, body, _ in self.taken]


@contextmanager
def way_out(app: Flask, outside: Any) -> Iterator[None]:
    before, app.extensions[EXTENSION] = app.extensions[EXTENSION], outside
    try:
        yield
    finally:
        app.extensions[EXTENSION] = before


def make_channel(
    app: Flask,
    owner: UUID | None,
    *events: str,
    name: str = "Hook",
    kind: Kind = Kind.WEBHOOK,
    target: str = HOOK,
    now: dt.datetime | None = None,
    **options: Any,
) -> MadeChannel:
    with app.app_context(), acting_as_system(), transaction():
        made = channels.create(
            owner,
            kind=kind,
            name=name,
            target=target,
            events=events or ("api_key.created", "decision.blocked"),
            by=SYSTEM,
            now=now or utc_now(),
            **options,
        )
        db.session.expunge(made.channel)
        return made


def channel_with_delivery(owner: UUID) -> tuple[Channel, Delivery]:
    """Within a transaction of the system's."""
    made = channels.create(
        owner, kind=Kind.WEBHOOK, name="Hook", target=HOOK, events=["api_key.created"], by=SYSTEM, now=utc_now()
    )
    return made.channel, deliveries.send_test(owner, made.channel.id, by=SYSTEM, now=utc_now())


def deliveries_of(app: Flask, channel_id: UUID) -> list[Delivery]:
    """The oldest first."""
    with app.app_context(), acting_as_system():
        query = select(Delivery).where(Delivery.channel_id == channel_id).order_by(Delivery.id)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))


def channel(app: Flask, channel_id: UUID) -> Channel:
    with app.app_context(), acting_as_system():
        return db.session.get_one(Channel, channel_id, populate_existing=True)


def send_all(app: Flask) -> int:
    """As the worker does, one after the other. How many were sent."""
    with app.app_context():
        return sum(
            sending.send_while_due(is_isolated=is_isolated, is_over=lambda: False) for is_isolated in (False, True)
        )


Behave = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def https_server(folder: Path, name: str, behave: Behave) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A server on this machine with a certificate for `name`: its port, and the trust that takes it."""
    certificate = _certificate(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _serving(behave) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server.server_address[1], ssl.create_default_context(cafile=str(certificate))


@contextmanager
def http_server(behave: Behave) -> Iterator[int]:
    with _serving(behave) as server:
        yield server.server_address[1]


@contextmanager
def _serving(behave: Behave) -> Iterator[Any]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            behave(self)

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = utc_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
