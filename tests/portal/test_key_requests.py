"""How many requests each key made, where keys are shown."""

import re
from datetime import timedelta

from flask import Flask

from api.runtime import runtime
from api.usage.key_requests import COUNTED_DAYS, requests_by_key
from core.clock import utc_now
from core.db import acting_as_system
from tests.cast import Member, another_key
from tests.people import Person

DAY = timedelta(days=1)


def ask(app: Flask, who: Member, *, status: int = 200, count: int, days_ago: int = 0) -> None:
    for _ in range(count):
        runtime(app).requests.note(
            who.organization_id,
            key_id=who.key_id,
            environment="live",
            status=status,
            seconds=0.1,
            at=utc_now() - days_ago * DAY,
        )
    runtime(app).requests.flush()


def shown(page: str) -> str:
    return " ".join(page.split())


def test_a_key_s_requests_of_the_last_days_are_on_its_page_in_the_list_and_in_the_console(
    app: Flask, ada: Member, cleo: Member, viewer: Person, operator: Person
) -> None:
    ask(app, ada, count=1_200)
    ask(app, ada, status=429, count=34)
    ask(app, ada, count=2, days_ago=COUNTED_DAYS - 1)
    ask(app, ada, count=5, days_ago=COUNTED_DAYS)
    ask(app, cleo, count=7)

    page = shown(viewer.get(f"/keys/{ada.key_id}").text)
    index = shown(viewer.get("/keys").text)
    console = shown(operator.get(f"/console/organizations/{ada.organization_id}").text)

    assert "Requests in 30 days</dt> <dd> 1,236, 34 rejected by the rate limit" in page
    assert re.search(r"<td>1,236 ?<svg.*?</svg> ?<br><span class=\"quiet small\">34 rate-limited</span>", index)
    assert "1,236 requests in 30 days, 34 rejected by the rate limit" in console


def test_a_key_without_requests_says_none(app: Flask, ada: Member, viewer: Person) -> None:
    idle = another_key(app, ada)
    ask(app, ada, count=3)

    assert "Requests in 30 days</dt> <dd> 0 </dd>" in shown(viewer.get(f"/keys/{idle.key_id}").text)


def test_the_bars_of_a_key_are_its_days_the_earliest_first(app: Flask, ada: Member) -> None:
    ask(app, ada, count=3)
    ask(app, ada, count=2, days_ago=COUNTED_DAYS - 1)

    with app.app_context(), acting_as_system():
        counted = requests_by_key(ada.organization_id, [ada.key_id], now=utc_now())[ada.key_id]

    assert (counted.daily[0], counted.daily[-1], sum(counted.daily), len(counted.daily)) == (2, 3, 5, COUNTED_DAYS)
