"""Rules on trial: judged and recorded, without effect or with effect for a share that stays the same."""

from random import Random
from uuid import UUID

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select

from api.decisions import trials
from api.decisions.models import Decision
from api.policies import promotion
from api.policies import services as policies
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CheckFacts, evaluate
from api.policies.rules import OnMissing, Rule, RuleEffect, RuleState, When
from api.policies.trials import ShadowFinding, is_in_share
from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.ids import parse_public_id
from tests.api import conditions
from tests.cast import Caller, Member

NOBODY = UUID(int=0)
HR = Rule(code="hr", when=When(all=('department == "hr"',)), message="Ask HR.", on_missing=OnMissing.SKIP)
FROM_HR = {"model": "gpt-4o", "operation": "chat", "metadata": {"department": "hr"}}


def in_state(rule: Rule, state: RuleState, percent: int = 10) -> Rule:
    return msgspec.structs.replace(rule, state=state, percent=percent)


def publish(app: Flask, member: Member, *rules: Rule) -> int:
    with app.app_context(), acting_as_system(), transaction():
        value = msgspec.to_builtins(rules)
        return policies.change(member.organization_id, "rules", value, by=SYSTEM, now=utc_now())


def shadow_of(app: Flask, member: Member, shown_id: str) -> object:
    with app.app_context(), acting_for(member.organization_id):
        return db.session.scalar(select(Decision.shadow).where(Decision.id == parse_public_id("dec", shown_id)))


@pytest.mark.parametrize("state", [RuleState.SHADOW, RuleState.OFF])
def test_a_rule_without_effect_never_changes_an_answer(state: RuleState) -> None:
    random, found = Random(7), 0
    for _ in range(40):
        document = conditions.policy(random, rules=8)
        dropped = {rule.code for rule in document.rules if random.random() < 0.5}
        rules = tuple(in_state(rule, state) if rule.code in dropped else rule for rule in document.rules)
        without = tuple(rule for rule in document.rules if rule.code not in dropped)
        tried = compile_policy(NOBODY, 1, msgspec.structs.replace(document, rules=rules))
        bare = compile_policy(NOBODY, 1, msgspec.structs.replace(document, rules=without))
        for _ in range(20):
            request = conditions.request(random)
            outcome = evaluate(tried, request, bucket_key="a")
            assert msgspec.structs.replace(outcome, shadow=()) == evaluate(bare, request)
            found += len(outcome.shadow)

    assert (found > 0) is (state is RuleState.SHADOW)


def test_a_rule_in_shadow_would_block_exactly_where_it_alone_would_turn_the_answer() -> None:
    random, turned = Random(8), 0
    for _ in range(40):
        document = conditions.policy(random, rules=4)
        *others, last = document.rules
        shadow = compile_policy(
            NOBODY, 1, msgspec.structs.replace(document, rules=(*others, in_state(last, RuleState.SHADOW)))
        )
        enforced = compile_policy(NOBODY, 1, document)
        for _ in range(20):
            request = conditions.request(random)
            outcome = evaluate(shadow, request)
            is_turned = outcome.allowed and not evaluate(enforced, request).allowed
            assert any(finding.would_block for finding in outcome.shadow) is is_turned
            turned += is_turned

    assert turned > 0


@pytest.mark.parametrize(("points", "would_block"), [(49, False), (50, True)])
def test_points_of_a_rule_in_shadow_would_block_from_the_threshold_on(points: int, would_block: bool) -> None:
    rule = msgspec.structs.replace(HR, effect=RuleEffect.ADD_RISK, points=points, state=RuleState.SHADOW)
    policy = compile_policy(NOBODY, 1, PolicyDocument(rules=(rule,), max_risk_score=50))
    outcome = evaluate(policy, CheckFacts("gpt-4o", "chat", {"department": "hr"}))

    assert outcome.allowed
    assert outcome.shadow == (ShadowFinding("hr", points, blocks=False, would_block=would_block),)


@pytest.mark.parametrize("percent", [1, 25, 50, 99])
def test_a_share_is_met_within_one_percent_and_grows_without_leaving_anybody(percent: int) -> None:
    keys = [f"{number:032x}" for number in range(100_000)]
    inside = {key for key in keys if is_in_share("hr", percent, key)}

    assert abs(len(inside) / 1_000 - percent) < 1
    assert all(is_in_share("hr", min(99, percent + 1), key) for key in inside)


def test_a_share_is_the_same_for_a_subject_whatever_key_asks() -> None:
    policy = compile_policy(NOBODY, 1, PolicyDocument(rules=(in_state(HR, RuleState.PERCENT, 50),)))
    request = CheckFacts("gpt-4o", "chat", {"department": "hr"})
    outcomes = {key: evaluate(policy, request, bucket_key=key) for key in ("a", "b", "c", "d", "e", "f")}

    assert outcomes == {key: evaluate(policy, request, bucket_key=key) for key in outcomes}
    assert {outcome.allowed for outcome in outcomes.values()} == {True, False}
    assert all(outcome.allowed == bool(outcome.shadow) for outcome in outcomes.values())


def test_a_policy_without_trials_has_nothing_to_judge_twice() -> None:
    assert compile_policy(NOBODY, 1, PolicyDocument(rules=(HR, in_state(HR, RuleState.OFF)))).on_trial is None


def test_the_log_keeps_what_a_shadow_rule_said_and_the_reply_only_on_request(
    app: Flask, ada: Member, as_ada: Caller
) -> None:
    publish(app, ada, in_state(HR, RuleState.SHADOW))
    finding = {"code": "hr", "points": 50, "blocks": True, "would_block": True}

    plain, asked = as_ada.post("/v1/check", FROM_HR), as_ada.post("/v1/check?include=shadow", FROM_HR)
    batch = as_ada.post("/v1/checks?include=shadow", {"checks": [FROM_HR]})
    other = as_ada.check(metadata={})

    assert plain.json["allowed"] is True
    assert "shadow" not in plain.json
    assert asked.json["shadow"] == [finding] == batch.json["results"][0]["decision"]["shadow"]
    assert shadow_of(app, ada, plain.json["decision_id"]) == [finding]
    assert shadow_of(app, ada, other.json["decision_id"]) is None
    assert as_ada.get(f"/v1/decisions/{plain.json['decision_id']}").json["shadow"] == [finding]


def test_a_retried_check_tells_of_the_rules_in_shadow_as_the_first_time(
    app: Flask, ada: Member, as_ada: Caller
) -> None:
    publish(app, ada, in_state(HR, RuleState.SHADOW))
    first, second = (
        as_ada.post("/v1/check?include=shadow", FROM_HR, headers={"Idempotency-Key": "one"}).json for _ in range(2)
    )

    assert first == second
    assert first["shadow"]


@pytest.mark.parametrize("path", ["/v1/check", "/v1/checks"])
def test_what_cannot_be_included_is_refused(as_ada: Caller, path: str) -> None:
    body = {"checks": [FROM_HR]} if path.endswith("s") else FROM_HR
    answer = as_ada.post(f"{path}?include=shade", body)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"] == "include"


@pytest.mark.parametrize("state", [{"state": "sometimes"}, {"state": "percent", "percent": 0}, {"percent": 100}])
def test_a_state_that_does_not_exist_is_refused_with_its_path(as_ada: Caller, state: dict[str, object]) -> None:
    answer = as_ada.patch("/v1/policies/rules", {"value": [{**msgspec.to_builtins(HR), **state}]})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"].startswith("value[0].")


def test_trials_are_counted_from_the_version_that_began_them(app: Flask, ada: Member, as_ada: Caller) -> None:
    started_at = utc_now()
    as_ada.post("/v1/check", FROM_HR)
    risky = msgspec.structs.replace(HR, code="risky", effect=RuleEffect.ADD_RISK, points=5)
    publish(app, ada, in_state(HR, RuleState.SHADOW))
    as_ada.post("/v1/check", FROM_HR)
    publish(app, ada, in_state(HR, RuleState.SHADOW), in_state(risky, RuleState.SHADOW))
    as_ada.post("/v1/check", FROM_HR)
    as_ada.check(metadata={})

    with app.app_context(), acting_for(ada.organization_id):
        counts = trials.counts_of(ada.organization_id, promotion.trials_since(ada.organization_id), since=started_at)

    assert counts["hr"] == trials.TrialCount(looked_at=3, applied=2, would_have_blocked=2)
    assert counts["risky"] == trials.TrialCount(looked_at=2, applied=1, would_have_blocked=0)


def test_findings_are_stored_as_they_are_shown() -> None:
    finding = ShadowFinding(code="hr", points=5, blocks=False, would_block=True)

    assert msgspec.convert(msgspec.to_builtins(finding), ShadowFinding) == finding
