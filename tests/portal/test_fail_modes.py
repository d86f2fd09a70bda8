"""The page about fail modes: shown to all, changed by developers after its effect was seen."""

import pytest
from flask import Flask

from core.ids import new_uuid
from tests.cast import HARMLESS, Caller, Member
from tests.people import Person
from tests.portal.test_policies import RULE
from tests.portal.test_policy_models import carried, current

DECLARED = {"mode": "block", "operations": "chat, fine_tuning"}


def test_all_fail_modes_stand_on_one_page(as_ada: Caller, viewer: Person) -> None:
    rule = {"code": "hr", "when": {"all": ["department == 'hr'"]}, "message": "m", "on_missing": "skip"}
    as_ada.patch("/v1/policies/rules", {"value": [rule, {**rule, "code": "it", "on_error": "add_risk", "points": 35}]})
    as_ada.patch("/v1/policies/required_facts", {"value": [{"fact": "purpose", "if_missing": "report"}]})
    as_ada.patch("/v1/policies/on_unreachable", {"value": [{"mode": "allow_and_report"}]})

    page = viewer.get("/policies/fail-modes").text

    assert "as for a missing fact" in page
    assert "+35 points" in page
    assert "purpose" in page
    assert "<td>All others</td>" in page
    assert "allow and report" in page


def test_a_fail_mode_is_declared_changed_and_removed_after_its_effect_was_seen(
    app: Flask, ada: Member, developer: Person
) -> None:
    shown = developer.post("/policies/fail-modes", **DECLARED)
    assert "added “block” for chat, fine_tuning" in shown.text
    assert current(app, ada)[0] == 1
    assert developer.post("/policies/proposals", **carried(shown.text)).status_code == 303
    assert developer.post("/policies/proposals", **carried(shown.text)).status_code == 409
    [one] = current(app, ada)[1].on_unreachable
    assert (one.mode, one.operations) == ("block", ("chat", "fine_tuning"))

    assert "chat, fine_tuning" in developer.get("/policies/fail-modes/0").text
    shown = developer.post("/policies/fail-modes/0", mode="allow_and_report", operations="")
    developer.post("/policies/proposals", **carried(shown.text))
    [one] = current(app, ada)[1].on_unreachable
    assert (one.mode, one.operations) == ("allow_and_report", ())

    shown = developer.post("/policies/fail-modes/0/remove")
    developer.post("/policies/proposals", **carried(shown.text))
    assert current(app, ada)[1].on_unreachable == ()
    assert developer.get("/policies/fail-modes/0").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"mode": ""}, "mode"), ({"operations": "two words"}, "operations"), ({"operations": "chat, chat"}, "operations")],
)
def test_what_does_not_fit_is_told_at_its_field(
    app: Flask, ada: Member, developer: Person, changes: dict[str, str], field: str
) -> None:
    answer = developer.post("/policies/fail-modes", **{**DECLARED, **changes})

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert current(app, ada)[0] == 1


@pytest.mark.parametrize(("chosen", "kept"), [("", None), ("skip", "skip"), (None, None)])
def test_a_rules_form_keeps_what_an_error_does(
    app: Flask, ada: Member, developer: Person, chosen: str | None, kept: str | None
) -> None:
    fields = {**RULE, "version": "1", **({} if chosen is None else {"on_error": chosen})}

    assert developer.post("/policies/rules", **fields).status_code == 303

    assert current(app, ada)[1].rules[0].on_error == kept
    page = developer.get("/policies/rules/hr_review").text
    assert f'<option selected value="{chosen or ""}">' in page


def test_a_decision_of_the_sdk_shows_what_was_declared_for_it(as_ada: Caller, viewer: Person) -> None:
    as_ada.patch("/v1/policies/on_unreachable", {"value": [{"mode": "block"}]})
    made = as_ada.post("/v1/decisions/reconcile", {"decisions": [of_the_sdk()]}).json["results"][0]

    page = viewer.get(f"/decisions/{made['decision_id']}").text

    assert "your policies block this operation" in page


def of_the_sdk() -> dict[str, object]:
    return {**HARMLESS, "id": str(new_uuid()), "allowed": True, "mode": "allow_and_report"}
