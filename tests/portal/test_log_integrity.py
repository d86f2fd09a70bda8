"""The page about signed heads, and what can be downloaded there."""

import json

from flask import Flask
from sqlalchemy import text

from api.ledger import jobs
from api.ledger.evidence import PROGRAM
from core.db import acting_as_system, db, transaction
from tests.api.test_ledger import sign
from tests.cast import Caller, Member, exports
from tests.people import Browser, Person

PAGE = "/decisions/integrity"


def test_before_the_first_decision_the_page_says_what_to_expect(viewer: Person) -> None:
    assert "No signed head yet" in viewer.get(PAGE).text
    assert viewer.get(f"{PAGE}/head").status_code == 404


def test_the_page_shows_the_last_head_and_what_was_found(
    app: Flask, viewer: Person, stranger: Person, as_ada: Caller, ada: Member
) -> None:
    shown_id = as_ada.check().json["decision_id"]
    with app.app_context():
        sign()
    assert "The first verification is due tonight" in viewer.get(PAGE).text
    with app.app_context():
        with acting_as_system(), transaction():
            jobs.verify_one(ada.organization_id)
        assert "Intact" in viewer.get(PAGE).text
        with acting_as_system(), transaction():
            db.session.execute(text("SELECT set_config('role', 'none', true)"))
            db.session.execute(text("UPDATE decision SET risk_score = 9"))
        with acting_as_system(), transaction():
            jobs.verify_one(ada.organization_id)

    assert f"{shown_id}, head 1, position 1: The decision was changed after it was signed." in viewer.get(PAGE).text
    assert "No signed head yet" in stranger.get(PAGE).text


def test_head_evidence_and_program_are_files_of_ones_own(
    app: Flask, viewer: Person, stranger: Person, as_ada: Caller, ada: Member
) -> None:
    shown_id = as_ada.check().json["decision_id"]
    with app.app_context():
        sign()

    head = viewer.get(f"{PAGE}/head").json
    lines = [json.loads(line) for line in viewer.get(f"{PAGE}/evidence?period=all").text.splitlines()]
    theirs = stranger.get(f"{PAGE}/evidence?period=7").text

    assert lines[1] == head
    assert (lines[2]["decision_id"], lines[-1]) == (shown_id, {"complete": True, "heads": 1})
    assert shown_id not in theirs
    assert viewer.get(f"{PAGE}/verifier").data == PROGRAM.read_bytes()
    assert exports(app, ada)[0][1] == {"format": "evidence"}
    assert viewer.get(f"{PAGE}/evidence?period=8").status_code == 422


def test_anybody_may_have_the_public_keys(app: Flask, nobody: Browser, as_ada: Caller) -> None:
    as_ada.check()
    with app.app_context():
        sign()

    [key] = nobody.get("/.well-known/decision-log-keys.json").json["keys"]

    assert len(key["public_key"]) == 44
