"""The roof: reads the settings and joins the rooms. Nobody imports it."""

import gc
from multiprocessing.util import Finalize

from flask import Flask
from flask_migrate import Migrate

import api
import backups
import billing
import legal_docs
import local
import portal
from core import (
    access,
    cli,
    current,
    hosts,
    htmx,
    jobs,
    logins,
    observability,
    pages,
    replica,
    rotations,
    throttle,
    web,
)
from core.db import REPLICA, db, sqlalchemy_url
from core.environment import read_settings
from core.graceful_shutdown import is_stopping
from core.serving import FlaskHandler, WebServer, places_of
from core.settings import Settings
from local import embedded


def create_app(settings: Settings | None = None, *, sessions: int = jobs.MOST_SESSIONS) -> Flask:
    """The app. Without DATABASE_URL the embedded database is started, and stops with the last process that uses it.

    `sessions`: with the database, at once; as many as the worker needs, unless it is said.
    """
    settings = settings or read_settings()
    observability.set_up_logging(settings)
    observability.set_up_error_reports(settings)
    app = Flask(__name__, static_folder=pages.STATIC, static_url_path="/static", template_folder=pages.TEMPLATES)
    owner_url, web_url = _database_urls(app, settings)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[1:]),
        DATABASE_URL=owner_url,
        DATABASE_WEB_URL=web_url,
    )
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlalchemy_url(app.config["DATABASE_URL"])
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_pre_ping": True,
        "pool_size": sessions,
        "max_overflow": 0,
        "pool_timeout": 5,
        "connect_args": {"connect_timeout": 2, **({"prepare_threshold": None} if settings.database_feed_url else {})},
    }
    if settings.database_replica_url:
        app.config["SQLALCHEMY_BINDS"] = {REPLICA: replica.bind(settings.database_replica_url, pool_size=sessions)}
    current.init_app(app, settings)
    db.init_app(app)
    replica.init_app(app)
    with app.app_context():
        observability.watch_database(db.engine)
        observability.time_queries(db.engine)
    Migrate(app, db)
    web.init_app(app, settings)
    pages.init_app(app)
    htmx.init_app(app)
    access.init_app(app, settings)
    throttle.init_app(app, settings)
    cli.init_app(app, settings)
    for room in (backups, legal_docs, billing, api, portal, local):
        room.init_app(app, settings)
    app.wsgi_app = hosts.KnownHosts(app.wsgi_app, settings)  # type: ignore[method-assign]
    return app


def create_web() -> WebServer:
    """The ASGI app of a web process: with its threads running, and with the login that owns nothing."""
    settings = read_settings().for_web
    app = create_app(settings, sessions=places_of(settings).total)
    api.start(app)
    rotations.jobs.notice_at_start(app)
    Finalize(None, api.stop, args=(app,), exitpriority=0)  # unlike atexit, it runs in spawned processes too
    flask = FlaskHandler(
        app.wsgi_app,
        settings,
        session_cookie=app.config["SESSION_COOKIE_NAME"],
        organization_of=api.organization_of(app),
    )
    gc.collect()
    gc.freeze()  # what stays for good is not searched again: a full collection held up every caller for 0.2 s
    ahead, at_once = api.ahead_of_flask(app, flask)
    return WebServer(flask, ahead, settings, is_stopping=is_stopping, at_once=at_once)


def _database_urls(app: Flask, settings: Settings) -> tuple[str, str]:
    """Where this process logs in, and where web processes do. A web process knows the second alone."""
    given = settings.database_url or settings.database_web_url
    if given:
        return given, settings.database_web_url or given
    server = app.extensions[embedded.EXTENSION] = embedded.start(settings.data_path)
    return embedded.url(server), embedded.web_url(server, logins.EMBEDDED_WEB_LOGIN)
