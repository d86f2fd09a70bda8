"""The dashboard's page and its pictures, which load after it so that the page itself is quick."""

from datetime import datetime, timedelta

import msgspec
from flask import render_template, request

from api.decisions import statistics
from api.limits.window import limit_of
from billing import entitlements
from billing.plans import PLANS
from core.access import Audience, Pages, active_membership, open_to
from core.accounts import Organization, OrganizationStatus
from core.clock import utc_now
from core.errors import InvalidRequest
from core.htmx import wants_block
from core.views import ViewResponse
from portal.customer.dashboard.attention import attention_of
from portal.customer.organization import services as organizations
from portal.customer.plan.usage import usage_of

bp = Pages("dashboard", __name__, url_prefix="/dashboard")


class Span(msgspec.Struct, frozen=True):
    """A stretch of time that is looked at, in slots."""

    words: str
    length: timedelta
    step: timedelta
    style: str


SPANS = {
    "day": Span("24 hours", timedelta(hours=24), timedelta(hours=1), ""),
    "week": Span("7 days", timedelta(days=7), timedelta(hours=6), ""),
    "month": Span("30 days", timedelta(days=30), timedelta(days=1), "date"),
}


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    now, organization = utc_now(), organizations.find(active_membership().organization_id)
    access = entitlements.access_for(organization.id, now=now)
    return render_template(
        "portal/customer/dashboard/index.html",
        organization=organization,
        attention=attention_of(organization, now=now),
        plan=PLANS[access.plan] if access.plan else None,
        usage=usage_of(organization, access, now=now),
        spans=SPANS,
        chosen=_chosen_span(),
        environment=_environment(),
        limit=_limit_of(organization),
    )


@bp.get("/figures")
@open_to(Audience.VIEWER)
def figures() -> ViewResponse:
    """Counts, chart and reasons; htmx puts them into the page, and without scripts they are a page of their own."""
    name = _chosen_span()
    span, environment, now = SPANS[name], _environment(), utc_now()
    since, to = _bounds(span, now=now)
    slots = statistics.over_time(
        active_membership().organization_id, environment=environment, since=since, to=to, step=span.step
    )
    reasons = statistics.top_reasons(active_membership().organization_id, environment=environment, since=since, to=to)
    busiest = statistics.busiest_minutes(
        active_membership().organization_id, environment=environment, since=since, to=to
    )
    organization = organizations.find(active_membership().organization_id)
    context = {
        "slots": slots,
        "reasons": reasons,
        "allowed": sum(slot.allowed for slot in slots),
        "blocked": sum(slot.blocked for slot in slots),
        "busiest": [(one, _limit_of(organization, one.rate_limit)) for one in busiest],
        "span": span,
        "environment": environment,
        "chosen": name,
    }
    if wants_block():
        return render_template("portal/customer/dashboard/_figures.html", **context)
    return render_template("portal/customer/dashboard/figures.html", **context)


def _limit_of(organization: Organization, own: int | None = None) -> int:
    """Requests in 60 s of a key, which may have a limit of its own."""
    return limit_of(own, organization.check_limit, is_sandbox=organization.status == OrganizationStatus.SANDBOX)


def _bounds(span: Span, *, now: datetime) -> tuple[datetime, datetime]:
    """Whole slots, the last of which is under way."""
    step_s = span.step.total_seconds()
    ends_s = (int(now.timestamp() // step_s) + 1) * step_s
    to = datetime.fromtimestamp(ends_s, tz=now.tzinfo)
    return to - span.length, to


def _chosen_span() -> str:
    wanted = request.args.get("span", "day")
    if wanted not in SPANS:
        raise InvalidRequest(f"Choose a period: {', '.join(SPANS)}.")
    return wanted


def _environment() -> str:
    default = "test" if active_membership().status == "sandbox" else "live"
    wanted = request.args.get("environment", default)
    if wanted not in {"live", "test"}:
        raise InvalidRequest("Choose an environment: live or test.")
    return wanted
