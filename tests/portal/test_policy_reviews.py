"""Review of drafts: by a second person, of exactly what was looked at; and the owner's way around it, told to all."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from api.keys.scopes import Scope
from api.policies.drafts import services as drafts
from api.publishing.models import PolicyReview
from api.publishing.states import MOVES, ReviewStatus, may_move
from core.audit import Actor, ActorKind, AuditEvent
from core.db import acting_as_system, db
from core.ids import parse_public_id
from core.members import Role
from tests.cast import Caller, Member, another_key
from tests.people import Person, mails_to, person
from tests.portal.test_policies import current, form_of
from tests.portal.test_policy_drafts import create, draft_at
from tests.portal.test_policy_tests import AS_DATA, TEST, analyze


@pytest.fixture
def reviewed(owner: Person) -> None:
    """Policies of the organization need a review."""
    assert owner.post("/policies/publishing", needs_review="y").status_code == 303


@pytest.fixture
def second(app: Flask, ada: Member) -> Person:
    return person(app, "Dora", ada.organization_id, Role.DEVELOPER)


def analyzed(app: Flask, member: Member, author: Person, **changes: str) -> str:
    """The address of a draft with a change and its impact."""
    path = create(author)
    author.post(f"{path}/settings", **form_of(app, member, version="1", **(changes or {"max_risk_score": "60"})))
    analyze(app, member, path)
    return path


def review_of(app: Flask, member: Member) -> str:
    with app.app_context(), acting_as_system():
        query = select(PolicyReview).where(PolicyReview.organization_id == member.organization_id)
        return str(db.session.scalars(query.order_by(PolicyReview.id.desc())).first().id)  # type: ignore[union-attr]


def decide(app: Flask, member: Member, who: Person, path: str, decision: str = "approved", review: str = "") -> Any:
    fields = {"review": review or review_of(app, member), "decision": decision, "comment": "Looks right."}
    return who.post(f"{path}/review/decision", **fields)


def actions(app: Flask, member: Member) -> dict[str, Any]:
    """What the audit log has of policies: the last entry of each action."""
    with app.app_context(), acting_as_system():
        query = select(AuditEvent).where(AuditEvent.organization_id == member.organization_id).order_by(AuditEvent.id)
        return {event.action: event.after for event in db.session.scalars(query) if event.action.startswith("policy.")}


def test_a_second_person_approves_before_anything_is_published(
    app: Flask, ada: Member, reviewed: None, developer: Person, second: Person
) -> None:
    path = analyzed(app, ada, developer)
    assert developer.post(f"{path}/publish", version="2").status_code == 409
    assert developer.post(f"{path}/review").status_code == 303
    assert developer.post(f"{path}/review").status_code == 409

    assert decide(app, ada, developer, path).status_code == 403
    assert "Save decision" not in developer.get(path).text
    assert "Save decision" in second.get(path).text
    assert decide(app, ada, second, path).status_code == 303
    assert decide(app, ada, second, path, "declined").status_code == 409

    assert "Looks right." in developer.get(path).text
    assert developer.post(f"{path}/publish", version="2").status_code == 303
    assert current(app, ada)[1].max_risk_score == 60
    told = actions(app, ada)
    assert told["policy.review_requested"]["changes"] == ["max_risk_score"]
    assert told["policy.review_approved"]["name"] == "Softer"
    assert told["policy.published"]["changes"] == "max_risk_score"


@pytest.mark.parametrize("edit", ["settings", "test", "impact"])
def test_any_edit_makes_an_approval_stale(
    app: Flask, ada: Member, reviewed: None, developer: Person, second: Person, edit: str
) -> None:
    path = analyzed(app, ada, developer)
    developer.post(f"{path}/review")
    decide(app, ada, second, path)

    if edit == "settings":
        developer.post(f"{path}/settings", **form_of(app, ada, max_risk_score="70", version="2"))
    elif edit == "test":
        developer.post(f"{path}/tests", **TEST, version="2")
    else:
        analyze(app, ada, path)

    revision = str(draft_at(app, ada, path).revision)
    refused = developer.post(f"{path}/publish", version=revision)
    assert (refused.status_code, current(app, ada)[0]) == (409, 1)
    assert "this review is no longer valid" in developer.get(path).text


def test_an_edit_before_the_decision_makes_it_refused_and_the_editor_an_author(
    app: Flask, ada: Member, reviewed: None, developer: Person, second: Person
) -> None:
    path = analyzed(app, ada, developer)
    developer.post(f"{path}/review")
    second.post(f"{path}/settings", **form_of(app, ada, max_risk_score="70", version="2"))

    assert decide(app, ada, second, path).status_code == 403
    third = person(app, "Eva", ada.organization_id, Role.ADMIN)
    assert decide(app, ada, third, path).status_code == 409
    analyze(app, ada, path)
    old = review_of(app, ada)
    assert developer.post(f"{path}/review").status_code == 303
    assert decide(app, ada, third, path, review=old).status_code == 404
    assert decide(app, ada, third, path, "declined").status_code == 303
    assert developer.post(f"{path}/publish", version="3").status_code == 409


def test_a_review_is_of_a_draft_whose_tests_pass_and_whose_impact_is_known(
    app: Flask, ada: Member, developer: Person
) -> None:
    path = create(developer)
    assert developer.post(f"{path}/review").status_code == 409
    developer.post(f"{path}/settings", **form_of(app, ada, block_personal_data=None, version="1"))
    unanalyzed = developer.post(f"{path}/review")
    developer.post(f"{path}/tests", **TEST, version="2")
    analyze(app, ada, path)

    failing = developer.post(f"{path}/review")

    assert (unanalyzed.status_code, failing.status_code) == (409, 409)
    assert "Personal data is blocked" in failing.text


def test_no_way_around_the_review(app: Flask, ada: Member, as_ada: Caller, reviewed: None, owner: Person) -> None:
    by_key = as_ada.patch("/v1/policies/max_risk_score", {"value": 60})
    by_form = owner.post("/policies", **form_of(app, ada, max_risk_score="60", version="1"))
    restored = owner.post("/policies/versions/1/restore")

    assert (by_key.status_code, by_key.json["code"]) == (409, "review_required")
    assert by_form.status_code == 409
    assert restored.headers["Location"].startswith("/policies/drafts/")
    assert current(app, ada)[0] == 1


def test_the_author_behind_an_api_key_is_no_second_person(
    app: Flask, ada: Member, reviewed: None, developer: Person, second: Person
) -> None:
    by_second = Actor(kind=ActorKind.MEMBER, id=second.user_id)
    pipeline = another_key(app, ada, scopes=tuple(Scope), by=by_second)
    draft = Caller(app.test_client(), pipeline.secret).post(
        "/v1/policy/drafts", {"name": "x", "policies": {"max_risk_score": 60}}
    )
    draft_id = parse_public_id(drafts.PREFIX, draft.json["id"])
    path = f"/policies/drafts/{draft_id}"
    analyze(app, ada, path)
    developer.post(f"{path}/review")

    assert decide(app, ada, second, path).status_code == 403
    third = person(app, "Eva", ada.organization_id, Role.DEVELOPER)
    assert decide(app, ada, third, path).status_code == 303


def test_keys_publish_only_where_an_owner_allows_it(
    app: Flask, ada: Member, as_ada: Caller, owner: Person, developer: Person
) -> None:
    draft = as_ada.post("/v1/policy/drafts", {"name": "x", "policies": {"tests": [AS_DATA]}}).json
    address, body = f"/v1/policy/drafts/{draft['id']}/publish", {"expected_revision": draft["revision"]}

    refused = as_ada.post(address, body)
    assert (refused.status_code, refused.json["code"]) == (403, "keys_may_not_publish")
    assert developer.post("/policies/publishing", keys_may_publish="y").status_code == 403
    owner.post("/policies/publishing", keys_may_publish="y")

    assert as_ada.post(address, body).json == {"version": 2}
    assert actions(app, ada)["policy.publishing_changed"]["keys_may_publish"] is True
    owner.post("/policies/publishing", keys_may_publish="y", needs_review="y")
    second = as_ada.post("/v1/policy/drafts", {"name": "y", "policies": {"max_risk_score": 60}}).json
    unapproved = as_ada.post(f"/v1/policy/drafts/{second['id']}/publish", {"expected_revision": second["revision"]})
    assert (unapproved.status_code, unapproved.json["code"]) == (409, "approval_missing")


def test_an_owner_publishes_in_an_emergency_and_all_owners_are_told(
    app: Flask, ada: Member, reviewed: None, owner: Person, developer: Person
) -> None:
    path = analyzed(app, ada, developer)
    other = person(app, "Otto", ada.organization_id, Role.OWNER)
    assert developer.post(f"{path}/emergency", version="2", reason="It burns.").status_code == 403
    assert owner.post(f"{path}/emergency", version="2", reason=" ").status_code == 422

    assert owner.post(f"{path}/emergency", version="2", reason="It burns.").status_code == 303
    assert owner.post(f"{path}/emergency", version="2", reason="It burns.").status_code == 409

    assert current(app, ada)[0] == 2
    told = actions(app, ada)["policy.published_in_emergency"]
    assert (told["emergency_reason"], told["changes"]) == ("It burns.", "max_risk_score")
    for one in (owner, other):
        told_by_mail = [mail for mail in mails_to(app, one.email) if "without a review" in mail.subject]
        assert len(told_by_mail) == 1
        assert "It burns." in str(told_by_mail[0].text)
        assert "- Block at score: changed from 50 to 60." in str(told_by_mail[0].text)
        assert "<li>Block at score: changed from 50 to 60.</li>" in str(told_by_mail[0].html)


def test_moves_of_a_review() -> None:
    for before in ReviewStatus:
        for after in ReviewStatus:
            assert may_move(before, after) is (after in MOVES[before])
    assert all(not MOVES[one] for one in ReviewStatus if one is not ReviewStatus.REQUESTED)


def test_a_stranger_reviews_nothing(app: Flask, ada: Member, reviewed: None, developer: Person, cleo: Member) -> None:
    path = analyzed(app, ada, developer)
    developer.post(f"{path}/review")
    stranger = person(app, "Sven", cleo.organization_id, Role.OWNER)

    assert decide(app, ada, stranger, path).status_code == 404
    assert stranger.post(f"{path}/review").status_code == 404
    assert UUID(review_of(app, ada))
