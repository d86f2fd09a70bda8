"""Before going live: what is seen ticks by itself, the rest is said by somebody and can be taken back."""

import re

from flask import Flask

from api.keys.scopes import DEFAULT_SCOPES
from tests.cast import Caller, Member, another_key
from tests.people import Person


def done(who: Person) -> int:
    found = re.search(r"(\d+) of 16 done", who.get("/checklist").text)
    assert found is not None
    return int(found[1])


def test_what_the_service_sees_ticks_by_itself(
    app: Flask, ada: Member, as_ada: Caller, viewer: Person, stranger: Person
) -> None:
    assert done(viewer) == 0

    as_ada.check(metadata={"contains_personal_data": True})
    as_ada.check()
    another_key(app, ada, scopes=DEFAULT_SCOPES)

    assert done(viewer) == 3
    assert done(stranger) == 0


def test_the_rest_is_confirmed_by_name_and_can_be_taken_back(developer: Person, viewer: Person) -> None:
    for _ in range(2):
        assert developer.post("/checklist/secret_store", done="yes").status_code == 303
    assert done(viewer) == 1
    assert "Ben" in viewer.get("/checklist").text
    assert viewer.get("/audit-trail").text.count("checklist.ticked") == 2  # in the filter and in one line

    assert developer.post("/checklist/secret_store", done="no").status_code == 303
    assert done(viewer) == 0


def test_nobody_ticks_what_is_seen_or_what_does_not_exist(developer: Person) -> None:
    assert developer.post("/checklist/allowed_seen", done="yes").status_code == 404
    assert developer.post("/checklist/nonsense", done="yes").status_code == 404
