"""The log as it grows, a page for each decision, and the file."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request, url_for

from api import free_text
from api.checks.distinct_values import MOST_VALUES
from api.decisions import backtest, breakdowns, export, schema
from api.decisions import search as decision_search
from api.decisions import services as decisions
from api.decisions.search import DecisionsFound
from api.keys import lookup
from api.policies import services as policies
from api.policies.compiling import compile_policy
from core.access import Audience, Pages, active_membership, actor, current_user, may, open_to
from core.accounts import Organization
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest
from core.files import leaves_with_body, streamed
from core.htmx import page_or_block, see_other, wants_block
from core.ids import parse_public_id, public_id
from core.replica import reads_replica
from core.views import ViewResponse
from portal.customer.decisions import saved_views
from portal.customer.decisions.filters import PERIODS, Chosen, chosen_from
from portal.customer.organization import services as organizations
from portal.paging import chosen_id

bp = Pages("decisions", __name__, url_prefix="/decisions")

PAGE_SIZE = 25
MOST_COUNTED = 1000
"""Beyond it nobody reads on, and counting would read the whole log."""
_SUGGESTED_FROM = timedelta(days=7)
_KEYS_SUGGESTED = 100


@bp.get("")
@open_to(Audience.VIEWER)
@reads_replica
def index() -> ViewResponse:
    """The newest come by themselves while the first page is open; those requests count nothing."""
    chosen = chosen_from(request.args, now=utc_now())
    organization = organizations.find(active_membership().organization_id)
    after = chosen_id("dec", request.args.get("cursor"))
    asked = {"subject_secret": organization.subject_secret}
    found = (
        DecisionsFound([], None)
        if chosen.fault
        else decision_search.find_page(organization.id, chosen.filter, **asked, after=after, size=PAGE_SIZE)
    )
    return page_or_block(
        "portal/customer/decisions/index.html",
        "log",
        chosen=chosen,
        decisions=found.decisions,
        key_names=_key_names(found.decisions),
        next_cursor=public_id("dec", found.next_after) if found.next_after else None,
        looked_back_to=found.looked_back_to,
        count=_count(organization, chosen, found, is_first=after is None),
        most_counted=MOST_COUNTED,
        is_first=after is None,
        periods=PERIODS,
        **_saved_views(chosen),
        free_text={} if wants_block() else free_text.reported_today(organization.id, now=utc_now()),
        most_values=MOST_VALUES,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if chosen.fault else HTTPStatus.OK,
    )


@bp.get("/values")
@open_to(Audience.VIEWER)
@reads_replica
def values() -> ViewResponse:
    """What filters can be set to: values that occurred lately."""
    now = utc_now()
    found = breakdowns.values_in(active_membership().organization_id, since=now - _SUGGESTED_FROM, to=now)
    return render_template(
        "portal/customer/decisions/_values.html",
        values=found,
        keys=lookup.list_page(active_membership().organization_id, environment=None, after=None, size=_KEYS_SUGGESTED),
    )


@bp.get("/search")
@open_to(Audience.VIEWER)
@reads_replica
def search() -> ViewResponse:
    """Leads to the decision with an id, or to the decisions of a request; else says so at the field."""
    wanted = request.args.get("q", "").strip()
    if parse_public_id("dec", wanted) and decisions.find_or_none(active_membership().organization_id, wanted):
        return see_other(f"/decisions/{wanted}")
    found = decisions.find_by_request(active_membership().organization_id, wanted) if wanted.startswith("req_") else []
    if len(found) == 1:
        return see_other(f"/decisions/{public_id('dec', found[0].id)}")
    if found and wants_block():
        return see_other(url_for("decisions.search", q=wanted))
    chosen = Chosen(schema.DecisionFilter(), {})
    return page_or_block(
        "portal/customer/decisions/index.html",
        "find",
        chosen=chosen,
        decisions=found,
        key_names=_key_names(found),
        next_cursor=None,
        count=len(found),
        most_counted=MOST_COUNTED,
        is_first=False,
        periods=PERIODS,
        wanted=wanted,
        **_saved_views(chosen),
        free_text={},
        status=HTTPStatus.OK if found else HTTPStatus.NOT_FOUND,
    )


@bp.get("/export")
@open_to(Audience.VIEWER)
def download() -> ViewResponse:
    chosen = chosen_from(request.args, now=utc_now())
    if chosen.fault:
        raise InvalidRequest(chosen.fault)
    form = _format()
    organization = organizations.find(active_membership().organization_id)
    organization_id, secret = organization.id, organization.subject_secret
    if leaves_with_body():
        with transaction():
            decisions.note_export(organization_id, form, by=actor(), now=utc_now())

    return streamed(
        organization_id,
        lambda: export.lines(
            decisions.stream(organization_id, chosen.filter, subject_secret=secret), form, for_excel=True
        ),
        content_type=export.CONTENT_TYPES[form],
        file_name=f"decisions.{form}",
    )


@bp.get("/<shown_id>")
@open_to(Audience.VIEWER)
def show(shown_id: str) -> ViewResponse:
    """Every point explained; and what the policies would say now."""
    row = decisions.find(active_membership().organization_id, shown_id)
    decision = schema.view_of(row)
    then = policies.find_version(active_membership().organization_id, row.policy_version)
    version, document = policies.current(active_membership().organization_id)
    compiled = compile_policy(row.organization_id, version, document)
    return page_or_block(
        "portal/customer/decisions/show.html",
        "main",
        decision=decision,
        key=lookup.find_or_none(active_membership().organization_id, row.api_key_id),
        then=then,
        version=version,
        today=backtest.judged_again(compiled, row),
        fixes=None if decision.allowed else backtest.fixes_now(compiled, row),
        may_test=may(Audience.DEVELOPER),
    )


def _format() -> schema.ExportFormat:
    """Raises InvalidRequest."""
    wanted = request.args.get("format", schema.ExportFormat.NDJSON)
    if wanted not in set(schema.ExportFormat):
        raise InvalidRequest("Choose a format: csv or ndjson.")
    return schema.ExportFormat(wanted)


def _saved_views(chosen: Chosen) -> dict[str, Any]:
    """Above the log, where the whole page is asked for."""
    if wants_block():
        return {}
    views = saved_views.views_of(active_membership().organization_id, current_user().user_id)
    return {"views": views, "query": urlencode(chosen.kept)}


def _key_names(rows: list[Any]) -> dict[Any, str]:
    return lookup.names_of(active_membership().organization_id, {row.api_key_id for row in rows})


def _count(organization: Organization, chosen: Chosen, found: DecisionsFound, *, is_first: bool) -> int | None:
    """None for a request that comes by itself, which counts nothing."""
    if chosen.fault or "live" in request.args:
        return None
    if is_first and found.next_after is None:
        return len(found.decisions)
    secret = organization.subject_secret
    return decision_search.count_up_to(organization.id, chosen.filter, subject_secret=secret, most=MOST_COUNTED)
