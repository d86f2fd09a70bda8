"""PEOPLE: every page. Signing up and in, getting started, keys, policies, the log, documents, the console."""

from typing import Any

import msgspec
from flask import Blueprint, Flask, g

from core import audit
from core.access import Audience, current_user_or_none, may
from core.clock import utc_now
from core.current import settings as running_settings
from core.db import acting_for
from core.mail import has_local_mailbox
from core.rotations.services import encrypted_with_key
from core.sessions import CurrentUser
from core.settings import Settings
from legal_docs import figures
from legal_docs.documents.kinds import TITLES
from portal import cli, menu, pages, parents, work
from portal.console import found
from portal.console.launch.cli import preflight
from portal.customer import figures as guide_figures
from portal.customer.audit_log.labels import label_for
from portal.customer.dashboard.attention import account_notices
from portal.customer.decisions.labels import reason_label
from portal.customer.organization.forms import country_name
from portal.customer.people import second_factor
from portal.customer.search.services import operator_searches
from portal.notices import PageNotice
from portal.notifications import channel_secrets, deliveries, egress
from portal.public.entity import legal_entity
from portal.status import cli as status_cli
from portal.status import frame

__all__ = ["guide_figures", "init_app", "work"]


def init_app(app: Flask, settings: Settings) -> None:
    app.register_blueprint(Blueprint("portal", __name__, template_folder="templates"))
    for blueprint in (*pages.PAGES, *pages.CONSOLE, *pages.FOR_MACHINES):
        app.register_blueprint(blueprint)
    egress.init_app(app, settings)
    app.jinja_env.globals.update(
        menu=menu.of_current_user,
        menu_beneath=menu.beneath,
        menu_path=menu.current_path,
        next_page=parents.next_page,
        parent_of=parents.parent_of,
        shown_path=parents.shown_path,
        figures=figures,
        document_titles=TITLES,
        country_name=country_name,
        account_notices=_account_notices,
        status_notices=_status_notices,
        label_for=label_for,
        legal_entity=lambda: legal_entity(settings),
        site_url=lambda: settings.base_url,
        support_path=_support_path,
        reason_label=reason_label,
    )
    app.context_processor(_around_pages)
    for command in (cli.operators_commands, status_cli.status_commands, preflight):
        app.cli.add_command(command)
    audit.written.connect(deliveries.announce)
    for of_customers in (found.organizations, found.tickets):
        operator_searches.connect(of_customers)
    for reseal in (second_factor.reencrypt, channel_secrets.reencrypt):
        encrypted_with_key.connect(reseal)


def _around_pages() -> dict[str, Any]:
    around: dict[str, Any] = {"has_local_mailbox": has_local_mailbox()}
    if not g.get("has_failed") and current_user_or_none() is not None:
        around["frame"] = "portal/base.html"
    return around


def _support_path(visitor: CurrentUser | None) -> str:
    """Who has no account has no page for it, and writes."""
    email = running_settings().support_email
    return f"mailto:{email}" if visitor is None and email else "/support/new"


def _account_notices() -> list[PageNotice]:
    who = current_user_or_none()
    if who is None or who.membership is None:
        return []
    with acting_for(who.membership.organization_id):
        notices = account_notices(who.membership.organization_id, now=utc_now())
    return (
        notices
        if may(Audience.ADMIN, while_inactive=True)
        else [msgspec.structs.replace(one, path="") for one in notices]
    )


def _status_notices() -> list[PageNotice]:
    who = current_user_or_none()
    return frame.notices(who.membership.organization_id if who and who.membership else None, now=utc_now())
