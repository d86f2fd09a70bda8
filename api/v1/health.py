"""Whether the service lives, is ready to answer, and how it is doing."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, request
from msgspec import Meta

from api.runtime import Runtime, runtime
from api.v1.endpoint import Endpoint, declare, json_response
from core.bearer import bears
from core.clock import monotonic_s
from core.db import acting_as_system
from core.errors import JSON_CONTENT_TYPE, MethodNotAllowed, NotFound
from core.ids import new_request_id
from core.observability import MetricsServer, listen, metrics_page, note_request
from core.security_headers import headers_of_answer
from core.serving import Request

bp = Blueprint("health", __name__)

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Health(msgspec.Struct, frozen=True):
    status: Annotated[Literal["ok"], Meta(description="Always ok; a process that is down does not respond.")] = "ok"


class Readiness(msgspec.Struct, frozen=True):
    """Component names, and whether each works; nothing more, for anybody may ask."""

    status: Annotated[Literal["ok", "unavailable"], Meta(description="ok if all components work.", examples=["ok"])]
    components: Annotated[
        dict[str, Literal["ok", "failing"]],
        Meta(
            description="Each component that a check needs.",
            examples=[{"database": "ok", "migrations": "ok", "decision_writer": "ok"}],
        ),
    ]


LIVE_PATHS = ("/health", "/health/live")

_LIVE = "Responds as long as the process is running."
for path, summary, description in (
    ("/health", "Get health", f"{_LIVE} The same as /health/live. For a monitor, use /health/ready."),
    ("/health/live", "Get liveness", _LIVE),
):
    declare(
        Endpoint(
            method="GET",
            path=path,
            tag="Health",
            summary=summary,
            description=description,
            scope=None,
            answer=Health,
            is_limited=False,
        )
    )
declare(
    Endpoint(
        method="GET",
        path="/health/ready",
        tag="Health",
        summary="Get readiness",
        description=(
            "Whether every component that a check needs is working. If one is not, the status is 503, and components "
            "shows which."
        ),
        scope=None,
        answer=Readiness,
        is_limited=False,
    )
)


@bp.get("/health")
@bp.get("/health/live")
def live() -> Response:
    return json_response(Health())


_ALLOW = ("Allow", "GET, HEAD, OPTIONS")


async def answer_live(request: Request) -> None:
    """The same on the event loop of a web process: it waits for no thread, whatever else goes on."""
    began_s = monotonic_s()
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        raise MethodNotAllowed(headers=(_ALLOW,))
    body = msgspec.json.encode(Health()) if request.method != "OPTIONS" else b""
    headers = headers_of_answer(JSON_CONTENT_TYPE, body, request_id=new_request_id())
    await request.answer(200, [*headers, _ALLOW], b"" if request.method == "HEAD" else body)
    note_request(request.method, request.path, 200, monotonic_s() - began_s)


@bp.get("/health/ready")
def ready() -> Response:
    works = components(runtime())
    readiness = Readiness(
        status="ok" if all(works.values()) else "unavailable",
        components={name: "ok" if is_ok else "failing" for name, is_ok in works.items()},
    )
    return json_response(readiness, status=200 if readiness.status == "ok" else 503)


@bp.get("/metrics")
def metrics() -> Response:
    """For those who hold the token, unless metrics have a port of their own; otherwise there is no such page."""
    found = None if runtime().settings.metrics_port else _metrics_for(request.headers.get("Authorization"))
    if found is None:
        raise NotFound
    page, content_type = found
    return Response(page, content_type=content_type)


_LISTENER = "metrics_listener"


def listen_for_metrics(app: Flask) -> None:
    """On METRICS_PORT, if there is one."""
    settings = runtime(app).settings

    def page(authorization: str | None) -> tuple[bytes, str] | None:
        with app.app_context():
            return _metrics_for(authorization)

    if settings.metrics_port:
        app.extensions[_LISTENER] = listen(settings.host, settings.metrics_port, page)


def stop_listening(app: Flask) -> None:
    listener: MetricsServer | None = app.extensions.pop(_LISTENER, None)
    if listener is not None:
        listener.shutdown()
        listener.server_close()


def _metrics_for(authorization: str | None) -> tuple[bytes, str] | None:
    """The page and its content type; None without the token."""
    settings = runtime().settings
    if not bears(authorization, (settings.metrics_token, settings.metrics_token_previous)):
        return None
    with acting_as_system():
        return metrics_page()


def components(room: Runtime) -> dict[str, bool]:
    """Everything that a check needs, by name, and whether it works just now."""
    version = room.probe.migrated_to()
    works = {
        "database": version is not None and room.is_database_written(),
        "migrations": version is not None and _is_not_older(version),
        "decision_writer": room.spool.is_writable(),
    }
    if room.shared_limiter is not None:
        works["redis"] = room.shared_limiter.answers()
    return works


def _is_not_older(version: str) -> bool:
    """A schema that this code does not know is of a release to come: it serves the code before it too, for as long as
    an upgrade takes."""
    *older, newest = _known_migrations()
    return version == newest or version not in older


@lru_cache
def _known_migrations() -> tuple[str, ...]:
    """Oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return tuple(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())[::-1]
