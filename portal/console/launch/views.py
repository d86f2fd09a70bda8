"""The launch board, the routine checklists, and the decision."""

from datetime import datetime, timedelta

import msgspec
from flask import flash, render_template, request, url_for

from core.access import Audience, Pages, open_to, operator
from core.clock import utc_now
from core.db import transaction
from core.htmx import see_other
from core.jobs import defer
from core.views import ViewResponse
from portal.console.launch import services
from portal.console.launch.forms import ConfirmForm, DecideForm
from portal.console.launch.items import BOARDS, PERIOD_TITLES, Lead, Period, every_check
from portal.console.launch.jobs import look_again
from portal.console.launch.rows import rows_by_owner

bp = Pages("launch", __name__, url_prefix="/console/launch")

CHECKS_TAKE_AT_MOST = timedelta(minutes=5)


class Progress(msgspec.Struct, frozen=True):
    since: datetime
    done: int
    total: int
    is_late: bool


@bp.get("")
@open_to(Audience.OPERATOR)
def index() -> ViewResponse:
    return _page(DecideForm(formdata=None))


@bp.get("/progress")
@open_to(Audience.OPERATOR)
def progress() -> ViewResponse:
    """How far the checks are that somebody began; asked for until they are done, or until it takes too long."""
    return render_template("portal/console/launch/_progress.html", progress=_progress(now=utc_now()))


@bp.post("/look")
@open_to(Audience.OPERATOR)
def look() -> ViewResponse:
    """The worker looks: some checks ask other machines, and nobody should wait for them here."""
    since = utc_now()
    with transaction():
        defer(look_again)
    return see_other(url_for("launch.index", since=since.isoformat()))


@bp.post("/items/<code>")
@open_to(Audience.OPERATOR)
def confirm(code: str) -> ViewResponse:
    form = ConfirmForm()
    period = _period_of(code)
    with transaction():
        if form.validate():
            services.confirm(code, period=period, words=form.words.data, by=operator(), now=utc_now())
        else:
            flash("Enter what you saw, in a few words.")
    return see_other(_home_of(code))


@bp.post("/items/<code>/take-back")
@open_to(Audience.OPERATOR)
def take_back(code: str) -> ViewResponse:
    with transaction():
        services.take_back(code, period=_period_of(code), by=operator(), now=utc_now())
    return see_other(_home_of(code))


@bp.post("/sign/<any(engineering, operations, legal, product):lead>")
@open_to(Audience.OPERATOR, fresh=True)
def sign(lead: str) -> ViewResponse:
    with transaction():
        services.sign(Lead(lead), by=operator(), now=utc_now())
    flash("Signed.")
    return see_other("/console/launch")


@bp.post("/decide")
@open_to(Audience.OPERATOR, fresh=True)
def decide() -> ViewResponse:
    form = DecideForm()
    if not form.validate():
        return _page(form, status=422)
    is_go = form.decision.data == "go"
    with transaction():
        services.decide(is_go=is_go, reason=form.reason.data, by=operator(), now=utc_now())
    flash("GO recorded." if is_go else "NO GO recorded.")
    return see_other("/console/launch")


@bp.get("/routine")
@open_to(Audience.OPERATOR)
def routine() -> ViewResponse:
    now = utc_now()
    return render_template(
        "portal/console/launch/routine.html",
        lists={period: services.routine(period, now=now) for period in Period},
        titles=PERIOD_TITLES,
    )


def _progress(*, now: datetime) -> Progress | None:
    """Of the checks that began at the time in the address; None without one."""
    try:
        since = datetime.fromisoformat(request.args.get("since", ""))
    except ValueError:
        return None
    if since.tzinfo is None:
        return None
    done, total = services.checked_since(since), len(every_check())
    return Progress(since, done, total, is_late=done < total and now - since > CHECKS_TAKE_AT_MOST)


def _is_on_board(code: str) -> bool:
    return any(item.code == code for items in BOARDS.values() for item in items)


def _period_of(code: str) -> str:
    if _is_on_board(code):
        return services.LAUNCH
    return services.name_of(next((one for one in Period if code.startswith(one.name)), Period.DAY), utc_now())


def _home_of(code: str) -> str:
    return f"/console/launch#{code}" if _is_on_board(code) else f"/console/launch/routine#{code}"


def _page(form: DecideForm, *, status: int = 200) -> ViewResponse:
    now = utc_now()
    lines = [line for some in services.board(now=now).values() for line in some]
    page = render_template(
        "portal/console/launch/board.html",
        signed_days=services.SIGNED_FOR.days,
        rows=rows_by_owner(lines),
        progress=_progress(now=now),
        signatures=services.signatures(now=now),
        decisions=services.decisions(),
        form=form,
    )
    return page, status
