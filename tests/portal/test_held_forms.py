"""A form whose sender has to prove again who they are: it changes nothing yet, and nothing of it is lost."""

import html
import re
from typing import Any

import pytest
from flask import Flask

from core.access import MOST_HELD_BYTES
from core.members import Role
from tests.cast import Member
from tests.people import PASSWORD, Person, let_proofs_lapse, mails_to, person

_HIDDEN = re.compile(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"', re.DOTALL)
INVITATION = {"email": "x@people.example", "role": "viewer"}


@pytest.fixture
def late_owner(app: Flask, owner: Person) -> Person:
    let_proofs_lapse(app)
    return owner


def hidden(page: Any) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page.text.split("<h1", 1)[1])}


def sent(someone: Person, path: str, **fields: str) -> Any:
    """As a browser does that is told to send the same once more, elsewhere."""
    answer = someone.post(path, **fields)
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith("/prove-it/held?")
    return someone.post(answer.headers["Location"], **fields)


def proven(someone: Person, page: Any, password: str = PASSWORD) -> Any:
    return someone.post("/prove-it?next=/team", password=password, held=hidden(page)["held"])


def test_what_was_entered_is_sent_after_the_proof(app: Flask, late_owner: Person) -> None:
    asked = sent(late_owner, "/team/invitations", **INVITATION)
    assert "Nothing has been changed yet. Confirm it's you, then submit what you entered." in asked.text
    ready = proven(late_owner, asked)

    assert 'action="/team/invitations"' in ready.text
    assert hidden(ready).items() >= INVITATION.items()
    assert mails_to(app, INVITATION["email"]) == []

    again = {name: value for name, value in hidden(ready).items() if name != "csrf_token"}
    assert late_owner.post("/team/invitations", **again).status_code == 303
    assert len(mails_to(app, INVITATION["email"])) == 1


def test_it_outlives_a_wrong_password(late_owner: Person) -> None:
    refused = proven(late_owner, sent(late_owner, "/team/invitations", **INVITATION), "not the password")

    assert refused.status_code == 422
    assert hidden(proven(late_owner, refused)).items() >= INVITATION.items()


def test_nobody_reads_it_before_the_proof_and_no_password_is_in_it(late_owner: Person) -> None:
    asked = sent(late_owner, "/team/invitations", **INVITATION, password="plum-harbour-violin-92", current="sesame-19")
    ready = proven(late_owner, asked)

    assert INVITATION["email"] not in asked.text
    assert not {"password", "current"} & hidden(ready).keys()
    assert "sesame-19" not in ready.text


def test_what_somebody_else_sent_is_not_taken(app: Flask, ada: Member, owner: Person) -> None:
    bob = person(app, "Bob", ada.organization_id, Role.OWNER)
    let_proofs_lapse(app)
    of_owner = hidden(sent(owner, "/team/invitations", **INVITATION))["held"]
    answer = bob.post("/prove-it?next=/team", password=PASSWORD, held=of_owner)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/team")


@pytest.mark.parametrize("held", ["", "of my own making", "gAAAAABn"])
def test_what_we_did_not_hold_is_not_taken(late_owner: Person, held: str) -> None:
    answer = late_owner.post("/prove-it?next=/team", password=PASSWORD, held=held)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/team")


def test_it_is_sent_to_no_other_site(late_owner: Person) -> None:
    asked = late_owner.post("/prove-it/held?to=https://elsewhere.example/&next=/team", **INVITATION)

    assert 'action="/"' in proven(late_owner, asked).text


def test_a_stranger_cannot_have_anything_held(app: Flask) -> None:
    answer = app.test_client().post("/prove-it/held?to=/team/invitations", headers={"Accept": "text/html"})

    assert answer.headers["Location"].startswith("/log-in")


def test_who_may_not_do_it_is_told_before_the_proof(app: Flask, ada: Member) -> None:
    vera = person(app, "Vera", ada.organization_id, Role.VIEWER)
    let_proofs_lapse(app)

    assert vera.post("/team/invitations", **INVITATION).status_code == 403


def test_what_is_too_long_is_not_held(late_owner: Person) -> None:
    answer = late_owner.post("/team/invitations", **INVITATION, note="x" * MOST_HELD_BYTES)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/prove-it?next=%2F")
