"""MACHINES: the JSON API. Keys, policies, checks, decisions, limits, and the document that describes them."""

from collections.abc import Callable
from uuid import UUID

from flask import Flask

from api import cli, gauges, health, machine_room, turns
from api.check_middleware import CheckHandler, CheckMiddleware
from api.check_path import KINDS, CheckPath
from api.decisions import jobs as decision_jobs
from api.decisions import views as decision_views
from api.demo import seed_demo
from api.keys import views as key_views
from api.policies import views as policy_views
from api.reference import views as reference_views
from api.usage import jobs as usage_jobs
from core.serving import Handler
from core.settings import Settings
from core.supervisor import demo_wanted

__all__ = ["ahead_of_flask", "decision_jobs", "gauges", "init_app", "organization_of", "start", "stop", "usage_jobs"]


def init_app(app: Flask, settings: Settings) -> None:
    room = machine_room.set_up(app, settings)
    for blueprint in (health.bp, key_views.bp, policy_views.bp, decision_views.bp, reference_views.bp):
        app.register_blueprint(blueprint)
    for group in cli.GROUPS:
        app.cli.add_command(group)
    app.wsgi_app = CheckMiddleware(app.wsgi_app, CheckPath(room))  # type: ignore[method-assign]
    demo_wanted.connect(seed_demo)


def ahead_of_flask(app: Flask, flask: Handler) -> dict[str, Handler]:
    """What a web process answers on its event loop, by path."""
    room = machine_room.machine_room(app)
    checks = CheckHandler(CheckPath(room), room, flask)
    return {**dict.fromkeys(KINDS, checks), **dict.fromkeys(health.LIVE_PATHS, health.answer_live)}


def organization_of(app: Flask) -> Callable[[str], UUID | None]:
    """To whom an Authorization header belongs, as far as a web process knows without asking."""
    return turns.organization_by_key(machine_room.machine_room(app).snapshots)


def start(app: Flask) -> None:
    """Starts the threads of a process that serves: the change feed, the replay of the spool, the note of key uses."""
    machine_room.machine_room(app).start()


def stop(app: Flask) -> None:
    """Ends the threads; what the spool still holds is brought home if the database lets it."""
    machine_room.machine_room(app).stop()
