"""Policies on their page: the effect before the change, one author each, and one click back."""

import re
from typing import Any

import pytest
from flask import Flask

from api.policies import services as policies
from api.policies.document import PolicyDocument
from api.policies.models import PolicyVersion
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.throttle import limiter
from portal.customer.policies.forms import PoliciesForm
from tests.cast import Caller, Member
from tests.people import Person

RULE = {
    "code": "hr_review",
    "message": "HR asks for a review.",
    "fix": "Ask HR.",
    "mode": "cel",
    "all": 'department == "hr"',
    "any": "",
    "none": "",
    "effect": "block",
    "points": "50",
    "on_missing": "skip",
}


def form_of(app: Flask, member: Member, **changes: Any) -> dict[str, Any]:
    """What the page's form would send, with some of it changed; None takes a field away, as an empty box does."""
    with app.test_request_context(), acting_for(member.organization_id):
        version, document = policies.current(member.organization_id)
        form = PoliciesForm.of(version, document)
        fields = {
            field.name: "y" if field.data is True else field.data for field in form if field.data not in (False, None)
        }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not None}


def current(app: Flask, member: Member) -> tuple[int, PolicyDocument]:
    with app.app_context(), acting_for(member.organization_id):
        return policies.current(member.organization_id)


def test_the_effect_is_shown_and_nothing_is_kept(app: Flask, ada: Member, as_ada: Caller, viewer: Person) -> None:
    for contains in (True, True, False):
        as_ada.check(metadata={"contains_personal_data": contains})

    answer = viewer.post("/policies/effect", **form_of(app, ada, block_personal_data=None))

    assert answer.status_code == 200
    assert "<strong>3</strong> decisions" in answer.text
    assert "<strong>2</strong> would be allowed instead" in answer.text
    assert "<strong>0</strong> would be blocked" in answer.text
    assert current(app, ada)[0] == 1


def test_the_effect_is_grouped_by_model_and_reason_with_examples(
    app: Flask, ada: Member, as_ada: Caller, viewer: Person
) -> None:
    for model, contains in (("gpt-4o", True), ("gpt-4o", True), ("claude-3", True), ("gpt-4o", False)):
        as_ada.check(model=model, metadata={"contains_personal_data": contains})

    shown = viewer.post("/policies/effect", **form_of(app, ada, block_personal_data=None)).text

    rows = [re.sub(r"<[^>]*>|\s+", " ", row).split() for row in re.findall(r"<tr>\s*<td>(.*?)</tr>", shown, re.DOTALL)]
    same = ["Personal", "data", "Allowed", "instead", "of", "blocked"]
    assert [row[:8] for row in rows[:2]] == [["gpt-4o", *same, "2"], ["claude-3", *same, "1"]]
    assert shown.count('<a href="/decisions/dec_') == 3


def test_the_effect_is_against_the_policies_in_force(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    as_ada.check(metadata={"contains_personal_data": True})
    developer.post("/policies", **form_of(app, ada, block_personal_data=None, max_risk_score="90"))

    answer = developer.post("/policies/effect", **form_of(app, ada, max_risk_score="80"))

    assert "<strong>0</strong> would be allowed instead" in answer.text  # it was blocked, but is not any more


def test_what_was_not_looked_at_is_not_kept(app: Flask, ada: Member, developer: Person) -> None:
    shown = developer.post("/policies/effect", **form_of(app, ada, max_risk_score="45")).text
    found = re.search(r'name="seen" value="(\w+)"', shown)
    assert found is not None

    other = developer.post("/policies", **form_of(app, ada, max_risk_score="90"), seen=found[1])
    assert other.status_code == 409
    assert "changed the form after the preview" in other.text
    assert current(app, ada)[0] == 1

    assert developer.post("/policies", **form_of(app, ada, max_risk_score="45"), seen=found[1]).status_code == 303
    assert current(app, ada)[1].max_risk_score == 45


def test_a_change_of_several_policies_is_one_version(app: Flask, ada: Member, developer: Person) -> None:
    fields = form_of(
        app, ada, max_risk_score="60", denied_operations="speech\nimage_generation", block_external_models="y"
    )

    assert developer.post("/policies", **fields).status_code == 303

    version, document = current(app, ada)
    assert version == 2
    assert (document.max_risk_score, document.denied_operations) == (60, ("speech", "image_generation"))
    assert document.block_external_models
    assert "Ben" in developer.get("/policies/versions").text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"max_risk_score": "0"}, "max_risk_score"),
        ({"max_risk_score": "101"}, "max_risk_score"),
        ({"max_risk_score": "6_0"}, "max_risk_score"),
        ({"max_risk_score": "1e1"}, "max_risk_score"),
        ({"max_risk_score": "１０"}, "max_risk_score"),
        ({"points_personal_data": "many"}, "points_personal_data"),
        ({"denied_operations": "No Spaces Here"}, "denied_operations"),
        ({"custom_facts": "team: colour"}, "custom_facts"),
        ({"custom_facts": "team: token\nteam: boolean"}, "custom_facts"),
        ({"custom_facts": "team: token\n team :token"}, "custom_facts"),
        ({"custom_facts": "prompt: token"}, "custom_facts"),
        ({"allowed_models": "<script>"}, "allowed_models"),
    ],
)
def test_a_value_that_does_not_fit_is_told_at_its_field(
    app: Flask, ada: Member, developer: Person, changes: dict[str, str], field: str
) -> None:
    answer = developer.post("/policies", **form_of(app, ada, **changes))

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert current(app, ada)[0] == 1


def test_two_who_change_at_once_get_one_winner(app: Flask, ada: Member, owner: Person, developer: Person) -> None:
    fields = form_of(app, ada, max_risk_score="60")
    owner.post("/policies", **fields)

    second = developer.post("/policies", **{**fields, "max_risk_score": "70"})

    assert second.status_code == 409
    assert current(app, ada)[1].max_risk_score == 60


@pytest.mark.parametrize("version", ["", "x", "-1", "99999999999999999999"])
def test_a_form_without_a_sound_version_changes_nothing(app: Flask, ada: Member, owner: Person, version: str) -> None:
    answer = owner.post("/policies", **{**form_of(app, ada, max_risk_score="60"), "version": version})

    assert answer.status_code in {409, 422}
    assert current(app, ada)[0] == 1


def test_a_rule_is_added_changed_and_removed(app: Flask, ada: Member, as_ada: Caller, developer: Person) -> None:
    assert developer.post("/policies/rules", **RULE, version="1").status_code == 303
    assert current(app, ada)[1].rules[0].code == "hr_review"

    changed = developer.post("/policies/rules/hr_review", **{**RULE, "message": "Ask first."}, version="2")
    assert changed.status_code == 303
    assert current(app, ada)[1].rules[0].message == "Ask first."
    assert "Ask first." in developer.get("/policies/rules/hr_review").text

    assert developer.post("/policies/rules/hr_review/remove").status_code == 303
    assert current(app, ada)[1].rules == ()
    assert developer.post("/policies/rules/hr_review/remove").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"all": "department.matches('x')"}, "all"),
        ({"all": ""}, None),
        ({"any": "nonsense =="}, "any"),
        ({"code": "Not A Code"}, "code"),
        ({"points": "1000"}, "points"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_at_its_field(
    app: Flask, ada: Member, developer: Person, changes: dict[str, str], field: str | None
) -> None:
    answer = developer.post("/policies/rules", **{**RULE, **changes}, version="1")

    assert answer.status_code == 422
    assert "error-summary" in answer.text
    if field:
        assert f'id="{field}-error"' in answer.text
    assert current(app, ada)[0] == 1


def test_an_old_version_comes_back_with_one_click(app: Flask, ada: Member, developer: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        policies.change(ada.organization_id, "max_risk_score", 60, by=SYSTEM, now=utc_now())

    assert developer.post("/policies/versions/1/restore").status_code == 303

    version, document = current(app, ada)
    assert (version, document.max_risk_score) == (3, 50)
    assert developer.get("/policies/versions").text.count("Same content as version 1") == 1
    assert developer.post("/policies/versions/99/restore").status_code == 404


def test_previews_are_limited_for_each_person(
    app: Flask, ada: Member, developer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", True)
    fields = form_of(app, ada, max_risk_score="0")

    statuses = [developer.post("/policies/effect", **fields).status_code for _ in range(31)]

    assert (statuses[29], statuses[30]) == (422, 429)


def test_a_stored_rule_that_cannot_work_is_named_where_another_change_is_refused(
    app: Flask, ada: Member, developer: Person
) -> None:
    broken = {"code": "broken", "when": {"all": ["not a condition ("]}, "message": "m"}
    with app.app_context(), acting_as_system(), transaction():
        db.session.add(
            PolicyVersion(
                organization_id=ada.organization_id,
                version=2,
                document={"rules": [broken]},
                created_at=utc_now(),
                created_by_kind="system",
            )
        )

    of_all = developer.post("/policies", **form_of(app, ada, max_risk_score="60"))
    of_a_rule = developer.post("/policies/rules", **RULE, version="2")

    assert (of_all.status_code, of_a_rule.status_code) == (422, 422)
    assert "Rule broken: The condition is not valid" in of_all.text
    assert "Rule broken: The condition is not valid" in of_a_rule.text
    assert 'id="all-error"' not in of_a_rule.text
    assert developer.post("/policies/rules/broken/remove").status_code == 303


def test_points_of_a_switch_that_is_off_count_where_the_form_says_so(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    fields = form_of(app, ada, block_personal_data=None, count_points_when_off="y", points_personal_data="20")

    assert developer.post("/policies", **fields).status_code == 303

    answer = as_ada.check(metadata={"contains_personal_data": True}).json
    assert (answer["allowed"], answer["risk_score"]) == (True, 20)
    assert "its points still count" in developer.get("/policies").text


def test_a_rule_begins_in_shadow_and_is_enforced_once(
    app: Flask, ada: Member, as_ada: Caller, developer: Person, viewer: Person
) -> None:
    developer.post("/policies/rules", **RULE, version="1")
    as_ada.check(metadata={"department": "hr"})
    page = viewer.get("/policies").text
    assert "matched 1 of 1 decisions and would have blocked 1 that were allowed" in page
    assert "/promote" not in page

    assert viewer.post("/policies/rules/hr_review/promote", version="2").status_code == 403
    assert developer.post("/policies/rules/hr_review/promote", version="2").status_code == 303
    assert current(app, ada)[1].rules[0].state == "enforced"
    assert not as_ada.check(metadata={"department": "hr"}).json["allowed"]
    assert "Enforced a policy rule" in developer.get("/audit-trail").text


@pytest.mark.parametrize(
    ("code", "version", "status"),
    [("hr_review", "1", 409), ("hr_review", "", 409), ("nothing", "2", 404), ("hr_review", "2", 409)],
)
def test_a_promotion_that_does_not_fit_changes_nothing(
    app: Flask, ada: Member, developer: Person, code: str, version: str, status: int
) -> None:
    """The last one is of a rule that is enforced already, as after a double click."""
    developer.post(
        "/policies/rules", **RULE, state="enforced" if (code, version) == ("hr_review", "2") else "shadow", version="1"
    )

    assert developer.post(f"/policies/rules/{code}/promote", version=version).status_code == status
    assert current(app, ada)[0] == 2


@pytest.mark.parametrize("chosen", ["", "perhaps"])
def test_what_happens_without_a_fact_is_the_authors_choice(
    app: Flask, ada: Member, developer: Person, chosen: str
) -> None:
    answer = developer.post("/policies/rules", **{**RULE, "version": "1", "on_missing": chosen})

    assert answer.status_code == 422
    assert 'href="#on_missing"' in answer.text
    assert current(app, ada)[0] == 1
