"""Signed policy bundles: what is in them, who gets one, how they are verified, and waiting for the next."""

import asyncio
import base64
import json
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Flask

from api.bundles import services, signing_keys
from api.keys.scopes import Scope
from api.policies.bundle import Bundle, ForTheService, content_of, policy_from
from api.policies.compiling import compile_policy
from api.policies.document import PolicyDocument
from api.policies.evaluator import CompiledPolicy, evaluate
from api.policies.rules import Rule, RuleState, When
from api.runtime import runtime
from api.snapshots.read_through_cache import NotInMemory
from api.v1.bundle_views import BUNDLE_PATH, KEYS_PATH
from api.v1.bundle_waiting import BundleHandler
from core.accounts import Organization, OrganizationStatus
from core.clock import monotonic_s, utc_now
from core.db import acting_as_system, db, transaction
from core.settings import Settings
from core.signing_keys import new_key
from core.tokens import digest_of
from tests.api import conditions
from tests.cast import Caller, Member, another_key

NOBODY = UUID(int=0)
NO_TREE = Rule(code="no_tree", when=When(all=("dataset_record_count == 0x10",)), message="Only the engine knows.")


def verified(answer: Any, key: Any) -> Bundle:
    key_id, _, signature = answer.headers["Policy-Signature"].partition("=")
    assert key_id == key["id"]
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"]))
    public.verify(base64.b64decode(signature), answer.data)
    return msgspec.json.decode(answer.data, type=Bundle)


def test_a_bundle_is_the_policies_in_force_signed_for_the_key(as_ada: Caller, as_nobody: Caller, ada: Member) -> None:
    as_ada.patch("/v1/policies/max_risk_score", {"value": 65})

    answer, keys = as_ada.get(BUNDLE_PATH), as_nobody.get(KEYS_PATH).json["keys"]

    bundle = verified(answer, keys[0])
    assert (bundle.revision, bundle.policies["max_risk_score"], bundle.environment) == (2, 65, "live")
    assert bundle.key_id == f"key_{ada.key_id.hex}"
    assert timedelta(hours=24) <= bundle.not_after - utc_now() <= timedelta(hours=25)
    with pytest.raises(InvalidSignature):
        verified(SimpleNamespace(headers=answer.headers, data=answer.data.replace(b"65", b"99")), keys[0])


def test_it_is_sent_again_only_where_something_changed(as_ada: Caller) -> None:
    first = as_ada.get(BUNDLE_PATH)
    known = {"If-None-Match": first.headers["ETag"]}

    same = as_ada.get(f"{BUNDLE_PATH}?wait=25", headers=known)
    as_ada.patch("/v1/policies/max_risk_score", {"value": 65})
    other = as_ada.get(BUNDLE_PATH, headers=known)

    assert (same.status_code, same.data) == (304, b"")
    assert (other.status_code, other.json["revision"]) == (200, 2)


@pytest.mark.parametrize("scopes", [(Scope.CHECKS_WRITE,), (Scope.POLICIES_READ,)])
def test_a_key_needs_both_scopes(app: Flask, ada: Member, scopes: tuple[Scope, ...]) -> None:
    caller = Caller(app.test_client(), another_key(app, ada, scopes=scopes).secret)

    assert caller.get(BUNDLE_PATH).json["code"] == "missing_scope"


def test_nobody_and_the_suspended_get_none(app: Flask, as_ada: Caller, as_nobody: Caller, ada: Member) -> None:
    assert as_nobody.get(BUNDLE_PATH).status_code == 401
    known = as_ada.get(BUNDLE_PATH).headers["ETag"]
    with app.app_context(), acting_as_system(), transaction():
        organization = db.session.get(Organization, ada.organization_id)
        assert organization is not None
        organization.status = OrganizationStatus.SUSPENDED

    assert as_ada.get(BUNDLE_PATH, headers={"If-None-Match": known}).json["code"] == "organization_suspended"


@pytest.mark.parametrize("wait", ["-1", "51", "soon"])
def test_how_long_to_wait_is_bounded(as_ada: Caller, wait: str) -> None:
    assert as_ada.get(f"{BUNDLE_PATH}?wait={wait}").status_code == 422


def test_a_rule_without_trees_is_marked_and_nothing_is_decided_without_the_service(as_ada: Caller) -> None:
    assert as_ada.patch("/v1/policies/rules", {"value": msgspec.to_builtins([NO_TREE])}).status_code == 200

    bundle = msgspec.json.decode(as_ada.get(BUNDLE_PATH).data, type=Bundle)

    assert bundle.needs_service == ("no_tree",)
    with pytest.raises(ForTheService, match="no_tree"):
        policy_from(bundle, NOBODY)


def carried(policy: CompiledPolicy) -> CompiledPolicy:
    """The policy as it comes out of its bundle, byte by byte."""
    settings = Settings()
    key = SimpleNamespace(id=NOBODY, environment="live")
    body = services.bundle_for(key, b"", policy, settings, now=utc_now()).body  # type: ignore[arg-type]
    return policy_from(msgspec.json.decode(body, type=Bundle), NOBODY)


def test_what_comes_out_of_a_bundle_decides_as_what_went_in() -> None:
    random, compared, reasons = Random(17), 0, set()
    for _ in range(120):
        document = conditions.policy(random, rules=2)
        rules = tuple(
            msgspec.structs.replace(rule, state=random.choice([*RuleState]), percent=50) for rule in document.rules
        )
        policy = compile_policy(NOBODY, 7, msgspec.structs.replace(document, rules=rules))
        if content_of(policy)["needs_service"]:
            continue
        other = carried(policy)
        for _ in range(20):
            request = conditions.request(random)
            try:
                outcome = evaluate(other, request, bucket_key="a")
            except ForTheService:
                continue
            assert outcome == evaluate(policy, request, bucket_key="a"), (policy.document, request)
            compared += 1
            reasons.add(outcome.reason)

    assert compared > 100
    assert len(reasons) > 3


def test_a_new_key_is_signed_over_to_by_the_one_before() -> None:
    old = Settings(policy_signing_key=new_key())
    new = Settings(policy_signing_key=new_key(), policy_signing_key_previous=old.policy_signing_key)

    (before, *_), (present, still) = signing_keys.published(old).keys, signing_keys.published(new).keys

    assert still.id == before.id
    assert json.loads(present.statement)["predecessor"] == before.id
    assert present.predecessor_signature is not None
    Ed25519PublicKey.from_public_bytes(base64.b64decode(before.public_key)).verify(
        base64.b64decode(present.predecessor_signature), present.statement.encode()
    )


class Waiting:
    """A handler whose memory the test changes, and how long its requests waited."""

    def __init__(self, app: Flask, ada: Member) -> None:
        self.real = runtime(app).snapshots
        self.key: Any = msgspec.structs.replace(self._known_key(ada))
        self.policy: Any = compile_policy(ada.organization_id, 1, PolicyDocument())
        self.settings = runtime(app).settings
        memory = SimpleNamespace(key=self._key, organization=lambda _: SimpleNamespace(policy=self.policy))
        room: Any = SimpleNamespace(snapshots=SimpleNamespace(in_memory=memory), settings=self.settings)
        self.handler = BundleHandler(room, self._flask)
        self.waited_s: list[float] = []
        self.began_s = 0.0
        self.secret = ada.secret

    def _known_key(self, ada: Member) -> Any:
        return self.real.key(digest_of(ada.secret))

    def _key(self, _digest: bytes) -> Any:
        if self.key is None:
            raise NotInMemory
        return self.key

    async def _flask(self, _request: Any) -> None:
        self.waited_s.append(monotonic_s() - self.began_s)

    async def ask(self, *, wait: str, etag: str | None = None, is_stopping: bool = False) -> float:
        known = etag or services.etag_of(self.key, self.policy, self.settings, now=utc_now())
        environ = {
            "HTTP_AUTHORIZATION": f"Bearer {self.secret}",
            "HTTP_IF_NONE_MATCH": known,
            "QUERY_STRING": f"wait={wait}",
        }
        self.began_s = monotonic_s()
        await self.handler(SimpleNamespace(method="GET", environ=environ, is_stopping=is_stopping))  # type: ignore[arg-type]
        return self.waited_s[-1]


@pytest.fixture
def waiting(app: Flask, ada: Member, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    monkeypatch.setattr("api.v1.bundle_waiting.LOOK_EVERY_S", 0.01)
    return Waiting(app, ada)


def test_the_wait_ends_with_a_change_with_a_revocation_and_in_time(waiting: Waiting) -> None:
    async def during(change: str, value: Any) -> float:
        asking = asyncio.create_task(waiting.ask(wait="20"))
        await asyncio.sleep(0.1)
        setattr(waiting, change, value)
        return await asking

    newer = compile_policy(NOBODY, 2, PolicyDocument())
    assert 0.03 < asyncio.run(during("policy", newer)) < 5
    assert 0.03 < asyncio.run(during("key", None)) < 5


def test_who_has_another_bundle_or_a_stopping_process_does_not_wait(waiting: Waiting) -> None:
    assert asyncio.run(waiting.ask(wait="20", etag='"other"')) < 1
    assert asyncio.run(waiting.ask(wait="20", is_stopping=True)) < 1
    assert 0.9 < asyncio.run(waiting.ask(wait="1")) < 3


def test_beyond_as_many_as_may_wait_others_are_answered_at_once(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two() -> None:
        first = asyncio.create_task(waiting.ask(wait="20"))
        await asyncio.sleep(0.03)
        assert await waiting.ask(wait="20") < 1
        assert not first.done()
        first.cancel()

    waiting.handler._of_one.most = 1
    asyncio.run(two())
