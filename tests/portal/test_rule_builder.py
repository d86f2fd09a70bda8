"""Rules written as rows: without a script, in either form, and with nothing lost on the way."""

import re
from typing import Any

from flask import Flask

from tests.cast import Caller, Member
from tests.people import Person
from tests.portal.test_policies import RULE, current

BUILT: dict[str, Any] = {
    **{name: value for name, value in RULE.items() if name not in {"all", "any", "none"}},
    "mode": "builder",
    "version": "1",
    "rows_all-0-fact": "department",
    "rows_all-0-operator": "one_of",
    "rows_all-0-value": "hr, legal",
    "rows_all-1-fact": "",
    "rows_none-0-cel": "is_human_reviewed && !is_automated_decision",
}


def test_rows_become_conditions_and_rows_again(app: Flask, ada: Member, developer: Person) -> None:
    assert developer.post("/policies/rules", **BUILT).status_code == 303

    [rule] = current(app, ada)[1].rules
    assert rule.when.all == ('department in ["hr", "legal"]',)
    assert rule.when.none == ("is_human_reviewed && !is_automated_decision",)
    page = developer.get("/policies/rules/hr_review").text
    assert 'value="hr, legal"' in page
    assert 'value="is_human_reviewed &amp;&amp; !is_automated_decision"' in page


def test_buttons_turn_one_form_into_the_other_and_save_nothing(app: Flask, ada: Member, developer: Person) -> None:
    as_cel = developer.post("/policies/rules", **BUILT, do="cel")
    assert as_cel.status_code == 200
    assert "department in [&#34;hr&#34;, &#34;legal&#34;]</textarea>" in as_cel.text

    written = {**BUILT, "mode": "cel", "all": "dataset_record_count > 5\nsize(pii_types) > 1", "any": "", "none": ""}
    as_rows = developer.post("/policies/rules", **{**written, "do": "builder"}).text
    assert re.search(r'<option selected value="more">', as_rows)
    assert 'value="size(pii_types) &gt; 1"' in as_rows

    longer = developer.post("/policies/rules", **BUILT, do="add-any").text
    assert 'name="rows_any-0-fact"' in longer
    shorter = developer.post("/policies/rules", **BUILT, do="remove-none-0").text
    assert 'name="rows_none-0-cel"' not in shorter
    assert current(app, ada)[0] == 1


def test_a_row_offers_what_is_allowed_and_what_occurs(as_ada: Caller, developer: Person) -> None:
    as_ada.check(metadata={"department": "warehouse"})
    rows = {"rows_all-0-fact": "department", "rows_all-1-fact": "data_classification", "rows_all-2-fact": "urgent"}

    page = developer.post("/policies/rules", **{**BUILT, **rows, "do": "refresh"}).text

    assert re.search(r'<datalist id="values-department">\s*<option value="warehouse">', page)
    assert "data_classification can be public, internal, confidential, restricted." in page
    assert '<option value="more">' not in page.partition('name="rows_all-1-operator"')[2].partition("</select>")[0]


def test_a_fault_stands_at_its_row(app: Flask, ada: Member, developer: Person) -> None:
    wrong = {
        **BUILT,
        "rows_all-1-fact": "dataset_record_count",
        "rows_all-1-operator": "more",
        "rows_all-1-value": "many",
        "rows_any-0-fact": "data_classification",
        "rows_any-0-operator": "is",
        "rows_any-0-value": "secret",
    }

    typed = developer.post("/policies/rules", **wrong)
    refused = developer.post("/policies/rules", **{**wrong, "rows_all-1-value": "5"})

    assert (typed.status_code, refused.status_code) == (422, 422)
    assert "Enter a whole number" in re.findall(r'id="rows_all-1-value-error">([^<]*)', typed.text)[0]
    assert "secret" in re.findall(r'id="rows_any-0-value-error">([^<]*)', refused.text)[0]
    assert current(app, ada)[0] == 1


def test_the_builder_writes_into_a_draft_as_well(app: Flask, ada: Member, developer: Person) -> None:
    path = str(developer.post("/policies/drafts", name="Built", note="").headers["Location"])

    assert "Add condition" in developer.get(f"{path}/rules/new").text
    assert developer.post(f"{path}/rules", **BUILT).status_code == 303
    assert developer.post(f"{path}/rules/hr_review", **{**BUILT, "version": "2", "do": "cel"}).status_code == 200
    assert "hr, legal" in developer.get(f"{path}/rules/hr_review").text


def test_a_row_is_told_of_no_place_in_a_text_that_nobody_sees(app: Flask, ada: Member, developer: Person) -> None:
    """What was typed as a condition is."""
    wrong = {"rows_all-0-fact": "data_classification", "rows_all-0-operator": "is", "rows_all-0-value": "secretish"}
    as_row = developer.post("/policies/rules", **{**BUILT, **wrong})
    as_text = developer.post("/policies/rules", **{**BUILT, "rows_none-0-cel": 'data_classification == "secretish"'})

    assert (as_row.status_code, as_text.status_code) == (422, 422)
    assert ("At character" in as_row.text, "At character 24" in as_text.text) == (False, True)
    for page in (as_row.text, as_text.text):
        assert "secretish" in page


def test_a_number_that_is_not_used_need_not_be_given(app: Flask, ada: Member, developer: Person) -> None:
    without = {**BUILT, "effect": "block", "points": "", "state": "shadow", "percent": ""}
    assert developer.post("/policies/rules", **without).status_code == 303
    assert current(app, ada)[1].rules[0].state == "shadow"

    used = {**without, "version": "2", "code": "other", "effect": "add_risk", "state": "percent"}
    refused = developer.post("/policies/rules", **used)
    assert refused.status_code == 422
    assert re.findall(r'id="(points|percent)-error"', refused.text) == ["points", "percent"]
    page = developer.get("/policies/rules/new").text
    assert "(optional)" not in page.partition('for="percent"')[2].partition("</label>")[0]
