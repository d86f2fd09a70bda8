"""Where the pages of channels are: for members and admins of an organization, and for operators."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from flask import request

from core.access import Audience, Pages, open_to
from core.throttle import per_account, sender
from core.views import ViewResponse
from portal.notifications import pages
from portal.notifications.pages import Place

TESTS = "6 per minute; 60 per day"
AGAIN = "30 per minute"
NEW = "30 per hour"
"""Some channels begin with a mail to somebody who did not ask for it."""


class Way(msgspec.Struct, frozen=True):
    """One address of the pages: reading is for all members, everything else for who may change channels."""

    method: str
    rule: str
    view: Callable[..., ViewResponse]
    is_reading: bool = False
    is_fresh: bool = False
    limits: str | None = None


_ONE = "/<uuid:channel_id>"
_DELIVERY = f"{_ONE}/deliveries/<uuid:delivery_id>"
WAYS = (
    Way("GET", "", pages.index, is_reading=True),
    Way("POST", "", pages.create, is_fresh=True, limits=NEW),
    Way("GET", "/new", pages.new, is_fresh=True),
    Way("GET", "/what-we-send", pages.what_we_send, is_reading=True),
    Way("GET", _ONE, pages.show, is_reading=True),
    Way("POST", f"{_ONE}/events", pages.choose_events, is_fresh=True),
    Way("POST", f"{_ONE}/pause", pages.pause, is_fresh=True),
    Way("POST", f"{_ONE}/resume", pages.resume, is_fresh=True),
    Way("POST", f"{_ONE}/roll-secret", pages.roll_secret, is_fresh=True),
    Way("POST", f"{_ONE}/delete", pages.remove, is_fresh=True),
    Way("POST", f"{_ONE}/test", pages.send_test, limits=TESTS),
    Way("GET", _DELIVERY, pages.show_delivery, is_reading=True),
    Way("POST", f"{_DELIVERY}/send-again", pages.send_again, limits=AGAIN),
)


def _pages_at(name: str, path: str, find_place: Callable[[], Place], *, readers: Audience, changers: Audience) -> Pages:
    made = Pages(name, __name__, url_prefix=path)
    for way in WAYS:
        view = open_to(readers if way.is_reading else changers, fresh=way.is_fresh)(_at(find_place, way.view))
        if way.limits is not None:
            view = per_account(way.limits, key=_channel_or_sender)(view)
        made.add_url_rule(way.rule, way.view.__name__, view, methods=[way.method])
    return made


def _at(find_place: Callable[[], Place], view: Callable[..., ViewResponse]) -> Callable[..., ViewResponse]:
    @wraps(view)
    def run(**parts: Any) -> ViewResponse:
        return view(find_place(), **parts)

    return run


def _channel_or_sender() -> str:
    """What is counted: what is sent about one channel, or else from one address."""
    channel_id = (request.view_args or {}).get("channel_id")
    return f"channel:{channel_id}" if channel_id else sender()


bp = _pages_at(
    "notifications",
    "/organization/notifications",
    pages.of_organization,
    readers=Audience.VIEWER,
    changers=Audience.ADMIN,
)
console = _pages_at(
    "console_notifications",
    "/console/notifications",
    pages.of_operators,
    readers=Audience.OPERATOR,
    changers=Audience.OPERATOR,
)
