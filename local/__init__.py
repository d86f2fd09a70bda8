"""LOCAL: what a developer's machine has and production does not use.

The embedded PostgreSQL, `flask serve` with everything under one command, people and a key to begin with, pages that
read the mail which was not sent, and a sandbox in Stripe's place. In production DATABASE_URL and a Stripe API key are
set, `flask web` and `flask worker` run side by side, and of all this only the `serve` command is left.
"""

from flask import Blueprint, Flask

from billing.connection import is_sandbox
from core.settings import Environment, Settings
from local import design, mailbox, stripe_sandbox, supervisor

__all__ = ["init_app"]


def init_app(app: Flask, settings: Settings) -> None:
    app.register_blueprint(Blueprint("local", __name__, template_folder="templates"))
    if settings.environment is not Environment.PRODUCTION:
        app.register_blueprint(mailbox.bp)
        app.register_blueprint(design.bp)
    if is_sandbox(settings):
        stripe_sandbox.init_app(app, settings)

    @app.cli.command("serve")
    def serve() -> None:
        """Run everything: database (embedded without DATABASE_URL), migrations, demo, web server, worker."""
        supervisor.serve(app, settings)
