"""Filters of the decision log under a name: each member's own, in one organization, so many and no more."""

import re

import pytest
from flask import Flask
from sqlalchemy import text

from core.db import acting_as_system, db, transaction
from portal.customer.decisions import saved_views
from tests.cast import Member
from tests.people import Person

FILTERS = "period=week&allowed=false"


def save(person: Person, name: str, filters: str = FILTERS) -> int:
    return int(person.post(f"/decisions/views?{filters}", name=name).status_code)


def names_shown_to(person: Person) -> list[str]:
    listed = person.get("/decisions/views").text.partition("<main")[2]
    return re.findall(r'<a href="/decisions\?[^"]*">([^<]*)</a>', listed)


def test_a_saved_view_leads_back_to_its_filters(viewer: Person) -> None:
    answer = viewer.post(f"/decisions/views?{FILTERS}", name="Blocked this week")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/decisions?{FILTERS}")
    page = viewer.get(answer.headers["Location"]).text
    chip = re.search(r'<a class="chip"\s+href="([^"]*)" aria-current="page">Blocked this week</a>', page)
    assert chip is not None
    assert chip[1].replace("&amp;", "&") == f"/decisions?{FILTERS}"


def test_a_view_belongs_to_one_member_alone(viewer: Person, owner: Person, stranger: Person) -> None:
    save(viewer, "Mine")
    path = re.search(r'action="(/decisions/views/[^"]*/delete)"', viewer.get("/decisions/views").text)
    assert path is not None

    assert [names_shown_to(one) for one in (viewer, owner, stranger)] == [["Mine"], [], []]
    assert [one.post(path[1]).status_code for one in (owner, stranger, viewer, viewer)] == [404, 404, 303, 404]
    assert names_shown_to(viewer) == []


def test_saving_twice_keeps_one_view_with_the_last_filters(viewer: Person) -> None:
    assert [save(viewer, "HR"), save(viewer, "HR", "department=hr")] == [303, 303]

    assert viewer.get("/decisions/views").text.count('href="/decisions?department=hr"') == 1
    assert names_shown_to(viewer) == ["HR"]


def test_views_are_bounded_and_the_refusal_keeps_the_name(viewer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 1)
    save(viewer, "One")

    refused = viewer.post(f"/decisions/views?{FILTERS}", name="Two")

    assert refused.status_code == 409
    assert 'value="Two"' in refused.text
    assert "Delete a view first" in refused.text
    assert save(viewer, "One", "department=hr") == 303


@pytest.mark.parametrize(
    ("filters", "name", "words"),
    [
        (FILTERS, "", "Enter a name."),
        (FILTERS, "x" * 41, "40 characters"),
        ("", "All", "Choose at least one filter"),
        ("period=century", "Odd", "Period: choose one of"),
        ("subject=patient-7", "One person", "stored as hashes"),
    ],
)
def test_what_cannot_be_saved_says_why(viewer: Person, filters: str, name: str, words: str) -> None:
    refused = viewer.post(f"/decisions/views?{filters}", name=name)

    assert refused.status_code == 422
    assert words in refused.text
    assert names_shown_to(viewer) == []


def test_views_go_with_the_membership_and_with_the_account(
    app: Flask, ada: Member, viewer: Person, owner: Person
) -> None:
    save(viewer, "Mine")
    save(owner, "Hers")

    def left() -> list[str]:
        return list(db.session.scalars(text("SELECT name FROM saved_view")))

    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("DELETE FROM membership WHERE user_id = :id"), {"id": viewer.user_id})
        after_leaving = left()
        saved_views.forget(ada.organization_id)
        assert (after_leaving, left()) == (["Hers"], [])
