"""MONEY: what can be had, what an organization has, and why.

`plans` says what there is and `access` which of it an organization has: pure rules. `entitlements` works the access out
and hands it on; `usage` keeps the checks that were counted; `letters` are mails that are sent once.
"""

from flask import Blueprint, Flask

from billing import jobs
from core.settings import Settings

__all__ = ["init_app", "jobs"]


def init_app(app: Flask, settings: Settings) -> None:  # noqa: ARG001  every room is called alike
    app.register_blueprint(Blueprint("billing", __name__, template_folder="templates"))
