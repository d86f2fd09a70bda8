"""Decisions in the customer's own program, by signed policies: as the service would decide, on its log, never by a
bundle that is old, forged, of somebody else or out of date."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ai_governance import CheckRequest, Client, ConfigurationError
from ai_governance.errors import ApiError, ContentRefusedError, InvalidRequestError
from ai_governance.ids import new_id
from ai_governance.local import bundle as local_bundle
from ai_governance.local.bundle import Refused
from ai_governance.local.decider import LocalDecisions
from flask import Flask
from prometheus_client import REGISTRY

from api.bundles import services, signing_keys
from api.keys.scopes import Scope
from api.policies.bundle import content_of
from api.policies.rules import Rule, When
from api.runtime import runtime
from core.signing_keys import new_key
from tests.cast import Caller, Member, another_key
from tests.sdk.conftest import Fronted

CHAT: dict[str, Any] = {"model": "gpt-4o", "operation": "chat", "metadata": {"contains_personal_data": False}}
PERSONAL: dict[str, Any] = {**CHAT, "metadata": {"contains_personal_data": True}}
DAY_S = 86_400

Make = Callable[..., Client]


@pytest.fixture
def local_of(app: Flask, client_of: Any, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Clients that decide here, and whose threads are the test."""
    monkeypatch.setattr(LocalDecisions, "_start", lambda _self: None)

    def make(**options: Any) -> Client:
        pin = signing_keys.published(runtime(app).settings).keys[0].public_key
        client: Client = client_of(**{"decide": "local", "bundle_keys": [pin], **options})
        return client

    return make


@pytest.fixture
def local(local_of: Make) -> Client:
    client = local_of()
    client.local.refresh()
    return client


def set_policy(caller: Caller, key: str, value: Any) -> None:
    assert caller.patch(f"/v1/policies/{key}", {"value": value}).status_code == 200


def checks_at(front: Fronted) -> int:
    return sum(request["path"] == "/v1/check" for request in front.seen)


def differences() -> float:
    return REGISTRY.get_sample_value("aig_local_decisions_total", {"outcome": "different"}) or 0


def test_checks_are_decided_here_and_are_in_the_log_with_both_outcomes(
    local: Client, front: Fronted, as_ada: Caller
) -> None:
    allowed, blocked = local.check(**CHAT), local.check(**PERSONAL)

    assert (allowed.allowed, allowed.decided_by, allowed.policy_version) == (True, "sdk", 1)
    assert (blocked.allowed, blocked.reason, blocked.risk_score) == (False, "contains_personal_data", 70)
    assert "anonymize" in blocked.fixes[0]
    assert checks_at(front) == 0
    before = differences()
    local.local.hand_over()
    local.local.hand_over()
    found = as_ada.get("/v1/decisions").json["decisions"]
    assert sorted((one["allowed"], one["sdk"]["allowed"], one["sdk"]["mode"]) for one in found) == [
        (False, False, "local"),
        (True, True, "local"),
    ]
    assert {one["sdk"]["client_decision_id"] for one in found} == {
        allowed.client_decision_id,
        blocked.client_decision_id,
    }
    assert differences() == before


def test_they_are_decided_again_by_the_revision_that_decided(local: Client, as_ada: Caller) -> None:
    local.check(**PERSONAL)
    set_policy(as_ada, "block_personal_data", value=False)

    before = differences()
    local.local.hand_over()

    (found,) = as_ada.get("/v1/decisions").json["decisions"]
    assert (found["allowed"], found["policy_version"], differences()) == (False, 1, before)


@pytest.mark.parametrize("version", [None, 99, 0])
def test_a_revision_that_never_was_is_refused_and_a_difference_is_counted(as_ada: Caller, version: int | None) -> None:
    entry = {**PERSONAL, "id": "", "allowed": True, "mode": "local"}
    entries = [{**entry, "id": new_id(), "policy_version": version}, {**entry, "id": new_id(), "policy_version": 1}]
    before = differences()

    refused, different = as_ada.post("/v1/decisions/reconcile", {"decisions": entries}).json["results"]

    assert (refused["status"], different["agrees"], differences()) == (422, False, before + 1)


def test_content_is_refused_here_by_the_same_rules(local: Client, front: Fronted) -> None:
    with pytest.raises(ContentRefusedError, match="prompt"):
        local.check(**{**CHAT, "metadata": {"user_prompt": "Dear Anna"}})
    with pytest.raises(InvalidRequestError, match="credit_card"):
        local.check(**{**CHAT, "metadata": {"purpose": "4111-1111-1111-1111"}})

    assert checks_at(front) == 0


def test_a_batch_is_decided_here_but_for_what_only_the_service_can_decide(
    local: Client, front: Fronted, as_ada: Caller
) -> None:
    content = {**CHAT, "metadata": {"user_prompt": "Dear Anna"}}
    unknown = {**CHAT, "metadata": {"declared_just_now": 1}}

    results = local.check_many([CheckRequest(**one) for one in (CHAT, unknown, content, PERSONAL)])

    allowed, asked, refused, blocked = results
    assert (allowed.unwrap().decided_by, allowed.unwrap().allowed) == ("sdk", True)
    assert (blocked.unwrap().decided_by, blocked.unwrap().reason) == ("sdk", "contains_personal_data")
    assert isinstance(refused.error, ContentRefusedError)
    assert isinstance(asked.error, InvalidRequestError)  # which the service said
    assert [one["path"] for one in front.seen].count("/v1/checks") == 1
    local.local.hand_over()
    found = as_ada.get("/v1/decisions").json["decisions"]
    assert sorted(one["sdk"]["client_decision_id"] for one in found) == sorted(
        one.unwrap().client_decision_id for one in (allowed, blocked)
    )


def test_a_batch_with_a_key_of_ones_own_or_of_no_checks_is_the_services(local: Client) -> None:
    request = CheckRequest(**CHAT)

    assert local.check_many([request], idempotency_key="mine")[0].unwrap().decided_by == "service"
    with pytest.raises(InvalidRequestError, match="1 to 100"):
        local.check_many([])
    with pytest.raises(InvalidRequestError, match="1 to 100"):
        local.check_many([request] * 101)


def test_where_the_service_refuses_the_rest_of_a_batch_nothing_of_it_is_on_record(
    local: Client, front: Fronted, tmp_path: Path
) -> None:
    front.faults = [403]

    with pytest.raises(ApiError):
        local.check_many([CheckRequest(**CHAT), CheckRequest("gpt-4o", "chat", {"declared_just_now": 1})])

    assert not (tmp_path / "sdk-spool" / "local").exists()


def test_newer_policies_are_taken_and_the_same_are_not_sent_again(
    local: Client, front: Fronted, as_ada: Caller
) -> None:
    set_policy(as_ada, "block_personal_data", value=False)
    assert local.local.refresh() == 0
    assert local.local.refresh() > 0

    assert (local.check(**PERSONAL).allowed, local.check(**PERSONAL).policy_version) == (True, 2)


def test_the_last_policies_decide_after_a_restart_without_the_service(local: Client, local_of: Make) -> None:
    again = local_of()

    assert again.local.why_not is None
    assert again.check(**PERSONAL).decided_by == "sdk"


def test_a_rule_that_is_no_tree_and_a_key_of_ones_own_leave_the_service_to_decide(
    local: Client, as_ada: Caller
) -> None:
    assert local.check(**CHAT, idempotency_key="mine").decided_by == "service"
    rule = Rule(code="raw", when=When(all=("dataset_record_count == 0x10",)), message="Only the engine knows.")
    set_policy(as_ada, "rules", msgspec.to_builtins([rule]))
    local.local.refresh()

    assert local.local.why_not == "rules: raw"
    assert local.check(**CHAT).decided_by == "service"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda body, signature: (body.replace(b":50,", b":99,"), signature),
            "signature",
        ),
        (lambda body, signature: (body, signature[:-4] + "AAA="), "signature"),
        (lambda body, signature: (body, "0" * 16 + signature[16:]), "unknown key"),
        (lambda body, _signature: (body, ""), "unknown key"),
    ],
)
def test_a_forged_bundle_is_refused_also_from_disk(
    local: Client, local_of: Make, tmp_path: Path, change: Any, why: str
) -> None:
    kept = tmp_path / "sdk-spool" / "policies" / "bundle"
    signature, _, body = kept.read_bytes().partition(b"\n")
    body, forged = change(body, signature.decode())

    with pytest.raises(Refused, match=why):
        local.local._take(body, forged)
    kept.write_bytes(forged.encode() + b"\n" + body)
    assert why in str(local_of().local.why_not)


def test_an_older_bundle_is_refused_also_after_a_restart(
    local: Client, local_of: Make, as_ada: Caller, tmp_path: Path
) -> None:
    kept = tmp_path / "sdk-spool" / "policies" / "bundle"
    old = kept.read_bytes()
    set_policy(as_ada, "max_risk_score", value=40)
    local.local.refresh()

    signature, _, body = old.partition(b"\n")
    with pytest.raises(Refused, match="older"):
        local.local._take(body, signature.decode())
    kept.write_bytes(old)
    assert "older" in str(local_of().local.why_not)


def test_a_bundle_of_another_key_is_refused(local: Client, as_cleo: Caller) -> None:
    other = as_cleo.get("/v1/policy/bundle")

    with pytest.raises(Refused, match="another API key"):
        local.local._take(other.data, other.headers["Policy-Signature"])


def test_what_has_expired_and_a_clock_that_is_wrong_leave_the_service_to_decide(
    local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_bundle, "unix_ms", lambda: time.time_ns() // 1_000_000 + 2 * DAY_S * 1000)
    assert local.check(**CHAT).decided_by == "service"
    assert local.local.why_not == "the policies have expired"
    monkeypatch.setattr(local_bundle, "unix_ms", lambda: time.time_ns() // 1_000_000 - DAY_S * 1000)
    assert local.local.why_not == "the clock of this machine is wrong"
    monkeypatch.undo()
    monkeypatch.setattr(local_bundle, "monotonic_s", lambda: time.monotonic() + 2 * DAY_S)
    assert local.local.why_not == "the policies have expired"


def test_a_key_that_the_pinned_one_signed_over_to_is_followed_and_no_other(
    app: Flask, local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = runtime(app)
    old, first = room.settings, new_key()
    foreign = msgspec.structs.replace(old, policy_signing_key=first, policy_signing_key_previous=new_key())
    monkeypatch.setattr(room, "settings", foreign)
    with pytest.raises(Refused, match="unknown key"):
        local.local.refresh()

    monkeypatch.setattr(room, "settings", msgspec.structs.replace(old, policy_signing_key=first))
    local.local.refresh()
    assert local.check(**CHAT).decided_by == "sdk"


def test_a_key_that_the_service_refuses_ends_local_decisions_at_once(
    local: Client, front: Fronted, local_of: Make
) -> None:
    front.faults = [401]
    local.local.refresh()

    assert "refuses" in str(local.local.why_not)
    assert local_of().local.why_not == "no policies yet"


def test_a_key_without_the_scope_says_which_it_needs(
    app: Flask, front: Fronted, ada: Member, local_of: Make, tmp_path: Path
) -> None:
    key = another_key(app, ada, scopes=(Scope.CHECKS_WRITE,))
    client = local_of(api_key=key.secret, spool_folder=tmp_path / "other")

    client.local.refresh()

    assert "lacks the scope policies:read" in str(client.local.why_not)


def test_a_full_disk_leaves_the_service_to_decide(local: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int, _line: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)

    assert local.check(**CHAT).decided_by == "service"
    assert local.check_many([CheckRequest(**CHAT)])[0].unwrap().decided_by == "service"


def test_half_a_line_that_a_full_disk_left_spoils_no_other(
    local: Client, as_ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:9]))
    assert local.check(**CHAT).decided_by == "service"
    monkeypatch.undo()

    decision = local.check(**CHAT)
    local.local.hand_over()

    named = [one["sdk"] and one["sdk"]["client_decision_id"] for one in as_ada.get("/v1/decisions").json["decisions"]]
    assert named == [decision.client_decision_id, None]


def test_policies_that_are_newer_than_this_client_leave_the_service_to_decide(
    local: Client, monkeypatch: pytest.MonkeyPatch, as_ada: Caller
) -> None:
    newer = {"block_on_mondays": True}
    monkeypatch.setattr(services, "content_of", lambda policy: {**content_of(policy), "policies": newer})
    set_policy(as_ada, "max_risk_score", value=40)

    local.local.refresh()

    assert "newer" in str(local.local.why_not)
    assert local.check(**CHAT).decided_by == "service"


def test_what_a_killed_program_left_is_handed_over_by_the_next(
    local: Client, local_of: Make, as_ada: Caller, tmp_path: Path
) -> None:
    local.check(**CHAT)
    (left,) = (tmp_path / "sdk-spool" / "local").iterdir()
    local_of().local.hand_over()
    assert as_ada.get("/v1/decisions").json["decisions"] == []  # its program lives, and holds the lock
    with left.open("ab") as file:
        file.write(b'{"model": "cut o')
    local.local.journal._complete()

    local_of().local.hand_over()

    assert len(as_ada.get("/v1/decisions").json["decisions"]) == 1
    assert not left.exists()


def test_without_pins_there_are_no_local_decisions(client_of: Any) -> None:
    with pytest.raises(ConfigurationError, match="bundle_keys"):
        client_of(decide="local")
    with pytest.raises(ConfigurationError, match="Ed25519"):
        client_of(decide="local", bundle_keys=["not a key"])
    with pytest.raises(ConfigurationError, match="decide"):
        client_of(decide="remote")


def test_what_signed_policies_declare_holds_while_the_service_is_away_and_is_handed_over_with_local_decisions(
    local_of: Make, as_ada: Caller, front: Fronted
) -> None:
    set_policy(as_ada, "on_unreachable", [{"mode": "allow_and_report", "operations": ["chat"]}])
    client = local_of(on_unavailable=None)
    client.local.refresh()
    front.faults = [503, 503]

    decision = client.check(**CHAT, idempotency_key="asks-the-service")

    assert (decision.reason, decision.allowed, decision.on_unreachable) == (
        "service_unavailable",
        True,
        "allow_and_report",
    )
    client.check(**CHAT)
    client.local.hand_over()
    client.close()
    assert client.spool.is_empty()
    modes = [one["sdk"]["mode"] for one in as_ada.get("/v1/decisions").json["decisions"]]
    assert sorted(modes) == ["allow_and_report", "local"]
