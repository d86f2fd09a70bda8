"""The truth map on its pages: of the active policies and of a draft, for whoever may see them."""

import pytest

from tests.people import Person
from tests.portal.test_policies import RULE


@pytest.fixture
def draft(developer: Person) -> str:
    """Its address; a rule that only matches where personal data is blocked anyway."""
    path = str(developer.post("/policies/drafts", name="HR", note="").headers["Location"])
    conditions = {"all": 'department == "hr"\ncontains_personal_data'}
    developer.post(f"{path}/rules", **{**RULE, **conditions, "state": "enforced", "version": "1"})
    return path


def test_the_map_of_the_active_policies_says_what_each_combination_comes_to(viewer: Person) -> None:
    page = viewer.get("/policies/truth-map")

    assert page.status_code == 200
    assert "What the active policies decide for each combination" in page.text
    assert '<td data-label="contains_personal_data">true</td>' in page.text
    assert "by default" in page.text
    assert "Every active rule decides at least one combination, and no two rules contradict each other." in page.text


def test_the_map_of_a_draft_names_the_rule_that_never_decides(viewer: Person, draft: str) -> None:
    page = viewer.get(f"{draft}/truth-map").text

    assert "What this draft decides for each combination" in page
    assert f'<a class="mono" href="{draft}/rules/hr_review">hr_review</a> never decides' in page
    assert "hr_review" not in viewer.get("/policies/truth-map").text


def test_a_fact_can_be_given_one_value_and_stays_so(viewer: Person, draft: str) -> None:
    page = viewer.get(f"{draft}/truth-map?fact.department=1&fact.contains_personal_data=all").text

    assert ">contains_personal_data</th>" in page.replace("<wbr>", "")
    assert ">department</th>" not in page
    assert '<option value="1" selected>hr</option>' in page


def test_a_rule_on_trial_has_no_effect_on_the_map_unless_that_is_chosen(developer: Person, draft: str) -> None:
    conditions = {"all": "is_external_model", "code": "external", "state": "shadow"}
    developer.post(f"{draft}/rules", **{**RULE, **conditions, "version": "2"})

    page = developer.get(f"{draft}/truth-map").text
    enforced = developer.get(f"{draft}/truth-map?trials=enforced").text

    assert "Otherwise external has no effect on this map." in page
    assert '<span class="mono small">external</span>' not in page
    assert '<span class="mono small">external</span>' in enforced


def test_nonsense_in_the_address_is_passed_over(viewer: Person) -> None:
    assert viewer.get("/policies/truth-map?fact.=x&fact.model=%F0%9F%98%80&trials=2").status_code == 200


def test_a_stranger_does_not_find_the_map_of_a_draft(stranger: Person, draft: str) -> None:
    assert stranger.get(f"{draft}/truth-map").status_code == 404
