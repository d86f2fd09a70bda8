"""The page that shows a new key waits for its first check and says what comes next."""

from datetime import timedelta

from flask import Flask

from api.keys.token import KeyEnvironment
from core.clock import utc_now
from portal.customer.onboarding.first_check import FOLLOWED_FOR
from tests.cast import Caller, Member, another_key
from tests.people import Person

HTMX = {"HX-Request": "true"}


def part(who: Person, key: Member) -> str:
    answer = who.get(f"/start/first-check/{key.key_id}", headers=HTMX)
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def test_the_page_of_a_new_key_asks_until_its_first_check_is_there(app: Flask, ada: Member, owner: Person) -> None:
    shown = owner.post("/keys", name="New", environment="test", scopes="checks:write", life="").text
    key = another_key(app, ada, environment=KeyEnvironment.TEST)
    waiting = part(owner, key)

    Caller(app.test_client(), key.secret).check(metadata={"contains_personal_data": True})
    arrived = part(owner, key)

    assert 'hx-get="/start/first-check/' in shown
    assert f'hx-get="/start/first-check/{key.key_id}"' in waiting
    assert "View decision" not in waiting
    assert "The first check has arrived." in arrived
    assert "blocked</span>" in arrived
    assert "/decisions/dec_" in arrived
    assert 'Next step: <a href="/organization/details">Add your organization details</a>' in arrived
    assert "hx-get" not in arrived


def test_a_check_with_another_key_is_not_its_first(app: Flask, ada: Member, as_ada: Caller, viewer: Person) -> None:
    key = another_key(app, ada)
    as_ada.check()

    assert "has arrived" not in part(viewer, key)


def test_a_page_that_is_left_open_stops_asking(app: Flask, ada: Member, viewer: Person) -> None:
    key = another_key(app, ada, now=utc_now() - FOLLOWED_FOR - timedelta(minutes=1))

    late = part(viewer, key)

    assert "hx-get" not in late
    assert "/help/checks/key" in late


def test_a_stranger_is_told_nothing_about_a_key(ada: Member, stranger: Person) -> None:
    assert stranger.get(f"/start/first-check/{ada.key_id}").status_code == 404


def test_the_page_of_a_rotation_does_not_wait_for_a_check(ada: Member, developer: Person) -> None:
    assert "first-check" not in developer.post(f"/keys/{ada.key_id}/rotate", overlap="24").text
