"""A draft on test keys first: live keys keep their policies until it is promoted."""

from flask import Flask

from api.keys.token import KeyEnvironment
from api.policies.environments import on_test_keys
from core.db import acting_for
from tests.cast import Caller, Member, another_key
from tests.people import Person
from tests.portal.test_policies import current, form_of
from tests.portal.test_policy_drafts import PERSONAL, create, draft_at, publish_elsewhere
from tests.portal.test_policy_reviews import actions
from tests.portal.test_policy_tests import TEST


def on_test(app: Flask, member: Member) -> int | None:
    with app.app_context(), acting_for(member.organization_id):
        found = on_test_keys(member.organization_id)
        return found.version if found else None


def with_test_key(app: Flask, member: Member) -> Caller:
    return Caller(app.test_client(), another_key(app, member, environment=KeyEnvironment.TEST).secret)


def softer(app: Flask, member: Member, author: Person) -> str:
    """A draft that lets personal data through."""
    path = create(author)
    author.post(f"{path}/settings", **form_of(app, member, block_personal_data=None, version="1"))
    return path


def test_test_keys_get_a_draft_first_and_live_keys_when_it_is_promoted(
    app: Flask, ada: Member, as_ada: Caller, developer: Person
) -> None:
    path, as_tester = softer(app, ada, developer), with_test_key(app, ada)
    assert developer.post(f"{path}/publish-to-test", version="2").status_code == 303

    said = as_tester.check(metadata=PERSONAL).json
    assert (said["allowed"], said["policy_version"]) == (True, 2)
    assert as_ada.check(metadata=PERSONAL).json["policy_version"] == 1
    assert (current(app, ada)[0], on_test(app, ada)) == (1, 2)
    assert "Promote to live" in developer.get(path).text
    assert "active for test keys" in developer.get("/policies/versions").text
    assert actions(app, ada)["policy.published_to_test"]["name"] == "Softer"

    assert developer.post(f"{path}/publish", version="2").status_code == 303
    assert (current(app, ada)[0], on_test(app, ada), draft_at(app, ada, path).published_version) == (3, None, 3)
    assert "No changes" not in developer.get("/policies/versions").text, "it changed what live keys had"
    for caller in (as_ada, as_tester):
        assert caller.check(metadata=PERSONAL).json["policy_version"] == 3
    assert developer.post("/policies/versions/1/restore").status_code == 303
    assert not as_tester.check(metadata=PERSONAL).json["allowed"]


def test_a_double_click_is_one_version_and_a_stale_one_none(app: Flask, ada: Member, developer: Person) -> None:
    path = softer(app, ada, developer)
    for _ in range(2):
        assert developer.post(f"{path}/publish-to-test", version="2").status_code == 303
    assert on_test(app, ada) == 2

    assert developer.post(f"{path}/publish-to-test", version="1").status_code == 409
    developer.post(f"{path}/tests", **TEST, version="2")
    assert developer.post(f"{path}/publish-to-test", version="3").status_code == 409
    assert on_test(app, ada) == 2


def test_a_test_ends_by_hand_with_the_draft_or_with_the_next_version(
    app: Flask, ada: Member, developer: Person
) -> None:
    path, as_tester = softer(app, ada, developer), with_test_key(app, ada)
    developer.post(f"{path}/publish-to-test", version="2")
    other = create(developer)
    assert developer.post(f"{other}/end-test").status_code == 303
    assert on_test(app, ada) == 2
    developer.post(f"{path}/end-test")
    assert not as_tester.check(metadata=PERSONAL).json["allowed"]

    developer.post(f"{path}/publish-to-test", version="2")
    assert as_tester.check(metadata=PERSONAL).json["allowed"]
    developer.post(f"{path}/discard", version="2")
    assert not as_tester.check(metadata=PERSONAL).json["allowed"]

    third = create(developer)
    developer.post(f"{third}/settings", **form_of(app, ada, block_personal_data=None, version="1"))
    developer.post(f"{third}/publish-to-test", version="2")
    publish_elsewhere(app, ada, "max_risk_score", 60)
    assert on_test(app, ada) is None
    assert not as_tester.check(metadata=PERSONAL).json["allowed"]


def test_a_key_publishes_to_test_keys_only_where_it_may(app: Flask, ada: Member, as_ada: Caller, owner: Person) -> None:
    draft = as_ada.post("/v1/policy/drafts", {"name": "x", "policies": {"block_personal_data": False}}).json
    address = f"/v1/policy/drafts/{draft['id']}/publish"
    body = {"expected_revision": draft["revision"], "environment": "test"}
    assert as_ada.post(address, body).json["code"] == "keys_may_not_publish"
    owner.post("/policies/publishing", keys_may_publish="y")

    assert as_ada.post(address, body).json == {"version": 2}

    assert as_ada.get(f"/v1/policy/drafts/{draft['id']}").json["status"] == "open"
    assert (current(app, ada)[0], on_test(app, ada)) == (1, 2)
