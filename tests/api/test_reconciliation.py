"""What an SDK decided without us is decided again, once, and is in the log with both outcomes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from api.decisions.models import Decision
from api.keys.scopes import Scope
from core.audit import AuditEvent
from core.clock import unix_ms
from core.db import acting_as_system, acting_for, db
from core.ids import new_uuid, time_of
from tests.cast import HARMLESS, Caller, Member, another_key

PATH = "/v1/decisions/reconcile"
DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


def entry(*, at_ms: int | None = None, **changes: Any) -> dict[str, Any]:
    return {**HARMLESS, "id": str(new_uuid(at_ms=at_ms)), "allowed": False, "mode": "block", **changes}


def sent(caller: Caller, *entries: Any) -> list[Any]:
    answer = caller.post(PATH, {"decisions": list(entries)})
    assert answer.status_code == 200, answer.json
    return list(answer.json["results"])


def log_of(app: Flask, member: Member) -> list[Decision]:
    with app.app_context(), acting_for(member.organization_id):
        mine = Decision.organization_id == member.organization_id
        return list(db.session.scalars(select(Decision).where(mine)))


def test_both_outcomes_are_in_the_log_at_the_time_of_the_sdk(app: Flask, as_ada: Caller) -> None:
    given = entry(at_ms=unix_ms() - DAY_MS // 2)

    (result,) = sent(as_ada, given)

    assert (result["decided_by"], result["allowed"], result["agrees"]) == ("sdk", True, False)
    kept = as_ada.get(f"/v1/decisions/{result['decision_id']}").json
    assert (kept["decided_by"], kept["allowed"], kept["model"]) == ("sdk", True, "gpt-4o")
    assert kept["sdk"].items() >= {"client_decision_id": given["id"], "allowed": False, "mode": "block"}.items()
    assert kept["decided_at"].startswith(time_of(UUID(given["id"])).isoformat(timespec="seconds")[:19])
    (listed,) = as_ada.get("/v1/decisions").json["decisions"]
    assert listed["sdk"] == kept["sdk"]


def test_sending_again_makes_no_second_row_also_after_the_key_was_forgotten(
    app: Flask, as_ada: Caller, ada: Member
) -> None:
    given = entry()
    first = sent(as_ada, given)
    with app.app_context(), acting_as_system():
        db.session.execute(db.text("DELETE FROM check_idempotency"))
        db.session.commit()

    assert sent(as_ada, given) == sent(as_ada, given) == first
    assert len(log_of(app, ada)) == 1


def test_a_check_that_had_arrived_stands_and_none_is_added(app: Flask, as_ada: Caller, ada: Member) -> None:
    given = entry()
    check = as_ada.post("/v1/check", HARMLESS, headers={"Idempotency-Key": given["id"]}).json

    (result,) = sent(as_ada, given)

    assert (result["decision_id"], result["decided_by"]) == (check["decision_id"], "service")
    assert len(log_of(app, ada)) == 1


def test_checks_of_a_batch_are_told_apart_by_their_position(app: Flask, as_ada: Caller, ada: Member) -> None:
    batch = as_ada.post("/v1/checks", {"checks": [HARMLESS, HARMLESS]}, headers={"Idempotency-Key": "batch"}).json
    arrived = [item["decision"]["decision_id"] for item in batch["results"]]

    results = sent(as_ada, *(entry(sent_under="batch", position=position) for position in (0, 1, 2)))

    assert [result["decision_id"] for result in results][:2] == arrived
    assert [result["decided_by"] for result in results] == ["service", "service", "sdk"]
    assert len(log_of(app, ada)) == 3


@pytest.mark.parametrize(
    ("changes", "status", "path"),
    [
        ({"metadata": {"prompt": "Dear Ms Jones"}}, 400, "decisions[0].metadata.prompt"),
        ({"metadata": {"contains_personal_dta": True}}, 422, "metadata.contains_personal_dta"),
        ({"id": "1"}, 422, "id"),
        ({"allowed": "yes"}, 422, "allowed"),
        ({"mode": "perhaps"}, 422, "mode"),
        ({"position": 100}, 422, "position"),
        ({"why": "x"}, 422, "body"),
    ],
)
def test_one_at_fault_is_named_and_the_others_are_kept(
    app: Flask, as_ada: Caller, ada: Member, changes: dict[str, Any], status: int, path: str
) -> None:
    refused, kept = sent(as_ada, entry(**changes), entry())

    assert refused["status"] == refused["problem"]["status"] == status
    assert path.endswith(refused["problem"]["errors"][0]["path"].removeprefix("decisions[0]."))
    assert kept["status"] == 200
    assert len(log_of(app, ada)) == 1


@pytest.mark.parametrize("days", [-8, 1, 3_000_000])
def test_a_time_long_ago_or_to_come_is_refused(app: Flask, as_ada: Caller, ada: Member, days: int) -> None:
    (result,) = sent(as_ada, entry(at_ms=unix_ms() + days * DAY_MS))

    assert result["status"] == 422
    assert log_of(app, ada) == []


@pytest.mark.parametrize("body", [{}, {"decisions": []}, {"decisions": {}}, {"decisions": [1] * 101}, []])
def test_a_body_of_another_shape_is_refused(as_ada: Caller, body: Any) -> None:
    assert as_ada.post(PATH, body).status_code == 422


def test_a_stranger_a_key_without_the_scope_and_nobody(
    app: Flask, as_ada: Caller, ada: Member, as_cleo: Caller, as_nobody: Caller
) -> None:
    given = entry()
    reader = Caller(app.test_client(), another_key(app, ada, scopes=(Scope.DECISIONS_READ,)).secret)
    (of_ada,), (of_cleo,) = sent(as_ada, given), sent(as_cleo, given)

    assert of_ada["decision_id"] != of_cleo["decision_id"]
    assert as_cleo.get(f"/v1/decisions/{of_ada['decision_id']}").status_code == 404
    assert reader.post(PATH, {"decisions": [given]}).json["code"] == "missing_scope"
    assert as_nobody.post(PATH, {"decisions": [given]}).status_code == 401


def test_how_often_we_differ_is_on_the_audit_log(app: Flask, as_ada: Caller, ada: Member) -> None:
    sent(as_ada, entry(), entry(allowed=True, mode="allow_and_report"))

    with app.app_context(), acting_as_system():
        found = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "decisions.reconciled"))
        assert [event.after for event in found] == [{"decisions": 2, "different": 1, "agreement": "differs"}]


def test_the_export_has_both_outcomes(as_ada: Caller) -> None:
    sent(as_ada, entry())
    as_ada.check()

    lines = as_ada.get("/v1/decisions/export?format=csv").text.splitlines()

    assert lines[0].endswith("decided_by,sdk")
    assert [line.split(",")[-1] == "" for line in lines[1:3]].count(True) == 1
