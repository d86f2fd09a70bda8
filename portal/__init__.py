"""PEOPLE: every page. Signing up and in, getting started, keys, policies, the log, documents, the console."""

from typing import Any

import msgspec
from flask import Blueprint, Flask, g

from core.access import Access, may, visitor_or_none
from core.clock import utc_now
from core.db import acting_for
from core.mail import has_local_mailbox
from core.settings import Environment, Settings
from core.supervisor import demo_wanted
from legal_docs import figures
from legal_docs.documents.kinds import TITLES
from portal import cli, menu
from portal.applications import jobs as application_jobs
from portal.applications import views as application_views
from portal.console import legal_views as console_legal_views
from portal.console import money_views as console_money_views
from portal.console import plan_views as console_plan_views
from portal.console import views as console_views
from portal.dashboard import views as dashboard_views
from portal.dashboard.attention import Notice, standing_notices
from portal.decisions import try_it_views
from portal.decisions import views as decision_views
from portal.demo import seed_demo
from portal.documents import public_views as legal_views
from portal.documents import views as document_views
from portal.handbook import views as handbook_views
from portal.help import check_views as help_check_views
from portal.keys import jobs as key_jobs
from portal.keys import views as key_views
from portal.mailbox import views as mailbox_views
from portal.organization import jobs as organization_jobs
from portal.organization import views as organization_views
from portal.organization.forms import country_name
from portal.people import log_in_views, security_views
from portal.people import views as people_views
from portal.plan import jobs as plan_jobs
from portal.plan import payment_views
from portal.plan import views as plan_views
from portal.policies import views as policy_views
from portal.start import views as start_views
from portal.support import desk_views, inbound_views, survey_views
from portal.support import jobs as support_jobs
from portal.support import views as support_views
from portal.team import views as team_views
from portal.trail import views as trail_views
from portal.trail.words import words_for

__all__ = ["application_jobs", "init_app", "key_jobs", "organization_jobs", "plan_jobs", "support_jobs"]

_PAGES = (
    start_views,
    people_views,
    log_in_views,
    security_views,
    application_views,
    organization_views,
    team_views,
    key_views,
    policy_views,
    decision_views,
    try_it_views,
    dashboard_views,
    plan_views,
    payment_views,
    document_views,
    legal_views,
    trail_views,
    help_check_views,
    support_views,
    survey_views,
    console_views,
    console_plan_views,
    console_money_views,
    console_legal_views,
    desk_views,
    handbook_views,
)


def init_app(app: Flask, settings: Settings) -> None:
    app.register_blueprint(Blueprint("portal", __name__, template_folder="templates"))
    for pages in _PAGES:
        app.register_blueprint(pages.bp)
    app.register_blueprint(inbound_views.bp)
    if settings.environment is not Environment.PRODUCTION:
        app.register_blueprint(mailbox_views.bp)
    app.jinja_env.globals.update(
        menu=menu.of_visitor,
        figures=figures,
        document_titles=TITLES,
        country_name=country_name,
        standing_notices=_standing_notices,
        words_for=words_for,
    )
    app.context_processor(_around_pages)
    app.cli.add_command(cli.operators_commands)
    demo_wanted.connect(seed_demo)


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
