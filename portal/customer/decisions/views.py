"""The log as it grows, a page for each decision, and the file."""

import re
from typing import Any

from flask import request

from api import free_text
from api.checks.distinct_values import MOST_VALUES
from api.decisions import backtest, export, schema
from api.decisions import services as decisions
from api.keys import lookup
from api.policies import services as policies
from api.policies.evaluator import compile_policy, evaluate
from core.access import Audience, Pages, active_membership, actor, open_to
from core.clock import utc_now
from core.db import transaction
from core.errors import InvalidRequest, NotFound
from core.files import leaves_with_body, streamed
from core.forms import in_plain_words
from core.htmx import page_or_block, see_other, wants_block
from core.ids import parse_public_id, public_id
from core.typed_text import struct_of
from core.views import ViewResponse
from portal.customer.organization import services as organizations
from portal.paging import chosen_id

bp = Pages("decisions", __name__, url_prefix="/decisions")

PAGE_SIZE = 25
_LABELS = {
    "from": "From",
    "to": "To",
    "key": "Key ID",
    "allowed": "Outcome",
    "environment": "Environment",
    "model": "Model",
}
_FILTERS = ("model", "operation", "allowed", "reason", "key", "environment", "subject", "from", "to")
_DATE_FIELD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII)


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    """The newest come by themselves while the first page is open."""
    chosen, fault = _chosen()
    organization = organizations.find(active_membership().organization_id)
    after = chosen_id("dec", request.args.get("cursor"))
    found = (
        []
        if fault
        else decisions.list_page(
            organization.id, chosen, subject_secret=organization.subject_secret, after=after, size=PAGE_SIZE + 1
        )
    )
    page = found[:PAGE_SIZE]
    kept = {name: request.args[name] for name in _FILTERS if request.args.get(name)}
    return page_or_block(
        "portal/customer/decisions/index.html",
        "log",
        status=422 if fault else 200,
        decisions=page,
        key_names=_key_names(page),
        next_cursor=public_id("dec", page[-1].id) if len(found) > PAGE_SIZE else None,
        is_first=after is None,
        kept=kept,
        fault=fault,
        free_text={} if wants_block() else free_text.told_today(organization.id, now=utc_now()),
        most_values=MOST_VALUES,
    )


@bp.get("/search")
@open_to(Audience.VIEWER)
def search() -> ViewResponse:
    """Leads to the decision with an id, or to the decisions of a request."""
    wanted = request.args.get("q", "").strip()
    if parse_public_id("dec", wanted):
        return see_other(f"/decisions/{wanted}")
    found = decisions.find_by_request(active_membership().organization_id, wanted) if wanted.startswith("req_") else []
    if len(found) == 1:
        return see_other(f"/decisions/{public_id('dec', found[0].id)}")
    if found:
        return page_or_block(
            "portal/customer/decisions/index.html",
            "log",
            decisions=found,
            key_names=_key_names(found),
            next_cursor=None,
            is_first=False,
            kept={},
            fault=None,
        )
    raise NotFound(
        "No decision has this ID. Decision IDs start with dec_ and request IDs with req_; every response contains both."
    )


@bp.get("/export")
@open_to(Audience.VIEWER)
def download() -> ViewResponse:
    chosen, fault = _chosen()
    if fault:
        raise InvalidRequest(fault)
    form = _format()
    organization = organizations.find(active_membership().organization_id)
    organization_id, secret = organization.id, organization.subject_secret
    if leaves_with_body():
        with transaction():
            decisions.note_export(organization_id, form, by=actor(), now=utc_now())

    return streamed(
        organization_id,
        lambda: export.lines(decisions.stream(organization_id, chosen, subject_secret=secret), form, for_excel=True),
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
    return page_or_block(
        "portal/customer/decisions/show.html",
        "main",
        decision=decision,
        key=lookup.find(active_membership().organization_id, row.api_key_id),
        then=then,
        version=version,
        today=evaluate(compile_policy(row.organization_id, version, document), backtest.facts_of(row)),
    )


def _chosen() -> tuple[schema.DecisionFilter, str | None]:
    """The filter in the address, or why it makes no sense."""
    given = {name: request.args[name].strip() for name in _FILTERS if request.args.get(name, "").strip()}
    for name in ("from", "to"):
        if name in given:
            given[name] = _as_moment(given[name])
    try:
        return struct_of(given, schema.DecisionFilter), None
    except InvalidRequest as refused:
        fault = refused.errors[0]
        return schema.DecisionFilter(), f"{_LABELS.get(fault.path, fault.path)}: {in_plain_words(fault.detail)}"


def _as_moment(text: str) -> str:
    """What a date field sends has no zone, and seconds only if they are not 0; it is taken for UTC."""
    return f"{text}{'' if text.count(':') > 1 else ':00'}Z" if _DATE_FIELD.fullmatch(text) else text


def _format() -> schema.ExportFormat:
    """Raises InvalidRequest."""
    wanted = request.args.get("format", schema.ExportFormat.NDJSON)
    if wanted not in set(schema.ExportFormat):
        raise InvalidRequest("Choose a format: csv or ndjson.")
    return schema.ExportFormat(wanted)


def _key_names(rows: list[Any]) -> dict[Any, str]:
    return lookup.names_of(active_membership().organization_id, {row.api_key_id for row in rows})
