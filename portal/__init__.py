"""PEOPLE: every page. Signing up and in, getting started, keys, policies, the log, documents, the console."""

from typing import Any

import msgspec
from flask import Blueprint, Flask, g

from core import audit
from core.access import Access, may, visitor_or_none
from core.clock import utc_now
from core.db import acting_for
from core.mail import has_local_mailbox
from core.rotations.services import sealed_with_key
from core.settings import Environment, Settings
from core.supervisor import demo_wanted
from legal_docs import figures
from legal_docs.documents.kinds import TITLES
from portal import cli, guide_figures, menu, pages, work
from portal.dashboard.attention import standing_notices
from portal.demo import seed_demo
from portal.launch.cli import preflight
from portal.mailbox import views as mailbox_views
from portal.notices import Notice
from portal.notifications import deliveries, outside, vault
from portal.organization.forms import country_name
from portal.people import second_factor
from portal.status import cli as status_cli
from portal.status import frame
from portal.trail.words import words_for

__all__ = ["guide_figures", "init_app", "work"]


def init_app(app: Flask, settings: Settings) -> None:
    app.register_blueprint(Blueprint("portal", __name__, template_folder="templates"))
    for blueprint in (*pages.PAGES, *pages.CONSOLE, *pages.FOR_MACHINES):
        app.register_blueprint(blueprint)
    if settings.environment is not Environment.PRODUCTION:
        app.register_blueprint(mailbox_views.bp)
    outside.init_app(app, settings)
    app.jinja_env.globals.update(
        menu=menu.of_visitor,
        figures=figures,
        document_titles=TITLES,
        country_name=country_name,
        standing_notices=_standing_notices,
        status_notices=_status_notices,
        words_for=words_for,
    )
    app.context_processor(_around_pages)
    for command in (cli.operators_commands, status_cli.status_commands, preflight):
        app.cli.add_command(command)
    audit.written.connect(deliveries.announce)
    demo_wanted.connect(seed_demo)
    for reseal in (second_factor.reseal, vault.reseal):
        sealed_with_key.connect(reseal)


def _around_pages() -> dict[str, Any]:
    around: dict[str, Any] = {"has_local_mailbox": has_local_mailbox()}
    if not g.get("has_failed") and visitor_or_none() is not None:
        around["frame"] = "portal/base.html"
    return around


def _standing_notices() -> list[Notice]:
    who = visitor_or_none()
    if who is None or who.seat is None:
        return []
    with acting_for(who.seat.organization_id):
        notices = standing_notices(who.seat.organization_id, now=utc_now())
    return notices if may(Access.ADMIN, at_rest=True) else [msgspec.structs.replace(one, path="") for one in notices]


def _status_notices() -> list[Notice]:
    who = visitor_or_none()
    return frame.notices(who.seat.organization_id if who and who.seat else None, now=utc_now())
