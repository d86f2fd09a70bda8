"""The impact of a draft: every decision judged again, whatever happens to the worker in between."""

from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select, text, update

from api.decisions.impact import analysis as analyses
from api.decisions.impact import replays
from api.decisions.impact import services as impacts
from api.decisions.impact.analysis import Analysis
from api.decisions.impact.jobs import analyze_impact
from api.decisions.impact.judging import Judge, rest_of
from api.decisions.impact.services import Impact, ImpactUnderWay
from api.decisions.impact.states import MOVES, ImpactStatus
from api.decisions.impact.tally import Tally
from api.decisions.models import Decision
from api.policies import services as policies
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.drafts import services as drafts
from api.policies.drafts.services import Draft
from api.policies.evaluator import CheckFacts, CompiledPolicy, evaluate
from api.policies.rules import Rule, RuleState, When
from core.audit import SYSTEM, AuditEvent
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from tests.api import conditions
from tests.cast import Caller, Member
from tests.impact_steps import step

NOBODY = UUID(int=0)
KEY = "0" * 32
METADATA: list[dict[str, Any]] = [
    {"contains_personal_data": True, "application": "helpdesk"},
    {"contains_personal_data": True, "application": "helpdesk"},
    {"is_external_model": True},
    {"pii_types": ["email"], "department": "hr"},
    {},
]


def line_of(number: int, policy: CompiledPolicy, request: Any, *, subject: str = "") -> bytes:
    outcome = evaluate(policy, request, bucket_key=subject or KEY)
    parts = (
        str(UUID(int=number)),
        str(policy.version),
        "t" if outcome.allowed else "f",
        str(outcome.risk_score),
        outcome.reason,
        subject,
        KEY,
        request.model,
        request.operation,
        msgspec.json.encode(request.metadata).decode().replace("\\", "\\\\"),
    )
    return "\t".join(parts).encode() + b"\n"


def draft_of(app: Flask, member: Member, **values: Any) -> Draft:
    with app.app_context(), acting_for(member.organization_id), transaction():
        draft = drafts.create(member.organization_id, name="New", note="", by=SYSTEM, now=utc_now())
        return drafts.change(member.organization_id, draft, values, expected_revision=1, by=SYSTEM, now=utc_now())


def requested(app: Flask, member: Member, draft: Draft) -> Impact:
    with app.app_context(), acting_for(member.organization_id), transaction():
        return impacts.request(member.organization_id, draft, days=7, by=SYSTEM, now=utc_now())


def latest(app: Flask, member: Member, draft: Draft) -> Impact:
    with app.app_context(), acting_for(member.organization_id):
        found = impacts.find_latest(member.organization_id, draft.id)
        assert found is not None
        return found


def work(app: Flask, member: Member, impact: Impact, *, steps: int = 100, size: int = 2) -> None:
    """As a worker does that is killed after some steps."""
    with app.app_context(), acting_for(member.organization_id):
        analysis = Analysis(member.organization_id, impact.id)
        for _ in range(steps):
            with transaction():
                goes_on = step(analysis, now=utc_now(), size=size)
            if not goes_on:
                return


def test_replaying_a_version_over_its_own_decisions_differs_nowhere() -> None:
    random, tally, looked_at = Random(5), Tally(), 0
    for _ in range(100):
        policy = compile_policy(NOBODY, 1, conditions.document(random))
        lines = [
            line_of(number, policy, conditions.request(random), subject=random.choice(("", f"{number:064x}")))
            for number in range(30)
        ]
        analyses.add_lines(tally, Judge(policy, policy, {1: policy}.get), lines * 2)
        looked_at += 60

    assert (tally.looked_at, tally.differing, tally.recorded_otherwise) == (looked_at, 0, 0)


def test_a_rule_for_a_share_of_subjects_is_replayed_for_the_same_ones() -> None:
    rule = Rule(code="half", when=When(all=("true",)), message="It holds.", state=RuleState.PERCENT, percent=50)
    policy = compile_policy(NOBODY, 1, PolicyDocument(rules=(rule,)))
    request, tally = CheckFacts("gpt-4o", "chat", {}), Tally()
    lines = [line_of(number, policy, request, subject=f"{number:064x}") for number in range(40)]
    analyses.add_lines(tally, Judge(policy, policy, {1: policy}.get), lines)

    assert {b"\tt\t" in line for line in lines} == {True, False}
    assert (tally.looked_at, tally.recorded_otherwise) == (40, 0)


def test_lines_that_are_counted_together_come_out_as_one_by_one() -> None:
    random = Random(6)
    before = compile_policy(NOBODY, 1, conditions.policy(random, rules=3))
    after = compile_policy(NOBODY, 0, conditions.policy(random, rules=3))
    requests = [conditions.request(random) for _ in range(200)]
    lines = [line_of(number, before, request) for number, request in enumerate(requests)]
    together, expected = Tally(), {"newly_blocked": 0, "newly_allowed": 0, "score_changed": 0}
    analyses.add_lines(together, Judge(after, before, {1: before}.get), lines)
    for request in requests:
        was, now = (evaluate(policy, request, bucket_key=KEY) for policy in (before, after))
        expected["newly_blocked"] += was.allowed and not now.allowed
        expected["newly_allowed"] += now.allowed and not was.allowed
        expected["score_changed"] += was.allowed == now.allowed and was.risk_score != now.risk_score

    assert {kind: getattr(together, kind) for kind in expected} == expected
    assert sum(expected.values()) > 0


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ((b"{}", b'{"a": {"b": 1}}'), {"unreadable": 1, "differing": 0}),
        ((b"\t1\t", b"\t9\t"), {"unusable_version": 1, "recorded_otherwise": 0}),
        ((b"\tt\t", b"\tf\t"), {"recorded_otherwise": 1}),
        ((b"gpt-4o", b"a\\\\b\\tc"), {"unreadable": 0, "recorded_otherwise": 0}),
    ],
)
def test_what_cannot_be_replayed_is_counted_by_its_name(changes: tuple[bytes, bytes], counts: dict[str, int]) -> None:
    policy = compile_policy(NOBODY, 1, conditions.policy(Random(1), rules=0))
    request = msgspec.structs.replace(conditions.request(Random(2)), model="gpt-4o", operation="chat", metadata={})
    tally = Tally()
    line = line_of(1, policy, request).replace(*changes, 1)
    analyses.add_lines(tally, Judge(policy, policy, {1: policy}.get), [line])

    assert {name: getattr(tally, name) for name in counts} == counts
    assert tally.looked_at == 1


def test_a_result_is_exact_and_whole(app: Flask, ada: Member, as_ada: Caller) -> None:
    decided = [as_ada.check(metadata=metadata).json["decision_id"] for metadata in METADATA]
    draft = draft_of(app, ada, block_personal_data=False, block_external_models=True)
    work(app, ada, requested(app, ada, draft))

    found = latest(app, ada, draft)

    assert (found.status, found.total, found.percent) == (ImpactStatus.DONE, 5, 100)
    tally = found.tally
    assert (tally.looked_at, tally.newly_allowed, tally.newly_blocked, tally.recorded_otherwise) == (5, 2, 1, 0)
    assert [(value, share.newly_allowed) for value, share in tally.shares("application")] == [("helpdesk", 2)]
    assert {value for value, _ in tally.shares("reason")} == {"contains_personal_data", "external_model_detected"}
    assert tally.shares("key")[0][0] == ada.key_id.hex
    with app.app_context(), acting_for(ada.organization_id):
        listed = [decision_id for decision_id, _ in analyses.differing(ada.organization_id, found)]
    assert [f"dec_{one.hex}" for one in listed] == decided[:3]


def test_an_analysis_goes_on_where_a_killed_worker_stopped(app: Flask, ada: Member, as_ada: Caller) -> None:
    for metadata in METADATA:
        as_ada.check(metadata=metadata)
    draft = draft_of(app, ada, block_personal_data=False)
    impact = requested(app, ada, draft)
    work(app, ada, impact, steps=1)
    assert (latest(app, ada, draft).status, latest(app, ada, draft).tally.looked_at) == (ImpactStatus.RUNNING, 2)

    work(app, ada, impact)
    work(app, ada, impact)

    assert (latest(app, ada, draft).status, latest(app, ada, draft).tally.looked_at) == (ImpactStatus.DONE, 5)


def test_a_step_that_another_worker_made_is_not_counted_twice(
    app: Flask, ada: Member, as_ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for metadata in METADATA:
        as_ada.check(metadata=metadata)
    impact = requested(app, ada, draft := draft_of(app, ada, block_personal_data=False))
    with app.app_context(), acting_for(ada.organization_id):
        late = Analysis(ada.organization_id, impact.id)
    seen_before = SimpleNamespace(status="queued", cursor=None, tally=msgspec.to_builtins(Tally()))
    work(app, ada, impact, steps=1)

    monkeypatch.setattr(impacts, "reload", lambda *_: seen_before)
    with app.app_context(), acting_for(ada.organization_id), transaction():
        goes_on = step(late, now=utc_now(), size=2)

    assert not goes_on
    assert latest(app, ada, draft).tally.looked_at == 2


def test_a_canceled_analysis_stops_and_another_can_be_asked_for(app: Flask, ada: Member, as_ada: Caller) -> None:
    for metadata in METADATA:
        as_ada.check(metadata=metadata)
    draft = draft_of(app, ada, block_personal_data=False)
    impact = requested(app, ada, draft)
    work(app, ada, impact, steps=1)
    with pytest.raises(ImpactUnderWay):
        requested(app, ada, draft)
    with app.app_context(), acting_for(ada.organization_id), transaction():
        assert impacts.cancel(ada.organization_id, impact, now=utc_now())
        assert not impacts.cancel(ada.organization_id, impact, now=utc_now())

    work(app, ada, impact)

    assert (latest(app, ada, draft).status, latest(app, ada, draft).tally.looked_at) == (ImpactStatus.CANCELED, 2)
    assert requested(app, ada, draft).id != impact.id


def test_an_analysis_is_stale_once_a_version_is_published_and_stays_so_when_its_draft_is_rebased(
    app: Flask, ada: Member, as_ada: Caller
) -> None:
    """Published in the middle of it: it goes on to its end, against the version that it began with."""
    for metadata in METADATA:
        as_ada.check(metadata=metadata)
    draft = draft_of(app, ada, block_personal_data=False)
    impact = requested(app, ada, draft)
    work(app, ada, impact, steps=1)
    assert not impact.is_stale(draft, active_version=1)
    with app.app_context(), acting_for(ada.organization_id), transaction():
        policies.change(ada.organization_id, "block_personal_data", False, by=SYSTEM, now=utc_now())
    work(app, ada, impact)

    done = latest(app, ada, draft)
    assert (done.status, done.tally.looked_at, done.tally.newly_allowed) == (ImpactStatus.DONE, 5, 2)
    shown = as_ada.get(f"/v1/policy/drafts/{draft.shown_id}/impact").json
    assert (shown["is_stale"], shown["base_version"]) == (True, 1)
    with app.app_context(), acting_for(ada.organization_id), transaction():
        drafts.rebase(ada.organization_id, draft, prefer=None, expected_revision=2, by=SYSTEM, now=utc_now())
    assert as_ada.get(f"/v1/policy/drafts/{draft.shown_id}/impact").json["is_stale"]


def test_a_decision_that_was_tampered_with_is_found(app: Flask, ada: Member, as_ada: Caller) -> None:
    as_ada.check(metadata={"contains_personal_data": True})
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("SELECT set_config('role', 'none', true)"))
        db.session.execute(update(Decision).where(Decision.organization_id == ada.organization_id).values(risk_score=1))
    draft = draft_of(app, ada, points_large_dataset=1)
    work(app, ada, requested(app, ada, draft))

    assert latest(app, ada, draft).tally.recorded_otherwise == 1
    with app.app_context(), acting_for(ada.organization_id):
        assert replays.check_sample(ada.organization_id, now=utc_now()).recorded_otherwise == 1
        noted = select(AuditEvent.after).where(AuditEvent.action == "decisions.replay_differs")
        assert db.session.scalar(noted) == {"decisions": 1, "looked_at": 1}
    again = requested(app, ada, draft)
    with app.app_context(), pytest.raises(replays.ReplayDiffers):
        analyze_impact(organization_id=str(ada.organization_id), impact_id=str(again.id))
    assert latest(app, ada, draft).status is ImpactStatus.DONE


def test_the_nightly_sample_finds_nothing_where_nothing_is_wrong(app: Flask, ada: Member, as_ada: Caller) -> None:
    for metadata in METADATA:
        as_ada.check(metadata=metadata)
    with app.app_context(), acting_as_system():
        assert ada.organization_id in replays.organizations_with_decisions(since=utc_now() - replays.OVER)
    with app.app_context(), acting_for(ada.organization_id):
        tally = replays.check_sample(ada.organization_id, now=utc_now())

    assert (tally.looked_at, tally.recorded_otherwise) == (5, 0)


def test_the_rest_of_a_line_has_no_id() -> None:
    policy = compile_policy(NOBODY, 1, conditions.policy(Random(1), rules=0))
    one, other = (line_of(number, policy, conditions.request(Random(2))) for number in (1, 2))

    assert one != other
    assert rest_of(one) == rest_of(other)


def test_every_state_but_the_last_can_be_canceled() -> None:
    for before, moves in MOVES.items():
        assert (ImpactStatus.CANCELED in moves) is (before in {ImpactStatus.QUEUED, ImpactStatus.RUNNING})
