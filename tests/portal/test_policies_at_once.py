"""Publishing, reviewing and building rules by two people at once, by a double click, and with a crash in the middle."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import func, select

from api.policies import services as policies
from api.policies.models import PolicyVersion
from api.publishing.models import PolicyReview
from core import audit
from core.audit import AuditEvent
from core.db import acting_as_system, db
from core.members import Role
from tests.cast import Member, organization_with_key
from tests.people import Person, person
from tests.portal.test_policies import RULE, current, form_of
from tests.portal.test_policy_drafts import create, draft_at
from tests.portal.test_policy_reviews import review_of
from tests.portal.test_policy_tests import analyze
from tests.portal.test_team import at_once

TO_TEST, TO_LIVE = "publish-to-test", "publish"


class Scene(msgspec.Struct, frozen=True):
    app: Flask
    home: Member
    people: tuple[Person, ...]
    draft: str
    """Its address; it was analyzed."""

    def at_once(self, path: str, *fields: dict[str, Any]) -> list[int]:
        """What each of the people gets who press at the same moment."""
        acts = [
            lambda who=who, given=given: who.post(path, **given).status_code
            for who, given in zip(self.people, fields, strict=False)
        ]
        return sorted(at_once(*acts), key=str)  # type: ignore[arg-type]

    def count(self, model: Any, *where: Any) -> int:
        with self.app.app_context(), acting_as_system():
            of_home = model.organization_id == self.home.organization_id
            return int(db.session.scalar(select(func.count()).select_from(model).where(of_home, *where)) or 0)

    def audited(self, action: str) -> int:
        return self.count(AuditEvent, AuditEvent.action == action)


@pytest.fixture
def scene(live_app: Flask) -> Scene:
    home = organization_with_key(live_app)
    people = tuple(person(live_app, name, home.organization_id, Role.DEVELOPER) for name in ("Ann", "Bob", "Eve"))
    author = person(live_app, "Zoe", home.organization_id, Role.OWNER)
    draft = create(author)
    author.post(f"{draft}/settings", **form_of(live_app, home, version="1", max_risk_score="60"))
    analyze(live_app, home, draft)
    for one in people:
        one.browser.token()
    return Scene(live_app, home, people, draft)


def test_two_who_publish_at_once_make_one_version(scene: Scene) -> None:
    pressed = scene.at_once(f"{scene.draft}/{TO_LIVE}", {"version": "2"}, {"version": "2"}, {"version": "2"})

    assert pressed == [303, 409, 409]
    assert current(scene.app, scene.home)[0] == 2
    assert (scene.count(PolicyVersion), scene.audited("policy.published")) == (2, 1)


def test_two_who_publish_to_test_keys_at_once_make_one_version(scene: Scene) -> None:
    assert scene.at_once(f"{scene.draft}/{TO_TEST}", {"version": "2"}, {"version": "2"}) == [303, 303]

    assert (scene.count(PolicyVersion), scene.audited("policy.published_to_test")) == (2, 1)


def test_two_drafts_that_are_published_at_once_get_one_winner(scene: Scene) -> None:
    author = scene.people[0]
    other = create(author)
    author.post(f"{other}/settings", **form_of(scene.app, scene.home, version="1", max_risk_score="70"))
    first, second, _ = scene.people

    pressed = at_once(
        lambda: first.post(f"{scene.draft}/{TO_LIVE}", version="2").status_code,
        lambda: second.post(f"{other}/{TO_LIVE}", version="2").status_code,
    )

    assert sorted(pressed, key=str) == [303, 409]
    assert scene.count(PolicyVersion) == 2


def test_two_who_ask_for_a_review_at_once_make_one(scene: Scene) -> None:
    assert scene.at_once(f"{scene.draft}/review", {}, {}, {}) == [303, 409, 409]

    assert (scene.count(PolicyReview), scene.audited("policy.review_requested")) == (1, 1)


def test_of_two_who_decide_at_once_one_is_too_late(scene: Scene) -> None:
    asker, *deciders = scene.people
    asker.post(f"{scene.draft}/review")
    review = review_of(scene.app, scene.home)
    fields = [{"review": review, "decision": decision, "comment": ""} for decision in ("approved", "declined")]

    pressed = at_once(
        *(
            lambda who=who, given=given: who.post(f"{scene.draft}/review/decision", **given).status_code
            for who, given in zip(deciders, fields, strict=True)
        )
    )

    assert sorted(pressed, key=str) == [303, 409]
    assert scene.audited("policy.review_approved") + scene.audited("policy.review_declined") == 1


def test_a_rule_that_is_saved_twice_in_a_draft_is_there_once(scene: Scene) -> None:
    rule = {**RULE, "mode": "builder", "rows_all-0-fact": "department", "rows_all-0-operator": "is"}
    fields = {**rule, "rows_all-0-value": "hr", "version": "2"}

    pressed = scene.at_once(f"{scene.draft}/rules", fields, fields, fields)

    assert pressed == [303, 422, 422]
    draft = draft_at(scene.app, scene.home, scene.draft)
    assert (draft.revision, [one.code for one in draft.document.rules]) == (3, ["hr_review"])


def test_a_rule_that_is_saved_twice_in_force_is_there_once(scene: Scene) -> None:
    fields = {**RULE, "version": "1"}

    pressed = scene.at_once("/policies/rules", fields, fields)

    assert len([status for status in pressed if status == 303]) == 1
    version, document = current(scene.app, scene.home)
    assert (version, [one.code for one in document.rules]) == (2, ["hr_review"])


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (TO_LIVE, {"version": "2"}),
        (TO_TEST, {"version": "2"}),
        ("review", {}),
        ("rules", {**RULE, "version": "2"}),
        ("discard", {"version": "2"}),
    ],
)
def test_a_crash_in_the_middle_leaves_everything_as_it_was_and_it_can_be_done_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, path: str, fields: dict[str, str]
) -> None:
    who, address = scene.people[0], f"{scene.draft}/{path}"
    before = _state(scene)
    crash_in(lambda: who.post(address, **fields), monkeypatch)

    assert _state(scene) == before
    assert who.post(address, **fields).status_code == 303
    assert _state(scene) != before


def test_a_crash_while_a_review_is_decided_leaves_it_open(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asker, decider, _ = scene.people
    asker.post(f"{scene.draft}/review")
    fields = {"review": review_of(scene.app, scene.home), "decision": "approved", "comment": ""}
    crash_in(lambda: decider.post(f"{scene.draft}/review/decision", **fields), monkeypatch)

    assert scene.count(PolicyReview, PolicyReview.status == "requested") == 1
    assert decider.post(f"{scene.draft}/review/decision", **fields).status_code == 303


def crash_in(act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends where it is written on the audit log, after what is written before that and ahead of the commit."""

    def write(*_: Any, **__: Any) -> None:
        raise RuntimeError("crashed")

    with monkeypatch.context() as crashing:
        crashing.setattr(audit, "write", write)
        assert act().status_code == 500


def _state(scene: Scene) -> tuple[Any, ...]:
    draft = draft_at(scene.app, scene.home, scene.draft)
    with scene.app.app_context(), acting_as_system():
        versions = [one.version for one in policies.all_versions(scene.home.organization_id)]
    return draft, versions, scene.count(PolicyReview), scene.count(AuditEvent)
