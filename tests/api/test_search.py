"""A search of the log finds all that fits, looks at a bounded part of it for a page, and goes on from there."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Connection, event

from api.decisions import search, services
from api.decisions.schema import DecisionFilter
from api.keys.token import KeyEnvironment
from core.clock import utc_now
from core.db import acting_as_system, acting_for, transaction
from core.ids import public_id
from tests.api.test_hourly import HOUR, count, late, replay, some, write
from tests.cast import Caller, Member

FILTERS = [
    DecisionFilter(model="gpt-4O"),
    DecisionFilter(model="none-of-that-name"),
    DecisionFilter(operation="chat", allowed=False),
    DecisionFilter(reason="contains_personal_data", environment=KeyEnvironment.TEST),
    DecisionFilter(department="sales", allowed=False),
    DecisionFilter(department="sales", model="gpt-4o"),
    DecisionFilter(application="nothing"),
    DecisionFilter(environment=KeyEnvironment.TEST, since=utc_now() - 9 * HOUR, to=utc_now() - 2.5 * HOUR),
    DecisionFilter(),
]


def pages(app: Flask, member: Member, chosen: DecisionFilter, size: int = 7) -> list[search.DecisionsFound]:
    found: list[search.DecisionsFound] = []
    after = None
    with app.app_context(), acting_for(member.organization_id):
        while len(found) < 100 and (not found or after):
            page = search.find_page(member.organization_id, chosen, subject_secret=b"", after=after, size=size)
            found.append(page)
            after = page.next_after
    return found


def plainly(app: Flask, member: Member, chosen: DecisionFilter) -> list[UUID]:
    with app.app_context(), acting_for(member.organization_id):
        rows = services.list_page(member.organization_id, chosen, subject_secret=b"", after=None, size=1_000)
        return [row.id for row in rows]


@pytest.mark.parametrize("most", [60_000, 10], ids=["in one go", "with pauses"])
@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_page_by_page_all_that_fits_is_found(
    app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch, number: int, most: int
) -> None:
    monkeypatch.setattr(search, "MOST_LOOKED_AT", most)
    monkeypatch.setattr(search, "_FIRST_GROUP", 5)
    now = utc_now()
    some(app, ada, now, hours=12)
    count(app, now - 3 * HOUR)
    replay(app, [late(ada, now - 8 * HOUR)])

    found = pages(app, ada, FILTERS[number])

    assert [row.id for page in found for row in page.decisions] == plainly(app, ada, FILTERS[number])


def test_a_search_without_a_match_reads_no_counted_hour(app: Flask, ada: Member) -> None:
    now = utc_now()
    some(app, ada, now, hours=12)
    count(app, now)
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Connection, "before_cursor_execute", note)
    try:
        (found,) = pages(app, ada, DecisionFilter(model="none-of-that-name"))
    finally:
        event.remove(Connection, "before_cursor_execute", note)

    assert found.decisions == []
    assert sum("FROM decision \n" in statement for statement in statements) == 1  # of the hour that is not counted


def test_a_search_that_found_nothing_yet_says_how_far_it_looked(
    app: Flask, ada: Member, as_ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_LOOKED_AT", 10)
    monkeypatch.setattr(search, "_FIRST_GROUP", 5)
    now = utc_now()
    some(app, ada, now, hours=12)
    with app.app_context(), acting_as_system(), transaction():
        oldest = write(ada, now - timedelta(hours=11, minutes=50), 1, model="rare", metadata='{"department": "rare"}')
        for hour in range(1, 10):
            write(ada, now - hour * HOUR, 1, model="rare")
            write(ada, now - hour * HOUR, 1, metadata='{"department": "rare"}')
    count(app, now)
    chosen = DecisionFilter(model="rare", department="rare")

    found = pages(app, ada, chosen)
    answer = as_ada.get("/v1/decisions?model=rare&department=rare").json

    assert [row.id for page in found for row in page.decisions] == [oldest]
    assert found[0].looked_back_to is not None
    assert answer["decisions"] == []
    assert answer["next_cursor"] == public_id("dec", found[0].next_after or oldest)
    with app.app_context(), acting_for(ada.organization_id):
        assert search.count_up_to(ada.organization_id, chosen, subject_secret=b"", most=100) is None
