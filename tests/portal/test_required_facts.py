"""The page about required facts, and what callers never tell."""

import re

import pytest
from flask import Flask

from tests.cast import Caller, Member
from tests.people import Person
from tests.portal.test_policy_models import carried, current

REQUIRED = {"fact": "purpose", "if_missing": "add_risk", "points": "30", "operations": "chat, fine_tuning"}


def test_what_each_application_never_tells_is_shown(as_ada: Caller, viewer: Person) -> None:
    rule = {"code": "r", "when": {"all": ['purpose == "x*"']}, "message": "m", "on_missing": "skip"}
    as_ada.patch("/v1/policies/rules", {"value": [rule]})
    for metadata in ({"contains_personal_data": False}, {}, {"purpose": "x-1", "contains_personal_data": False}):
        as_ada.check(metadata={"application": "helpdesk", **metadata})

    page = viewer.get("/policies/required-facts").text

    assert "contains_personal_data, purpose" in page
    assert ">50%<" in page
    assert '<span class="mono">contains_personal_data</span> 67%' in page
    assert '<span class="mono">purpose</span> 33%' in page


def test_each_key_leads_to_its_page(as_ada: Caller, viewer: Person) -> None:
    as_ada.check(metadata={"application": "crm"})
    [link] = re.findall(r'href="(/keys/[^"]+)"', viewer.get("/policies/required-facts").text.partition("quality")[2])

    assert viewer.get(link).status_code == 200


def test_a_fact_nobody_sent_is_listed(as_ada: Caller, developer: Person) -> None:
    as_ada.check(metadata={"application": "helpdesk"})

    page = developer.get("/policies/required-facts").text

    assert '<a href="/policies/required-facts/new?fact=contains_personal_data">contains_personal_data</a>' in page
    assert ">0%<" in page


def test_a_fact_is_required_changed_and_released_after_its_effect_was_seen(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    as_ada.check(metadata={})

    shown = developer.post("/policies/required-facts", **REQUIRED, applications="")
    assert current(app, ada)[0] == 1
    assert developer.post("/policies/proposals", **carried(shown.text)).status_code == 303
    [one] = current(app, ada)[1].required_facts
    assert (one.fact, one.points, one.operations) == ("purpose", 30, ("chat", "fine_tuning"))

    assert "chat, fine_tuning" in developer.get("/policies/required-facts/0").text
    blocking = {**REQUIRED, "if_missing": "block", "applications": "a"}
    shown = developer.post("/policies/required-facts/0", **blocking)
    developer.post("/policies/proposals", **carried(shown.text))
    [one] = current(app, ada)[1].required_facts
    assert (one.if_missing, one.points, one.applications) == ("block", 0, ("a",))

    shown = developer.post("/policies/required-facts/0/remove")
    developer.post("/policies/proposals", **carried(shown.text))
    assert current(app, ada)[1].required_facts == ()
    assert developer.get("/policies/required-facts/0").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fact": ""}, "fact"),
        ({"fact": "no_such_fact"}, "fact"),
        ({"if_missing": ""}, "if_missing"),
        ({"points": "x"}, "points"),
        ({"operations": "two words"}, "operations"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    app: Flask, ada: Member, developer: Person, changes: dict[str, str], field: str
) -> None:
    answer = developer.post("/policies/required-facts", **{**REQUIRED, **changes})

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert current(app, ada)[0] == 1


def test_policies_warn_of_personal_data_that_nobody_has_to_declare(developer: Person) -> None:
    warning = "is treated as containing no personal data"
    before = developer.get("/policies").text
    required = {"fact": "contains_personal_data", "if_missing": "block", "points": "0"}
    shown = developer.post("/policies/required-facts", **required, operations="", applications="")
    developer.post("/policies/proposals", **carried(shown.text))

    assert warning in before
    assert warning not in developer.get("/policies").text
