"""MACHINES: the JSON API. Keys, policies, checks, decisions, limits, and the document that describes them."""

from collections.abc import Callable
from uuid import UUID

from flask import Flask

from api import cli, gauges, runtime
from api.analytics import cli as analytics_cli
from api.analytics import jobs as analytics_jobs
from api.decisions import jobs as decision_jobs
from api.decisions.impact import jobs as impact_jobs
from api.ledger import cli as ledger_cli
from api.ledger import jobs as ledger_jobs
from api.machines import cli as machines_cli
from api.smoke import cli as smoke_cli
from api.usage import jobs as usage_jobs
from api.v1 import (
    bundle_views,
    decision_views,
    draft_views,
    health,
    key_views,
    policy_file_views,
    policy_views,
    reconciliation_views,
    review_views,
    turns,
)
from api.v1.authzen import views as authzen_views
from api.v1.bundle_waiting import BundleHandler
from api.v1.check_middleware import CheckHandler, CheckMiddleware
from api.v1.check_path import CHECK_PATH, KINDS, CheckPath
from api.v1.reference import views as reference_views
from core.serving import AtOnce, Handler
from core.settings import Settings

__all__ = [
    "ahead_of_flask",
    "analytics_jobs",
    "decision_jobs",
    "gauges",
    "impact_jobs",
    "init_app",
    "ledger_jobs",
    "organization_of",
    "start",
    "stop",
    "usage_jobs",
]


def init_app(app: Flask, settings: Settings) -> None:
    room = runtime.set_up(app, settings)
    views = (
        health,
        key_views,
        policy_views,
        draft_views,
        review_views,
        policy_file_views,
        bundle_views,
        decision_views,
        reconciliation_views,
        authzen_views,
        reference_views,
    )
    for blueprint in (module.bp for module in views):
        app.register_blueprint(blueprint)
    groups = (analytics_cli.analytics_commands, ledger_cli.heads_commands, machines_cli.machines_commands)
    for command in (*cli.GROUPS, *groups, smoke_cli.smoke):
        app.cli.add_command(command)
    app.wsgi_app = CheckMiddleware(app.wsgi_app, CheckPath(room))  # type: ignore[method-assign]


def ahead_of_flask(app: Flask, flask: Handler) -> tuple[dict[str, Handler], dict[str, AtOnce]]:
    """What a web process answers on its event loop, by path, and what of it may be taken on without a task."""
    room = runtime.runtime(app)
    checks = CheckHandler(CheckPath(room), room, flask)
    handlers: dict[str, Handler] = {
        **dict.fromkeys(KINDS, checks),
        **dict.fromkeys(health.LIVE_PATHS, health.answer_live),
        bundle_views.BUNDLE_PATH: BundleHandler(room, flask),
    }
    return handlers, {CHECK_PATH: checks.take}


def organization_of(app: Flask) -> Callable[[str], UUID | None]:
    """To whom an Authorization header belongs, as far as a web process knows without asking."""
    return turns.organization_by_key(runtime.runtime(app).snapshots)


def start(app: Flask) -> None:
    """Starts the threads of a process that serves: the change feed, the replay of the spool, the note of key uses,
    the port for metrics."""
    runtime.runtime(app).start()
    health.listen_for_metrics(app)


def stop(app: Flask) -> None:
    """Ends the threads; what the spool still holds is replayed if the database lets it."""
    health.stop_listening(app)
    runtime.runtime(app).stop()
