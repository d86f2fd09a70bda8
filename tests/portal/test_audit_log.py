"""The audit log: who did what, before and after, on the page, in the file and for operators."""

import codecs
import csv
import io
import json
from collections.abc import Iterable
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from core.audit import AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.members import User
from portal.changes import changes_of
from portal.customer.people import second_factor
from tests.cast import Member
from tests.people import Browser, Person, link_in, log_in, mails_to


def lines_of(reader: Person) -> list[dict[str, str]]:
    answer = reader.get("/audit-trail/export")
    assert answer.mimetype == "text/csv"
    assert answer.data.startswith(codecs.BOM_UTF8)
    *lines, end = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert "#complete" in end.values()
    return lines


def actions_in(lines: Iterable[dict[str, str]]) -> list[str]:
    return [line["action"] for line in lines]


def test_the_file_says_who_what_before_and_after_from_where_and_in_which_request(owner: Person, viewer: Person) -> None:
    owner.post("/organization/name", name="New Name")

    [line] = [line for line in lines_of(viewer) if line["action"] == "organization.renamed"]
    assert line["actor"] == "Ada"
    assert (line["before"], line["after"]) == ('{"name":"Ada-And-Co"}', '{"name":"New Name"}')
    assert line["address"] == "127.0.0.1"
    assert line["request_id"].startswith("req_")
    assert line["occurred_at"].endswith(("Z", "+00:00"))


def test_coming_and_going_are_on_it_with_the_way_in(owner: Person, viewer: Person, nobody: Browser) -> None:
    log_in(nobody, owner.email)
    nobody.post("/log-out")
    nobody.post("/forgotten-password", email=owner.email)

    lines = lines_of(viewer)
    assert actions_in(lines)[-4:-1] == ["member.signed_in", "member.signed_out", "member.reset_asked"]
    assert json.loads(lines[-4]["after"]) == {"method": "password", "role": "owner"}


def test_a_changed_address_is_told_apart_without_being_kept(app: Flask, owner: Person, viewer: Person) -> None:
    owner.post("/account/security/address", email="new@elsewhere.example")
    link = link_in(mails_to(app, "new@elsewhere.example")[-1])
    owner.post(link)

    [line] = [line for line in lines_of(viewer) if line["action"] == "member.address_changed"]
    assert line["before"] == '{"email":"a…@people.example"}'
    assert line["after"] == '{"email":"n…@elsewhere.example"}'


def test_which_factor_was_taken_away_is_on_it_once(app: Flask, owner: Person, viewer: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        user = db.session.get_one(User, owner.user_id)
        second_factor.make_guarded(user, secret_key=app.config["SECRET_KEY"], now=utc_now())

    owner.post("/account/security/authenticator/remove")
    owner.post("/account/security/authenticator/remove")

    [line] = [line for line in lines_of(viewer) if line["action"] == "member.second_factor_removed"]
    assert line["after"] == '{"factor":"an authenticator app"}'


def test_operators_read_all_of_it_page_by_page(app: Flask, ada: Member, owner: Person, operator: Person) -> None:
    for number in range(60):
        owner.post("/organization/name", name=f"Name {number}")

    path = f"/console/organizations/{ada.organization_id}"
    assert f"{path}/audit-trail" in operator.get(path).text
    page = operator.get(f"{path}/audit-trail").text
    assert "Name 59" in page
    assert "“Name 3”" not in page
    with app.app_context(), acting_as_system():
        ids = db.session.scalars(
            select(AuditEvent.id)
            .where(AuditEvent.organization_id == ada.organization_id)
            .order_by(AuditEvent.id.desc())
        ).all()
    assert f"after={ids[49]}" in page
    rest = operator.get(f"{path}/audit-trail?after={ids[49]}").text
    assert "“Name 3”" in rest
    assert "Older" not in rest


def test_entries_say_in_sentences_what_changed(owner: Person, viewer: Person) -> None:
    owner.post("/organization/name", name="New Name")

    assert "Name: changed from “Ada-And-Co” to “New Name”." in viewer.get("/audit-trail").text


def test_an_entry_of_support_says_what_its_form_says(owner: Person, viewer: Person) -> None:
    once = str(uuid4())
    owner.post("/support", once=once, category="bug", severity="low", environment="", subject="Odd", body="Again.")

    assert "Category: “Problem”." in viewer.get("/audit-trail").text


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        ({"max_risk_score": 50}, {"max_risk_score": 70}, ["Block at score: changed from 50 to 70."]),
        (
            {"block_personal_data": True},
            {"block_personal_data": False},
            ["Block personal data: changed from on to off."],
        ),
        ({"scopes": ["a", "b"]}, {"scopes": ["b", "c"]}, ["Scopes: added “c”; removed “a”."]),
        ({"scopes": ["a", "b"]}, {"scopes": ["b", "a"]}, ["Scopes: order changed."]),
        (None, {"name": "Checkout", "limit": None}, ["Name: “Checkout”."]),
        ({"note": "old"}, {"note": None}, ["Note: “old” removed."]),
        ({"rate_limit": 1000}, {"rate_limit": 1000}, []),
        ({"is_high_risk": False}, {"is_high_risk": True}, ["High-risk system (EU AI Act): changed from no to yes."]),
        (None, {"number": 1001}, ["Number: 1001."]),
        (None, {"custom_facts": {"ticket_type": "token"}}, ["Custom facts: ticket_type (token)."]),
        (None, {"due_at": "2026-12-01T05:10:55.847796+00:00"}, ["Due at: 1 Dec 2026, 05:10 UTC."]),
        (None, {"document": "dpa", "sha256": "ab"}, ["Document: “Data Processing Agreement”.", "SHA-256: “ab”."]),
        (None, {"starts_on": "2027-01-11"}, ["Starts on: 11 Jan 2027."]),
        (None, {"changes": ["rules.a"]}, []),
        (None, {"part": {"is_on": True}}, ["Part: is on on."]),
        (
            {"rules": [{"code": "a", "points": 1}, {"code": "b"}]},
            {"rules": [{"code": "a", "points": 2}, {"code": "c"}]},
            ["Rules: added “c”; changed “a”; removed “b”."],
        ),
        (None, None, []),
    ],
)
def test_a_change_in_words(
    before: dict[str, object] | None, after: dict[str, object] | None, sentences: list[str]
) -> None:
    assert changes_of(before, after) == sentences


def test_the_page_and_the_file_are_narrowed_alike(owner: Person, admin: Person, viewer: Person) -> None:
    owner.post("/organization/name", name="By the owner")
    admin.post("/organization/name", name="By the admin")
    query = f"action=organization.renamed&actor={owner.user_id}&from={utc_now():%Y-%m-%d}"

    page, file = viewer.get(f"/audit-trail?{query}").text, viewer.get(f"/audit-trail/export?{query}").text

    assert "to “By the owner”" in page
    assert "to “By the admin”" not in page
    assert "By the owner" in file
    assert '{"name":"By the admin"}' not in file.replace('""', '"')
    assert "No entries match" in viewer.get("/audit-trail?to=2020-01-01").text
    assert viewer.get("/audit-trail?from=yesterday").status_code == 422


def test_members_of_other_organizations_are_not_offered(owner: Person, viewer: Person, stranger: Person) -> None:
    owner.post("/organization/name", name="New Name")
    stranger.post("/organization/name", name="Strange Name")

    assert str(stranger.user_id) not in viewer.get("/audit-trail").text
    assert str(owner.user_id) in viewer.get("/audit-trail").text


def test_an_entry_names_what_it_is_about_also_where_it_holds_an_id_alone(owner: Person) -> None:
    path = str(owner.post("/policies/drafts", name="Softer", note="").headers["Location"])
    owner.post(f"{path}/discard", version="1")

    page = owner.get("/audit-trail").text

    assert "Created a policy draft: Softer" in page
    assert "Discarded a policy draft: Softer" in page
