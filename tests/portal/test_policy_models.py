"""The page about models: what is in use, what is known, and changes that are shown before they hold."""

import re
from typing import Any

import pytest
from flask import Flask

from api.model_catalogue.entries import LATEST
from api.policies import services as policies
from api.policies.document import PolicyDocument
from core.db import acting_for
from tests.cast import Caller, Member
from tests.people import Person

CARRIED = {"version", "title", "changes", "back"}
PROPOSAL = {"version": "1", "title": "x", "changes": '{"max_risk_score": 60}', "back": "/policies/models"}
CATALOGUE = {"model_catalogue": LATEST.value, "on_contradiction": "block"}


def current(app: Flask, member: Member) -> tuple[int, PolicyDocument]:
    with app.app_context(), acting_for(member.organization_id):
        return policies.current(member.organization_id)


def carried(page: str) -> dict[str, str]:
    """What a proposal takes along to be published."""
    inputs = (dict(re.findall(r'(\w+)="([^"]*)"', one)) for one in re.findall(r"<input[^>]*>", page))
    found = {one["name"]: one.get("value", "") for one in inputs if one.get("name") in CARRIED}
    return {name: value.replace("&#34;", '"') for name, value in found.items()}


def test_models_in_use_are_shown_with_what_is_known_of_them(as_ada: Caller, viewer: Person) -> None:
    as_ada.check(metadata={"is_external_model": False})
    as_ada.check(model="our-model", metadata={})

    page = viewer.get("/policies/models").text

    assert "In the last 30 days, 1 of 2 checks left this out." in page
    assert "1 internal" in page
    assert "not in the catalogue" in page


def test_the_catalogue_is_switched_on_after_its_effect_was_seen(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    as_ada.check(metadata={"is_external_model": False})

    shown = developer.post("/policies/models/catalogue", **CATALOGUE)

    assert "<strong>1</strong> would be blocked instead of allowed" in shown.text
    assert current(app, ada)[0] == 1
    published = developer.post("/policies/proposals", **carried(shown.text))
    assert (published.status_code, published.headers["Location"]) == (303, "/policies/models")
    version, document = current(app, ada)
    assert (version, document.model_catalogue, document.on_contradiction) == (2, LATEST, "block")


def test_a_proposal_for_a_version_that_is_no_longer_in_force_is_shown_anew(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    shown = developer.post("/policies/models/catalogue", **CATALOGUE).text
    as_ada.patch("/v1/policies/max_risk_score", {"value": 60})

    refused = developer.post("/policies/proposals", **carried(shown))

    assert refused.status_code == 409
    assert "Someone else changed the policies" in refused.text
    assert carried(refused.text)["version"] == "2"
    assert developer.post("/policies/proposals/draft", **carried(shown)).status_code == 409
    assert current(app, ada)[0] == 2


def test_a_proposal_becomes_a_draft_and_has_to_where_a_second_person_reviews(
    app: Flask, ada: Member, developer: Person, owner: Person
) -> None:
    owner.post("/policies/publishing", needs_review="y")
    shown = developer.post("/policies/models/catalogue", **CATALOGUE).text
    assert "Publish changes" not in shown
    assert developer.post("/policies/proposals", **carried(shown)).status_code == 409

    created = developer.post("/policies/proposals/draft", **carried(shown))

    page = developer.get(created.headers["Location"]).text
    assert "<h1>Model catalogue</h1>" in page
    assert f"Model catalogue: “{LATEST}”." in page
    assert current(app, ada)[0] == 1


def test_a_model_of_ones_own_is_added_changed_and_removed(app: Flask, ada: Member, developer: Person) -> None:
    def publish(path: str, **fields: Any) -> list[tuple[str, bool | None]]:
        shown = developer.post(path, **fields)
        assert developer.post("/policies/proposals", **carried(shown.text)).status_code == 303
        return [(one.model, one.is_external) for one in current(app, ada)[1].own_models]

    own = {"provider": "", "family": "", "region": ""}
    assert publish("/policies/models/own", original="", model="own-*", is_external="no", **own) == [("own-*", False)]
    assert "Remove model" in developer.get("/policies/models/own?model=OWN-*").text
    changed = publish("/policies/models/own", original="own-*", model="own-1", is_external="", **own)
    assert changed == [("own-1", None)]
    assert publish("/policies/models/own/remove", model="own-1") == []


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        ("/policies/models/catalogue", {"model_catalogue": "1999-01", "on_contradiction": "block"}, "model_catalogue"),
        ("/policies/models/own", {"model": "", "is_external": "no"}, "model"),
        ("/policies/models/own", {"model": "two words", "is_external": "no"}, "model"),
        ("/policies/models/own", {"model": "own", "is_external": "no", "region": "no/t ok"}, "region"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    app: Flask, ada: Member, developer: Person, path: str, fields: dict[str, str], field: str
) -> None:
    answer = developer.post(path, **fields)

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert current(app, ada)[0] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"changes": "no JSON"},
        {"changes": '{"max_risk_score": 1000}'},
        {"changes": '{"no_such_policy": 1}'},
        {"back": "https://example.com/"},
        {"version": "x"},
    ],
)
def test_a_proposal_that_was_tampered_with_changes_nothing(
    app: Flask, ada: Member, developer: Person, changes: dict[str, str]
) -> None:
    proposal = {**PROPOSAL, **changes}

    assert developer.post("/policies/proposals", **proposal).status_code == 422
    assert current(app, ada)[0] == 1


def test_a_viewer_publishes_nothing(app: Flask, ada: Member, viewer: Person) -> None:
    assert viewer.post("/policies/proposals", **PROPOSAL).status_code == 403
    assert current(app, ada)[0] == 1


def test_a_decision_shows_what_was_derived(as_ada: Caller, viewer: Person) -> None:
    as_ada.patch("/v1/policies/model_catalogue", {"value": LATEST})
    decision_id = as_ada.check(metadata={"is_external_model": False}).json["decision_id"]

    page = viewer.get(f"/decisions/{decision_id}").text

    assert "Derived from the model" in page
    assert f"of model catalogue {LATEST}" in page
    assert 'class="mono">false</span> was sent' in page


def test_a_blocked_decision_shows_what_would_make_it_pass(as_ada: Caller, viewer: Person) -> None:
    as_ada.patch("/v1/policies/block_external_models", {"value": True})
    metadata = {"is_external_model": True}
    fixable = as_ada.check(metadata=metadata).json["decision_id"]
    personal = as_ada.check(metadata={**metadata, "contains_personal_data": True}).json["decision_id"]

    page, other = (viewer.get(f"/decisions/{one}").text for one in (fixable, personal))

    assert "Use a model that runs in your own systems." in page
    assert "is_external_model: false" in page
    assert "Changing only the model, region, human review or dataset size would not be enough." in other
