"""A fact with ever new values looks like free text: people are told, and then new values are refused."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from flask import Flask

from api.checks import distinct_values
from api.checks.distinct_values import DistinctValues, ManyValues
from api.free_text import ACTION
from api.policies.evaluator import CheckFacts, FactValue
from api.runtime import Runtime
from core.audit import AuditEvent
from core.db import acting_as_system, db
from core.errors import InvalidRequest
from tests.cast import Caller, Member


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_values, "NOTICE_AT", 3)
    monkeypatch.setattr(distinct_values, "MOST_VALUES", 5)


def facts(**metadata: FactValue) -> CheckFacts:
    return CheckFacts(model="gpt-4o", operation="chat", metadata=metadata)


def fill(values: DistinctValues, organization_id: UUID, fact: str = "purpose", count: int = 5) -> None:
    for number in range(count):
        values.need_few(organization_id, facts(**{fact: f"code-{number}"}))


def test_a_new_value_beyond_the_bound_is_refused_and_a_known_one_is_not() -> None:
    values, mine, other = DistinctValues(), uuid4(), uuid4()
    fill(values, mine)

    with pytest.raises(InvalidRequest) as refused:
        values.need_few(mine, facts(purpose="new"))

    [fault] = refused.value.errors
    assert (fault.path, fault.code) == ("metadata.purpose", "too_many_values")
    assert "new" not in fault.detail.split("free text")[0]
    values.need_few(mine, facts(purpose="code-0"))
    values.need_few(mine, facts(department="new"))
    values.need_few(other, facts(purpose="new"))


@pytest.mark.parametrize("fact", ["purpose", "department", "cost_center", "gen_ai.tool.name", "gen_ai.agent.name"])
def test_codes_are_bounded(fact: str) -> None:
    values, mine = DistinctValues(), uuid4()
    fill(values, mine, fact)

    with pytest.raises(InvalidRequest):
        values.need_few(mine, facts(**{fact: "new"}))


@pytest.mark.parametrize(
    "fact", ["gen_ai.conversation.id", "application_version", "case_id", "commit", "server.address", "application"]
)
def test_ids_versions_and_hosts_may_be_new_every_time(fact: str) -> None:
    values = DistinctValues()

    fill(values, uuid4(), fact, count=50)

    assert values.take_unreported() == []


def test_entries_of_lists_models_and_operations_count_too() -> None:
    values, mine = DistinctValues(), uuid4()

    with pytest.raises(InvalidRequest) as of_list:
        values.need_few(mine, facts(labels=("a", "b", "c", "d", "e", "f")))
    for number in range(4):  # and gpt-4o
        values.need_few(mine, CheckFacts(model=f"m{number}", operation="chat", metadata={}))
    with pytest.raises(InvalidRequest) as of_model:
        values.need_few(mine, CheckFacts(model="m4", operation="chat", metadata={}))

    assert [refused.value.errors[0].path for refused in (of_list, of_model)] == ["metadata.labels", "model"]


def test_people_are_told_once_before_the_bound_and_once_at_it() -> None:
    values, mine = DistinctValues(), uuid4()

    fill(values, mine)
    fill(values, mine)

    assert values.take_unreported() == [ManyValues(mine, "purpose", 3), ManyValues(mine, "purpose", 5)]
    assert values.take_unreported() == []


def test_a_new_day_begins_anew() -> None:
    day = [date(2026, 11, 28)]
    values, mine = DistinctValues(today=lambda: day[0]), uuid4()
    fill(values, mine)
    day[0] = date(2026, 11, 29)

    values.need_few(mine, facts(purpose="new"))


def test_what_is_kept_of_all_organizations_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_values, "MOST_KEPT", 40)
    values = DistinctValues()

    for _ in range(100):
        fill(values, uuid4(), count=2)

    assert sum(len(seen or ()) for known in values._seen.values() for seen in known.values()) < 40


def told(app: Flask, member: Member) -> list[tuple[str | None, int]]:
    of_member = AuditEvent.organization_id == member.organization_id, AuditEvent.action == ACTION
    with app.app_context(), acting_as_system():
        found = db.session.query(AuditEvent).where(*of_member).order_by(AuditEvent.id)
        return [(event.subject_id, event.after["values"]) for event in found if event.after]


def test_a_check_with_too_many_values_is_refused_and_the_organization_told_once_a_day(
    app: Flask, room: Runtime, as_ada: Caller, ada: Member
) -> None:
    statuses = [as_ada.check(metadata={"purpose": f"words-{number}"}).status_code for number in range(6)]
    room.free_text.flush()
    room.reader.values._forget()
    for number in range(4):
        as_ada.check(metadata={"purpose": f"other-{number}"})
    room.free_text.flush()

    assert statuses == [200] * 5 + [422]
    assert told(app, ada) == [("purpose", 3), ("purpose", 5)]


def test_a_batch_refuses_only_the_items_beyond_the_bound(as_ada: Caller) -> None:
    questions = [
        {"model": "gpt-4o", "operation": "chat", "metadata": {"department": f"d-{number}"}} for number in range(7)
    ]

    results = as_ada.post("/v1/checks", {"checks": questions}).json["results"]

    assert [result["status"] for result in results] == [200] * 5 + [422] * 2
