"""What is told of a change of the policies: which, and from what to what."""

from typing import Any

import pytest
from flask import Flask

from portal.notifications.diffs import MOST_SENTENCES, diff_of
from portal.notifications.events import EVENTS
from portal.notifications.payloads import lines_of
from tests.cast import Caller, Member
from tests.people import Person
from tests.portal.notify import deliveries_of, make_channel
from tests.portal.test_policies import RULE, form_of
from tests.portal.test_policy_drafts import create
from tests.portal.test_policy_tests import analyze

SCORE = "Block at score: changed from 50 to 60."


@pytest.fixture
def path(app: Flask, ada: Member, developer: Person) -> str:
    """A draft with a change and its impact."""
    address = create(developer)
    developer.post(f"{address}/settings", **form_of(app, ada, version="1", max_risk_score="60"))
    analyze(app, ada, address)
    return address


def told(app: Flask, channel: Any) -> dict[str, Any]:
    (delivery,) = deliveries_of(app, channel.channel.id)
    data: dict[str, Any] = delivery.payload["data"]
    assert lines_of(delivery.payload)[-1 - len(data["diff"]) : -1] == data["diff"]
    return data


@pytest.mark.parametrize(
    ("event", "step"),
    [
        ("policy.review_requested", "review"),
        ("policy.published", "publish"),
        ("policy.published_to_test", "publish-to-test"),
    ],
)
def test_steps_of_a_draft_say_what_it_changes(
    app: Flask, ada: Member, developer: Person, path: str, event: str, step: str
) -> None:
    channel = make_channel(app, ada.organization_id, event)

    assert developer.post(f"{path}/{step}", version="2").status_code == 303

    data = told(app, channel)
    assert (data["name"], data["diff"]) == ("Softer", [SCORE])


def test_a_change_a_promotion_and_a_restored_version_say_what_they_change(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    channel = make_channel(app, ada.organization_id, "policy.changed", "policy.rule_promoted", "policy.restored")
    as_ada.patch("/v1/policies/max_risk_score", {"value": 60})
    developer.post("/policies/rules", **{**RULE, "state": "shadow"}, version="2")
    developer.post("/policies/rules/hr_review/promote", version="3")
    developer.post("/policies/versions/1/restore")

    payloads = [delivery.payload for delivery in deliveries_of(app, channel.channel.id)]
    assert sorted((one["type"], one["data"]["diff"]) for one in payloads) == [
        ("policy.changed", [SCORE]),
        ("policy.changed", ["Rules: added “hr_review”."]),
        ("policy.restored", ["Block at score: changed from 60 to 50.", "Rules: removed “hr_review”."]),
        ("policy.rule_promoted", ["Rules: changed “hr_review”."]),
    ]


def test_a_long_diff_is_cut_short_and_says_so() -> None:
    before = {f"points_{name}": 1 for name in ("personal_data", "external_model", "large_dataset")}
    models = {"allowed_models": [f"model-{number}" for number in range(500)]}

    diff = diff_of(EVENTS["policy.changed"], {**before, "allowed_models": [], "version": 3}, {**models, "version": 4})

    assert len(diff["diff"]) == 4
    assert diff["diff"][-1].endswith("…")
    assert all(len(sentence) <= 300 for sentence in diff["diff"])
    assert len(diff["diff"]) <= MOST_SENTENCES
    assert diff_of(EVENTS["policy.draft_created"], before, {}) == {}
