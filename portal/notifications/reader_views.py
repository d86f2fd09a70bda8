"""For whoever reads the mails of a channel, with or without an account: do they want them, and no more of them.

A link that is opened changes nothing; a button does, or the reader's mail program.
"""

from flask import Blueprint, Response, render_template

from core.access import Audience, Pages, actor, open_to
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.errors import NotFound
from core.htmx import see_other
from core.throttle import per_address
from core.views import ViewResponse
from portal.notifications import channels, readers, sending
from portal.notifications.models import Channel

bp = Pages("notification_readers", __name__, url_prefix="/notifications")
one_click = Blueprint("notification_one_click", __name__, url_prefix="/notifications")


@bp.get("/confirm/<token>")
@open_to(Audience.ANYBODY)
def ask(token: str) -> ViewResponse:
    """A page with a button, so that a program that looks through mails agrees to nothing."""
    with acting_as_system():
        return _page("confirm.html", _asked(token), is_done=False)


@bp.post("/confirm/<token>")
@per_address("20 per hour")
@open_to(Audience.ANYBODY)
def agree(token: str) -> ViewResponse:
    with acting_as_system(), transaction():
        channel = _asked(token)
        channels.confirm(channel, by=actor(), now=utc_now())
        sending.begin_run(channel)
        return _page("confirm.html", channel, is_done=True)


@bp.get("/stop/<token>")
@open_to(Audience.ANYBODY)
def ask_to_stop(token: str) -> ViewResponse:
    with acting_as_system():
        return _page("stop.html", readers.find_to_stop(token), is_done=False)


@bp.post("/stop/<token>")
@per_address("60 per hour")
@open_to(Audience.ANYBODY)
def stop(token: str) -> ViewResponse:
    with acting_as_system(), transaction():
        channel = readers.find_to_stop(token)
        channels.stop(channel, by=actor(), now=utc_now())
        return _page("stop.html", channel, is_done=True)


@one_click.post("/unsubscribe/<token>")
@per_address("60 per hour")
def stop_at_once(token: str) -> Response:
    """Sent by mail programs without a page before it (RFC 8058), so it has no token but the one in its address."""
    with acting_as_system(), transaction():
        channels.stop(readers.find_to_stop(token), by=actor(), now=utc_now())
    return Response("You are unsubscribed from these notifications.\n", content_type="text/plain; charset=utf-8")


@one_click.get("/unsubscribe/<token>")
def lead_to_page(token: str) -> Response:
    """For mail programs that open the address instead of sending to it."""
    return see_other(f"/notifications/stop/{token}")


def _asked(token: str) -> Channel:
    channel = readers.find_unconfirmed(token)
    if channel is None:
        raise NotFound("This link was already used, or the channel was deleted.")
    return channel


def _page(template: str, channel: Channel, *, is_done: bool) -> str:
    who = channels.owner_name(channel)
    return render_template(f"portal/notifications/{template}", channel=channel, who=who, is_done=is_done)
