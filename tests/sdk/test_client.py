"""The client for Python: what it asks, what it says, and what it does while the service is away."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from ai_governance import ALLOW_AND_REPORT, AsyncClient, BlockedError, CheckRequest, Client, ConfigurationError, tracing
from ai_governance import errors as sdk_errors
from ai_governance.decisions import ApiKey, Decision, DecisionRecord, Reason
from ai_governance.errors import BY_CODE, ApiError, ContentRefusedError, NotFoundError, UnknownApiKeyError
from flask import Flask
from sqlalchemy import func, select

from api.decisions.models import Decision as Row
from api.v1.reference.openapi import document
from api.v1.reference.problems import problems_of_the_api
from core.db import acting_for, db
from tests.cast import Caller, Member
from tests.sdk.conftest import HANGS, LOST, NONSENSE, Fronted

CHAT: dict[str, Any] = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": False}}
PERSONAL: dict[str, Any] = {**CHAT, "metadata": {"contains_personal_data": True}}


def rows_of(app: Flask, member: Member) -> int:
    with app.app_context(), acting_for(member.organization_id):
        mine = Row.organization_id == member.organization_id
        return int(db.session.scalar(select(func.count()).select_from(Row).where(mine)) or 0)


def test_a_check_says_what_was_decided_and_why(client: Client) -> None:
    allowed, blocked = client.check(**CHAT), client.check(**PERSONAL)

    assert (allowed.allowed, allowed.decided_by, allowed.risk_score) == (True, "service", 0)
    assert allowed.raise_if_blocked() is allowed
    assert (blocked.allowed, blocked.reason, blocked.risk_score) == (False, "contains_personal_data", 70)
    assert "anonymize" in blocked.fixes[0]
    with pytest.raises(BlockedError, match="contains_personal_data") as raised:
        blocked.raise_if_blocked()
    assert raised.value.decision is blocked


def test_connections_are_kept(client: Client, front: Fronted) -> None:
    for _ in range(3):
        client.check(**CHAT)

    assert (len(front.seen), front.connections) == (3, 1)


def test_nothing_is_told_of_the_host_but_a_user_agent(client: Client, front: Fronted) -> None:
    client.check(**CHAT)

    told = {name.lower() for name in front.seen[0]} - {"path"}
    assert told == {
        "host",
        "authorization",
        "user-agent",
        "accept",
        "idempotency-key",
        "content-type",
        "content-length",
    }


@pytest.mark.parametrize("fault", [LOST, 502, 503])
def test_a_check_whose_answer_is_lost_is_retried_once_and_is_one_decision(
    app: Flask, ada: Member, client: Client, front: Fronted, fault: Any
) -> None:
    front.faults = [fault]

    decision = client.check(**CHAT)

    assert (decision.decided_by, decision.allowed, decision.is_replayed) == ("service", True, fault == LOST)
    assert len({request["Idempotency-Key"] for request in front.seen}) == 1
    assert rows_of(app, ada) == 1


@pytest.mark.parametrize(
    ("chosen", "allowed"),
    [
        ("block", False),
        (ALLOW_AND_REPORT, True),
        (lambda request: request.operation == "chat", True),
        (lambda _: "yes", False),
        (lambda _: 1 / 0, False),
    ],
    ids=["block", "allow", "a function", "a function that says anything else", "a function that fails"],
)
def test_without_the_service_the_mode_decides_and_the_log_has_both_outcomes(
    app: Flask, ada: Member, client_of: Any, front: Fronted, chosen: Any, allowed: bool
) -> None:
    client = client_of(on_unavailable=chosen)
    front.faults = [503, 503]

    decision = client.check(**PERSONAL, idempotency_key="order/42")

    assert (decision.allowed, decision.decided_by, decision.reason) == (allowed, "sdk", "service_unavailable")
    assert (decision.is_spooled, decision.decision_id, decision.risk_score) == (True, None, None)
    assert rows_of(app, ada) == 0
    (reconciled,) = client.reconcile()
    assert (reconciled["decided_by"], reconciled["allowed"], reconciled["agrees"]) == ("sdk", False, not allowed)
    assert client.spool.is_empty()
    kept = client.decision(reconciled["decision_id"])
    assert (kept.decided_by, kept.sdk["allowed"]) == ("sdk", allowed)


@pytest.mark.parametrize(
    ("declared", "chosen", "mode", "allowed"),
    [
        (None, None, "block", False),
        ("block", None, "block", False),
        ("allow_and_report", None, "allow_and_report", True),
        ("block", ALLOW_AND_REPORT, "block", False),
        ("block", lambda _: True, "block", False),
        ("allow_and_report", "block", "block", False),
        ("allow_and_report", lambda _: True, "custom", True),
    ],
)
def test_without_the_service_the_stricter_of_the_policies_and_the_client_holds(
    client_of: Any, front: Fronted, as_ada: Caller, declared: str | None, chosen: Any, mode: str, allowed: bool
) -> None:
    if declared:
        as_ada.patch("/v1/policies/on_unreachable", {"value": [{"mode": declared, "operations": ["chat"]}]})
    client = client_of(on_unavailable=chosen)
    assert client.check(**CHAT).on_unreachable == declared
    front.faults = [503] * 4

    decision = client.check(**CHAT)

    assert (decision.decided_by, decision.allowed, decision.on_unreachable) == ("sdk", allowed, declared)
    assert client.check(**{**CHAT, "operation": "embeddings"}).on_unreachable is None
    [kept, _] = client.reconcile()
    assert client.decision(kept["decision_id"]).sdk["mode"] == mode


def test_what_the_policies_declare_no_longer_holds_once_a_reply_says_so(
    client_of: Any, front: Fronted, as_ada: Caller
) -> None:
    client = client_of(on_unavailable=None)
    for value in ([{"mode": "allow_and_report"}], []):
        as_ada.patch("/v1/policies/on_unreachable", {"value": value})
        client.check_many([CheckRequest(**CHAT)])

    front.faults = [503, 503]

    assert not client.check(**CHAT).allowed


def test_a_check_that_arrived_without_an_answer_stays_one_decision(
    app: Flask, ada: Member, client: Client, front: Fronted
) -> None:
    front.faults = [LOST, LOST]

    assert client.check(**CHAT).decided_by == "sdk"
    (reconciled,) = client.reconcile()

    assert reconciled["decided_by"] == "service"
    assert rows_of(app, ada) == 1


def test_what_waits_is_handed_over_by_the_next_check(app: Flask, ada: Member, client: Client, front: Fronted) -> None:
    front.faults = [503, 503]
    client.check(**CHAT)
    (client.spool.folder / "0.json").write_text("cut o")

    client.check(**CHAT)
    client.close()

    assert client.spool.is_empty()
    assert [path.name for path in (client.spool.folder / "refused").iterdir()] == ["0.json"]
    assert rows_of(app, ada) == 2


def test_a_batch_without_the_service_is_decided_check_by_check(
    app: Flask, ada: Member, client: Client, front: Fronted
) -> None:
    front.faults = [LOST, LOST]
    requests = [CheckRequest(**CHAT), CheckRequest(**PERSONAL)]

    assert [result.unwrap().decided_by for result in client.check_many(requests)] == ["sdk", "sdk"]
    assert [result["decided_by"] for result in client.reconcile()] == ["service", "service"]

    assert rows_of(app, ada) == 2


def test_a_batch_has_results_in_order(client: Client) -> None:
    refused = CheckRequest("gpt-4o", "chat", {"prompt": "x"})

    allowed, blocked, error = client.check_many([CheckRequest(**CHAT), CheckRequest(**PERSONAL), refused])

    assert (allowed.unwrap().allowed, blocked.unwrap().allowed) == (True, False)
    with pytest.raises(ContentRefusedError, match=r"metadata\.prompt"):
        error.unwrap()


@pytest.mark.parametrize("fault", [HANGS, NONSENSE])
def test_a_service_that_hangs_costs_no_more_than_the_total_timeout(client_of: Any, front: Fronted, fault: str) -> None:
    client = client_of(total_timeout_s=0.5)
    front.faults = [fault, fault]
    began_s = time.monotonic()

    decision = client.check(**CHAT)

    assert (decision.allowed, decision.decided_by) == (False, "sdk")
    assert time.monotonic() - began_s < 1.5


def test_an_allowance_that_cant_be_kept_on_disk_is_none(client_of: Any, front: Fronted, tmp_path: Any) -> None:
    (tmp_path / "a file").touch()
    client = client_of(on_unavailable=ALLOW_AND_REPORT, spool_folder=tmp_path / "a file")
    front.faults = [503, 503]

    decision = client.check(**CHAT)

    assert (decision.allowed, decision.is_spooled) == (False, False)


def test_a_spool_holds_so_many_and_no_more(client_of: Any, front: Fronted) -> None:
    client = client_of(on_unavailable=ALLOW_AND_REPORT)
    client.spool._most = 1
    front.faults = [503] * 4

    assert [client.check(**CHAT).allowed for _ in range(2)] == [True, False]


def test_a_refusal_is_an_error_of_its_own_class(client_of: Any, front: Fronted, ada: Member) -> None:
    client = client_of()
    with pytest.raises(ContentRefusedError) as refused:
        client.check(model="gpt-4o", operation="chat", metadata={"prompt": "Dear Ms Jones"})
    assert refused.value.fields[0]["path"] == "metadata.prompt"
    assert "Jones" not in str(refused.value)
    with pytest.raises(NotFoundError):
        client.decision("dec_0199f2c4a1b27c3d8e4f5a6b7c8d9e0f")
    with (
        Client(front.url, ada.secret[:-1] + ("a" if ada.secret[-1] != "a" else "b")) as other,
        pytest.raises(ApiError) as error,
    ):
        other.check(**CHAT)
    assert error.value.status == 401


def test_every_problem_of_the_api_has_a_class() -> None:
    missing = {problem.code for problem in problems_of_the_api()} - BY_CODE.keys()

    assert missing == set()
    assert all(BY_CODE[problem.code].__name__.endswith("Error") for problem in problems_of_the_api())
    assert sdk_errors.error_of(401, {"code": "unknown_api_key"}).__class__ is UnknownApiKeyError


@pytest.mark.parametrize(
    ("kind", "schema", "ours"),
    [
        (
            Decision,
            "CheckAnswer",
            {"decided_by", "client_decision_id", "is_replayed", "is_spooled", "unavailable_because"},
        ),
        (Reason, "Contribution", set()),
        (DecisionRecord, "DecisionView", set()),
        (CheckRequest, "CheckRequest", set()),
    ],
)
def test_types_are_those_of_the_openapi_document(kind: Any, schema: str, ours: set[str]) -> None:
    described = document("https://api.example.com")["components"]["schemas"][schema]["properties"]

    assert set(kind.__dataclass_fields__) - ours == set(described)


def test_an_api_key_has_what_the_openapi_document_says() -> None:
    described = document("https://api.example.com")["components"]["schemas"]["KeyView"]["properties"]

    assert {"id", "name", "environment", "scopes"} <= described.keys()
    assert set(ApiKey.__dataclass_fields__) - {"details", "secret"} <= described.keys()


def test_a_guard_runs_nothing_that_is_blocked(client: Client) -> None:
    ran: list[str] = []

    @client.guard(**PERSONAL)
    def call_model() -> None:
        ran.append("decorated")

    with client.guard(**CHAT) as decision:
        ran.append(decision.reason)
    with pytest.raises(BlockedError), client.guard(**PERSONAL):
        ran.append("in the block")
    with pytest.raises(BlockedError):
        call_model()
    assert ran == ["ok"]


def test_the_log_keys_and_policies_are_read_and_changed(client: Client, ada: Member) -> None:
    made = [client.check(**CHAT).decision_id for _ in range(3)]

    assert [record.decision_id for record in client.decisions()] == made[::-1]
    assert [record.decision_id for record in client.decisions(limit=2)] == made[:0:-1]
    assert [record.decision_id for record in client.export_decisions(allowed=True)] == made
    key = client.create_key("Second", environment="live", scopes=["checks:write"])
    assert key.secret is not None
    assert key.secret not in repr(key)
    rotated = client.rotate_key(key.id, overlap_hours=0)
    assert rotated.secret != key.secret
    assert client.revoke_key(rotated.id, reason="test").details["revoked_at"] is not None
    names = [one.name for one in client.keys()]  # noqa: SIM118  it is no mapping
    assert set(names) >= {"Main", "Second"}
    version = client.policies().version
    assert client.update_policy("max_risk_score", 40, expected_version=version) == version + 1
    assert client.policies().values["max_risk_score"] == 40
    draft = client.create_policy_draft("Stricter", {"max_risk_score": 30}, note="For the audit")
    assert [one.id for one in client.policy_drafts()] == [draft.id]
    assert (draft.values["max_risk_score"], draft.base_version, draft.details["note"]) == (
        30,
        version + 1,
        "For the audit",
    )
    assert client.inspect_key()["key"]["id"] == ada.shown_key_id


def test_the_asynchronous_twin_does_the_same(front: Fronted, ada: Member, tmp_path: Any) -> None:
    async def main() -> list[Any]:
        async with AsyncClient(front.url, ada.secret, spool_folder=tmp_path / "spool") as client:
            decisions = await asyncio.gather(client.check(**CHAT), client.check(**PERSONAL))
            with pytest.raises(BlockedError):
                async with client.guard(**PERSONAL):
                    pytest.fail("ran")
            (one,) = await client.check_many([CheckRequest(**CHAT)])
            listed = [record.allowed async for record in client.decisions()]
            return [*(decision.allowed for decision in decisions), one.unwrap().allowed, len(listed)]

    assert asyncio.run(main()) == [True, False, True, 4]


def test_neither_logs_nor_reprs_have_the_key_or_facts(
    client_of: Any, front: Fronted, ada: Member, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of()
    front.faults = [503, 503]
    client.check(model="gpt-4o", operation="chat", metadata={"department": "oncology"})

    assert "decided without the service" in caplog.text
    assert not {ada.secret, "oncology"} & set(caplog.text.split())
    assert ada.secret not in repr(client) + repr(client._configuration)


class Tracer:
    """As OpenTelemetry's, as far as the client needs it."""

    SpanKind = SimpleNamespace(CLIENT="client")

    def __init__(self) -> None:
        self.spans: list[tuple[str, dict[str, Any]]] = []

    def get_tracer(self, *_: str) -> "Tracer":
        return self

    @contextmanager
    def start_as_current_span(self, name: str, **_: Any) -> Iterator[Any]:
        self.spans.append((name, {}))
        yield SimpleNamespace(set_attribute=self.spans[-1][1].__setitem__)


def test_a_span_says_what_was_decided_and_no_facts(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "trace", tracer := Tracer())

    decision = client_of(trace=True).check(**PERSONAL)

    ((name, told),) = tracer.spans
    assert name == "ai_governance.check"
    assert told["ai_governance.decision.id"] == decision.decision_id
    assert (told["ai_governance.decision.allowed"], told["gen_ai.request.model"]) == (False, "gpt-4o")
    assert not any("personal" in key for key in told)
    client_of().check(**CHAT)
    assert len(tracer.spans) == 1


def test_a_span_without_opentelemetry_is_refused_at_once(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "trace", None)

    with pytest.raises(ConfigurationError, match="opentelemetry"):
        client_of(trace=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base_url": "http://api.example.com"}, "https"),
        ({"base_url": "api.example.com"}, "must be a URL"),
        ({"api_key": "sk-123"}, "begins with"),
        ({"api_key": "aig_live_a\r\nX-Evil: 1"}, "spaces"),
        ({"on_unavailable": "allow"}, "on_unavailable"),
        ({"total_timeout_s": 0}, "more than 0"),
    ],
)
def test_a_mistake_in_the_configuration_is_named_at_once(options: dict[str, Any], words: str) -> None:
    given = {"base_url": "https://api.example.com", "api_key": "aig_test_x", **options}

    with pytest.raises(ConfigurationError, match=words):
        Client(**given)
