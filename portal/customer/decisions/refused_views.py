"""Requests that were refused, counted by code and field. No decision was made on them, so the log has none of them."""

from flask import render_template, request

from api.keys.token import KeyEnvironment
from api.usage.refusals import Refusals, refusals_of
from core.access import Audience, Pages, active_membership, open_to
from core.clock import utc_now
from core.errors import all_refusals
from core.views import ViewResponse
from portal.customer.decisions.filters import PERIODS

bp = Pages("refused_requests", __name__, url_prefix="/decisions/refused")

_PERIODS = {name: PERIODS[name] for name in ("day", "week", "month")}
_USUAL = "week"


@bp.get("")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    """What the address asks for and cannot be had is left out."""
    period = request.args.get("period", _USUAL)
    period = period if period in _PERIODS else _USUAL
    wanted = request.args.get("environment")
    environment = wanted if wanted in set(KeyEnvironment) else None
    words, length = _PERIODS[period]
    found = refusals_of(active_membership().organization_id, since=utc_now() - length, environment=environment)
    return render_template(
        "portal/customer/decisions/refused.html",
        refusals=found,
        total=_total(found),
        titles={refusal.code: refusal.title for refusal in all_refusals()},
        periods=_PERIODS,
        period=period,
        period_words=words.lower(),
        environment=environment,
    )


def _total(found: list[Refusals]) -> int:
    return sum(refusal.requests for refusal in found)
