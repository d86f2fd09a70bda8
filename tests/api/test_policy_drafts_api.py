"""Policies as code: drafts over the API, published only by a key that may."""

from typing import Any

import pytest
from flask import Flask

from api.decisions.impact.analysis import Analysis
from api.decisions.impact.services import find_latest
from api.keys.scopes import Scope
from api.keys.token import KeyEnvironment
from api.policies.drafts.services import PREFIX
from api.publishing import services as publishing
from api.publishing.services import PublishingRules
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_for, transaction
from core.ids import parse_public_id
from tests.cast import Caller, Member, another_key
from tests.impact_steps import step

DRAFTS = "/v1/policy/drafts"


@pytest.fixture(autouse=True)
def keys_may_publish(app: Flask, ada: Member) -> None:
    rules = PublishingRules(needs_review=False, keys_may_publish=True)
    with app.app_context(), acting_for(ada.organization_id), transaction():
        publishing.set_rules(ada.organization_id, rules, by=SYSTEM, now=utc_now())


def created(caller: Caller, **policies: Any) -> Any:
    answer = caller.post(DRAFTS, {"name": "Softer", "policies": policies})
    assert answer.status_code == 201
    return answer.json


def caller_with(app: Flask, member: Member, *scopes: Scope, **options: Any) -> Caller:
    return Caller(app.test_client(), another_key(app, member, scopes=scopes, **options).secret)


def work_out_impact(app: Flask, member: Member, shown_id: str) -> None:
    """As the worker does."""
    with app.app_context(), acting_for(member.organization_id), transaction():
        draft_id = parse_public_id(PREFIX, shown_id)
        assert draft_id is not None
        impact = find_latest(member.organization_id, draft_id)
        assert impact is not None
        step(Analysis(member.organization_id, impact.id), now=utc_now())


def test_a_draft_goes_from_code_to_force(app: Flask, ada: Member, as_ada: Caller) -> None:
    as_ada.check(metadata={"contains_personal_data": True})
    draft = created(as_ada, block_personal_data=False)
    address = f"{DRAFTS}/{draft['id']}"
    assert (draft["policies"]["block_personal_data"], draft["base_version"]) == (False, 1)

    change = {"expected_revision": draft["revision"], "policies": {"max_risk_score": 60}}
    changed = as_ada.send("PUT", address, change).json
    assert changed["policies"] == {**draft["policies"], "max_risk_score": 60}
    assert as_ada.get(address).json == changed
    assert as_ada.get(DRAFTS).json["drafts"] == [changed]

    asked = as_ada.post(f"{address}/impact", {"days": 1})
    assert (asked.status_code, asked.json["status"], asked.json["total"]) == (202, "queued", 1)
    work_out_impact(app, ada, draft["id"])
    impact_view = as_ada.get(f"{address}/impact").json
    assert (impact_view["status"], impact_view["newly_allowed"], impact_view["is_stale"]) == ("done", 1, False)
    assert impact_view["by"]["key"] == [
        {"value": ada.shown_key_id, "newly_blocked": 0, "newly_allowed": 1, "score_changed": 0}
    ]

    assert as_ada.post(f"{address}/publish", {"expected_revision": changed["revision"]}).json == {"version": 2}
    assert as_ada.check(metadata={"contains_personal_data": True}).json["allowed"]
    assert as_ada.get(address).json["published_version"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "scopes"),
    [
        ("POST", "", {"name": "x"}, [Scope.POLICIES_WRITE, Scope.POLICIES_PUBLISH]),
        ("PUT", "/{id}", {"expected_revision": 1, "policies": {}}, [Scope.POLICIES_READ]),
        ("POST", "/{id}/impact", {}, [Scope.POLICIES_READ]),
        ("POST", "/{id}/publish", {"expected_revision": 1}, [Scope.POLICIES_DRAFT, Scope.POLICIES_WRITE]),
    ],
)
def test_a_key_without_the_scope_is_refused(
    app: Flask, ada: Member, as_ada: Caller, method: str, path: str, body: Any, scopes: list[Scope]
) -> None:
    address = DRAFTS + path.format(id=created(as_ada, max_risk_score=60)["id"])

    assert caller_with(app, ada, *scopes).send(method, address, body).status_code == 403


def test_a_test_key_and_a_stranger_change_nothing(app: Flask, ada: Member, as_ada: Caller, as_cleo: Caller) -> None:
    draft = created(as_ada, max_risk_score=60)
    address, body = f"{DRAFTS}/{draft['id']}", {"expected_revision": draft["revision"]}
    tester = caller_with(app, ada, *Scope, environment=KeyEnvironment.TEST)

    assert tester.post(f"{address}/publish", body).status_code == 403
    assert tester.post(DRAFTS, {"name": "x"}).status_code == 403
    assert as_cleo.get(address).status_code == 404
    assert as_cleo.get(DRAFTS).json == {"drafts": []}
    assert as_cleo.send("PUT", address, {**body, "policies": {}}).status_code == 404
    assert as_cleo.post(f"{address}/publish", body).status_code == 404
    assert as_ada.get(f"{DRAFTS}/draft_nonsense").status_code == 404


@pytest.mark.parametrize(
    ("policies", "path"),
    [
        ({"max_risk": 1}, "policies.max_risk"),
        ({"max_risk_score": 0}, "policies.max_risk_score"),
        ({"rules": [{"code": "a", "when": {"all": ["x =="]}, "message": "m"}]}, "policies.rules[0].when.all[0]"),
    ],
)
def test_a_refused_draft_names_the_path(as_ada: Caller, policies: dict[str, Any], path: str) -> None:
    answer = as_ada.post(DRAFTS, {"name": "x", "policies": policies})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"] == path
    assert as_ada.get(DRAFTS).json == {"drafts": []}


def test_a_direct_change_tells_its_effect_to_a_key_that_may_read_decisions(
    app: Flask, ada: Member, as_ada: Caller
) -> None:
    as_ada.check(metadata={"contains_personal_data": True})
    writer = caller_with(app, ada, Scope.POLICIES_WRITE)

    told = as_ada.patch("/v1/policies/block_personal_data", {"value": False}).json["effect"]
    untold = writer.patch("/v1/policies/max_risk_score", {"value": 60}).json

    assert (told["version"], told["looked_at"], told["newly_allowed"], told["newly_blocked"]) == (2, 1, 1, 0)
    assert (untold["version"], untold["effect"]) == (3, None)


def test_what_was_published_since_is_told(as_ada: Caller) -> None:
    draft = created(as_ada, max_risk_score=60)
    as_ada.patch("/v1/policies/points_large_dataset", {"value": 5})
    publish = f"{DRAFTS}/{draft['id']}/publish"

    outdated = as_ada.post(publish, {"expected_revision": draft["revision"]})
    stale = as_ada.send("PUT", f"{DRAFTS}/{draft['id']}", {"expected_revision": 99, "policies": {"max_risk_score": 61}})

    assert (outdated.status_code, outdated.json["code"]) == (409, "draft_outdated")
    assert "points_large_dataset" in outdated.json["detail"]
    assert (stale.status_code, stale.json["code"]) == (409, "draft_changed")


HR: dict[str, Any] = {"code": "hr", "message": "HR asks first.", "when": {"all": ['department == "hr"']}}


def test_a_draft_has_no_rule_that_leaves_open_what_a_missing_fact_does(as_ada: Caller) -> None:
    refused = as_ada.post(
        DRAFTS, {"name": "HR", "policies": {"rules": [{**HR, "code": "first", "on_missing": "skip"}, HR]}}
    )
    assert refused.status_code == 422
    [fault] = refused.json["errors"]
    assert (fault["path"], fault["code"]) == ("policies.rules[1].on_missing", "missing")
    assert as_ada.get(DRAFTS).json["drafts"] == []

    as_before = as_ada.patch("/v1/policies/rules", {"value": [HR]}).json["policy"]["value"]
    assert as_before == [{**HR, "when": {"all": HR["when"]["all"]}, "on_missing": "block"}]
    kept = created(as_ada, rules=[HR])
    assert kept["policies"]["rules"][0]["on_missing"] == "block"


def test_the_impact_says_how_many_decisions_lack_a_fact(app: Flask, ada: Member, as_ada: Caller) -> None:
    for metadata in ({}, {}, {"department": "it"}):
        as_ada.check(metadata=metadata)
    draft = created(as_ada, rules=[{**HR, "on_missing": "skip"}])
    as_ada.post(f"{DRAFTS}/{draft['id']}/impact", {"days": 1})
    work_out_impact(app, ada, draft["id"])

    found = as_ada.get(f"{DRAFTS}/{draft['id']}/impact").json

    assert (found["looked_at"], found["newly_blocked"], found["lacking_facts"]) == (3, 0, {"hr": 2})
