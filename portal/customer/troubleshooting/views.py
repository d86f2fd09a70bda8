"""The pages of the checks. What is given to one is looked at and not kept."""

from flask import render_template, request

from api.keys import lookup
from api.keys.models import ApiKey
from api.runtime import runtime
from core.access import Audience, Pages, active_membership, open_to
from core.clock import utc_now
from core.errors import NotFound
from core.views import ViewResponse
from portal.customer.organization import services as organizations
from portal.customer.troubleshooting.checks import CHECKS, Check, Situation
from portal.paging import parse_uuid

bp = Pages("checks", __name__, url_prefix="/help/checks")

_MOST_LETTERS = 500
_KEYS_OFFERED = 200


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return render_template("portal/customer/troubleshooting/index.html", checks=CHECKS)


@bp.get("/<any(page, key, limit, blocked, log):check>")
@open_to(Audience.VIEWER)
def show(check: str) -> ViewResponse:
    return _page(check)


@bp.post("/<any(page, key, limit, blocked, log):check>")
@open_to(Audience.VIEWER, while_inactive=True)
def look(check: str) -> ViewResponse:
    """By POST, since what is pasted may hold a key and has no place in an address."""
    return _page(check)


def _page(name: str) -> ViewResponse:
    check = CHECKS[name]
    problem, found = None, []
    try:
        found = check.look(_situation(check))
    except NotFound as refusal:
        problem = refusal.detail
    page = render_template(
        "portal/customer/troubleshooting/show.html",
        name=name,
        check=check,
        found=found,
        problem=problem,
        keys=_keys() if "key" in check.asks else [],
        key_id=parse_uuid(request.form.get("key")),
        decision_id=request.form.get("decision", "")[:_MOST_LETTERS].strip(),
    )
    return page, 200 if problem is None else 422


def _situation(check: Check) -> Situation:
    given = request.form
    return Situation(
        organization=organizations.find(active_membership().organization_id),
        role=active_membership().role,
        room=runtime(),
        now=utc_now(),
        key_id=parse_uuid(given.get("key")) if "key" in check.asks else None,
        header=given.get("header", "")[:_MOST_LETTERS] if "header" in check.asks else "",
        decision_id=given.get("decision", "").strip()[:_MOST_LETTERS] if "decision" in check.asks else "",
    )


def _keys() -> list[ApiKey]:
    """The newest, to choose one from; another is found by its page."""
    organization_id = active_membership().organization_id
    return lookup.list_page(organization_id, environment=None, after=None, size=_KEYS_OFFERED)
