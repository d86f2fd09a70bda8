"""A policy is compiled beside the checks: they go on with the last good one, for less than a second."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from api.policies import services as policies
from api.policies.compiled_rules import compile_rule
from api.policies.compiling import compile_policy
from api.policies.evaluator import CompiledPolicy
from api.runtime import runtime
from api.snapshots.feed import HOLDS_WITHIN_S
from api.snapshots.read_through_cache import NotInMemory
from api.snapshots.store import Snapshots
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from tests.cast import Member, organization_with_key
from tests.services import wait_until

REFRESHER = "snapshot-refresh"


@pytest.fixture
def member(live_app: Flask) -> Member:
    return organization_with_key(live_app)


class Compiling:
    """Who compiles, and not before the gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.threads: list[str] = []
        self.before: Callable[[], None] = lambda: None

    def __call__(self, *args: Any) -> CompiledPolicy:
        self.threads.append(threading.current_thread().name)
        self.gate.wait(10)
        self.before()
        return compile_policy(*args)


@pytest.fixture
def snapshots(live_app: Flask, member: Member) -> Snapshots:
    """They know the organization with the first version of its policy."""
    snapshots = runtime(live_app).snapshots
    wait_until(lambda: snapshots.feed.epoch is not None, "the feed listens")
    assert version(snapshots.organization(member.organization_id)) == 1
    return snapshots


@pytest.fixture
def compiling(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> Iterator[Compiling]:
    compiling = Compiling()
    monkeypatch.setattr("api.snapshots.compiled.compile_policy", compiling)
    yield compiling
    compiling.gate.set()


def version(organization: Any) -> int:
    return int(organization.policy.version)


def change(app: Flask, member: Member, key: str = "max_risk_score", value: Any = 60) -> None:
    with app.app_context(), acting_as_system(), transaction():
        policies.change(member.organization_id, key, value, by=SYSTEM, now=utc_now())


def test_while_a_policy_compiles_the_last_good_one_answers_without_waiting(
    live_app: Flask, member: Member, snapshots: Snapshots, compiling: Compiling
) -> None:
    change(live_app, member)
    wait_until(lambda: compiling.threads, "the new version is being compiled")

    assert version(snapshots.in_memory.organization(member.organization_id)) == 1
    compiling.gate.set()
    wait_until(lambda: version(snapshots.in_memory.organization(member.organization_id)) == 2, "it is in force")
    assert compiling.threads == [REFRESHER]


def test_an_old_policy_serves_no_longer_than_promised_and_then_a_check_waits_for_the_same_compilation(
    live_app: Flask, member: Member, snapshots: Snapshots, compiling: Compiling
) -> None:
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(snapshots.organization(member.organization_id)))
    change(live_app, member)
    wait_until(lambda: compiling.threads, "the new version is being compiled")

    def has_ended() -> bool:
        try:
            snapshots.in_memory.organization(member.organization_id)
        except NotInMemory:
            return True
        return False

    started_s = monotonic_s()
    wait_until(has_ended, "the old one serves no more", within_s=5)
    assert monotonic_s() - started_s < HOLDS_WITHIN_S
    waiting.start()
    waiting.join(0.05)
    assert not found
    compiling.gate.set()
    waiting.join(5)
    assert version(found[0]) == 2
    assert compiling.threads == [REFRESHER]


def test_a_look_up_of_another_organization_does_not_wait_for_a_compilation(
    live_app: Flask, snapshots: Snapshots, compiling: Compiling, monkeypatch: pytest.MonkeyPatch
) -> None:
    dear, other = organization_with_key(live_app), organization_with_key(live_app)
    change(live_app, other)
    first = threading.Thread(target=lambda: snapshots.organization(dear.organization_id))
    first.start()
    wait_until(lambda: compiling.threads, "somebody compiles")
    monkeypatch.setattr("api.snapshots.compiled.compile_policy", compile_policy)

    assert version(snapshots.organization(other.organization_id)) == 2
    assert first.is_alive()
    compiling.gate.set()
    first.join(5)


def test_a_suspension_does_not_wait_for_a_policy_to_compile(
    live_app: Flask, member: Member, snapshots: Snapshots, compiling: Compiling
) -> None:
    with live_app.app_context(), acting_as_system(), transaction():
        organization = db.session.get(Organization, member.organization_id)
        assert organization is not None
        organization.status = OrganizationStatus.SUSPENDED
        policies.change(member.organization_id, "max_risk_score", 60, by=SYSTEM, now=utc_now())
    wait_until(lambda: compiling.threads, "the new version is being compiled")

    known = snapshots.in_memory.organization(member.organization_id)

    assert (known.status, version(known)) == (OrganizationStatus.SUSPENDED, 1)


def test_what_is_announced_without_a_new_policy_compiles_nothing(
    live_app: Flask, member: Member, snapshots: Snapshots, compiling: Compiling
) -> None:
    with live_app.app_context(), acting_as_system(), transaction():
        organization = db.session.get(Organization, member.organization_id)
        assert organization is not None
        organization.check_limit = 77

    wait_until(
        lambda: snapshots.in_memory.organization(member.organization_id).check_limit == 77, "the change is known"
    )
    assert compiling.threads == []


def dearest_rules() -> list[dict[str, Any]]:
    """As large as rules may be, each different from the others."""

    def condition(place: int) -> str:
        return "model in [" + ",".join(f"'{place:03}{entry:02}'" for entry in range(58)) + "]"

    return [
        {"code": f"r{rule}", "when": {"all": [condition(10 * rule + place) for place in range(8)]}, "message": "m"}
        for rule in range(26)
    ]


def test_no_check_waits_while_the_dearest_policy_is_saved_and_compiled(
    live_app: Flask, member: Member, snapshots: Snapshots, compiling: Compiling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For as long as it is promised, which a crowded machine may need longer than for this policy."""
    monkeypatch.setattr("api.snapshots.store.HOLDS_WITHIN_S", 60)
    compiling.gate.set()
    compiling.before = compile_rule.cache_clear  # as in a process that did not save it
    saving = threading.Thread(target=change, args=(live_app, member, "rules", dearest_rules()))
    saving.start()
    looks = 0

    while version(snapshots.in_memory.organization(member.organization_id)) == 1:  # raises where one would wait
        looks += 1
        time.sleep(0.001)

    saving.join(10)
    assert looks > 10
    assert compiling.threads == [REFRESHER]
