"""MONEY: what can be had, what an organization has, and why.

`plans` says what there is and `access` which of it an organization has: pure rules. `entitlements` works the access out
and projects it to the organization; `usage` stores the checks that were counted; `emails` are sent once.
"""

from flask import Blueprint, Flask

from billing import cli, connection, dunning, jobs, webhooks
from billing.money import format_amount
from core.settings import Settings

__all__ = ["dunning", "init_app", "jobs"]


def init_app(app: Flask, settings: Settings) -> None:
    app.register_blueprint(Blueprint("billing", __name__, template_folder="templates"))
    app.jinja_env.filters["amount"] = format_amount
    app.register_blueprint(webhooks.bp)
    connection.set_up(app, settings)
    app.cli.add_command(cli.billing_commands)
