"""The dashboard's page and its pictures, which load after it so that the page itself is quick."""

from typing import Any

from flask import render_template, request

from api.limits.window import limit_of
from billing import entitlements
from billing.plans import PLANS
from core.access import Audience, Pages, active_membership, open_to
from core.accounts import Organization, OrganizationStatus
from core.clock import utc_now
from core.errors import InvalidRequest
from core.htmx import wants_block
from core.replica import reads_replica
from core.views import ViewResponse
from portal.customer.dashboard.attention import attention_of
from portal.customer.dashboard.figures import figures_of, last_incidents
from portal.customer.dashboard.periods import PERIODS
from portal.customer.organization import services as organizations
from portal.customer.plan.usage import usage_of

bp = Pages("dashboard", __name__, url_prefix="/dashboard")


@bp.get("")
@open_to(Audience.VIEWER)
@reads_replica
def index() -> ViewResponse:
    now, organization = utc_now(), organizations.find(active_membership().organization_id)
    access = entitlements.access_for(organization.id, now=now)
    return render_template(
        "portal/customer/dashboard/index.html",
        organization=organization,
        attention=attention_of(organization, now=now),
        plan=PLANS[access.plan] if access.plan else None,
        usage=usage_of(organization, access, now=now),
        incidents=last_incidents(),
        limit=_limit_of(organization),
        **_chosen(),
    )


@bp.get("/figures")
@open_to(Audience.VIEWER)
@reads_replica
def figures() -> ViewResponse:
    """Counts, chart and reasons; htmx puts them into the page, and without scripts they are a page of their own."""
    organization, chosen = organizations.find(active_membership().organization_id), _chosen()
    found = figures_of(organization.id, chosen["period"], environment=chosen["environment"], now=utc_now())
    context = {
        **chosen,
        "figures": found,
        "busiest": [(one, _limit_of(organization, one.rate_limit)) for one in found.busiest],
    }
    name = "_figures.html" if wants_block() else "figures.html"
    return render_template(f"portal/customer/dashboard/{name}", **context)


def _limit_of(organization: Organization, own: int | None = None) -> int:
    """Requests in 60 s of a key, which may have a limit of its own."""
    return limit_of(own, organization.check_limit, is_sandbox=organization.status == OrganizationStatus.SANDBOX)


def _chosen() -> dict[str, Any]:
    """The period and the environment in the address. Raises InvalidRequest."""
    wanted = request.args.get("span", "day")
    if wanted not in PERIODS:
        raise InvalidRequest(f"Choose a period: {', '.join(PERIODS)}.")
    default = "test" if active_membership().status == OrganizationStatus.SANDBOX else "live"
    environment = request.args.get("environment", default)
    if environment not in {"live", "test"}:
        raise InvalidRequest("Choose an environment: live or test.")
    return {"periods": PERIODS, "chosen": wanted, "period": PERIODS[wanted], "environment": environment}
