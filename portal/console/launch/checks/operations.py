"""Support, who is on call, the status page, the handbook."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from core.db import db
from core.formats import day, utc
from portal.console.chapters import FOLDER, NAMES
from portal.console.launch.checks.asking import ask
from portal.console.launch.verdicts import CheckContext, CheckFunction, Verdict, either, green, red
from portal.status import bucket
from portal.status.bucket import BucketTrouble
from portal.support.models import Ticket
from portal.support.replies import REPLIES
from portal.support.rota import Week, weeks
from portal.support.states import UNDER_WAY, RequestStatus

WEEKS_AHEAD = 4
RENDERED_WITHIN = timedelta(minutes=15)
STALE_AFTER = timedelta(days=7)
TEMPLATES_NEEDED = 5
_NAME_SOMEBODY = "Assign someone under Tickets, On call."


def reply_templates(_around: CheckContext) -> Verdict:
    return either(
        len(REPLIES) >= TEMPLATES_NEEDED,
        f"{len(REPLIES)} templates.",
        otherwise=f"Only {len(REPLIES)} templates.",
        to_do="Add the missing ones.",
    )


def on_call_set(around: CheckContext) -> Verdict:
    return _named(weeks(around.now, most=WEEKS_AHEAD))


def on_call_next_week(around: CheckContext) -> Verdict:
    return _named(weeks(around.now, most=2)[1:])


def _named(some: list[Week]) -> Verdict:
    nobody = [day(week.monday) for week in some if week.who is None]
    if nobody:
        return red(
            f"Nobody is assigned for the week{'' if len(nobody) == 1 else 's'} of {', '.join(nobody)}.",
            to_do=_NAME_SOMEBODY,
        )
    return green(", ".join(f"{day(week.monday)}: {week.who.name}" for week in some if week.who))


def status_page_live(around: CheckContext) -> Verdict:
    """At its public address, and as files for when the service is down."""
    file = around.settings.status_path / "index.html"
    if not file.exists():
        return red("The static copy was never rendered.", to_do="Run flask status render, and keep the worker running.")
    rendered_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    if around.now - rendered_at > RENDERED_WITHIN:
        return red(f"Last rendered on {utc(rendered_at)}.", to_do="Check that the worker is running.")
    elsewhere = _pushed(around)
    if elsewhere is not None:
        return elsewhere
    shown = _shown(around)
    return either(
        bool(shown),
        f"{around.settings.base_url}/status responds; the static copy was rendered at {rendered_at:%H:%M} UTC.",
        otherwise=f"{around.settings.base_url}/status does not respond.",
        to_do="Check the proxy and the service.",
    )


def _pushed(around: CheckContext) -> Verdict | None:
    """What is wrong with the copy on another host; None if it is there and new, or none is wanted."""
    url = around.settings.status_push_url
    if not url:
        return None
    to_do = "Check the worker's log, and the bucket and key of STATUS_PUSH_URL."
    try:
        pushed_at = bucket.pushed_at(url)
    except BucketTrouble as trouble:
        return red(str(trouble), to_do=to_do)
    if pushed_at is None or around.now - pushed_at > RENDERED_WITHIN:
        when = f"last on {utc(pushed_at)}" if pushed_at else "never"
        return red(f"The copy on another host: pushed {when}.", to_do=to_do)
    return None


def status_page_green(around: CheckContext) -> Verdict:
    """What the outside is shown now."""
    said = _shown(around).get("status", {})
    seen = f"Current status: {said.get('description', 'none')}."
    return either(
        said.get("indicator") == "none", seen, otherwise=seen, to_do="Check /status and Incidents in the console."
    )


def _shown(around: CheckContext) -> Any:
    answer = ask(f"{around.settings.base_url}/status/api.json")
    return answer.read() if answer.is_ok else {}


def handbook_present(_around: CheckContext) -> Verdict:
    missing = [name for name in NAMES if not (FOLDER / f"{name}.md").exists()]
    return either(
        not missing,
        f"{len(NAMES)} chapters in docs/operators.",
        otherwise=f"Missing: {', '.join(missing)}.",
        to_do="Restore them in docs/operators.",
    )


def no_request_late(around: CheckContext) -> Verdict:
    late = _count(Ticket.due_at < around.now)
    return either(
        not late,
        "No ticket is overdue.",
        otherwise=f"{late} tickets are overdue.",
        to_do="Open the tickets, the ones due first at the top.",
    )


def no_request_stale(around: CheckContext) -> Verdict:
    stale = _count(
        Ticket.changed_at < around.now - STALE_AFTER, Ticket.status != RequestStatus.WAITING_ON_CUSTOMER.value
    )
    return either(
        not stale,
        "No ticket is stale.",
        otherwise=f"{stale} tickets are stale.",
        to_do="Reply to them or resolve them.",
    )


def _count(*conditions: ColumnElement[bool]) -> int:
    is_under_way = Ticket.status.in_([status.value for status in UNDER_WAY])
    query = select(func.count()).select_from(Ticket).where(is_under_way, *conditions)
    return db.session.scalar(query) or 0


CHECKS: dict[str, CheckFunction] = {
    "reply_templates": reply_templates,
    "on_call_set": on_call_set,
    "on_call_next_week": on_call_next_week,
    "status_page_live": status_page_live,
    "status_page_green": status_page_green,
    "handbook_present": handbook_present,
    "no_request_late": no_request_late,
    "no_request_stale": no_request_stale,
}
