"""Evidence comes in signed, counts only for this service, and only whole."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask

from core import current, signed_bodies
from core.clock import utc_now
from core.db import acting_as_system
from core.release import locked, release
from core.settings import Settings
from portal.console.launch.checks import CHECKS
from portal.console.launch.verdicts import CheckContext
from tests.portal.launch.scene import EVIDENCE_KEY, attack, audit, hand_in, load

OF_THE_LOAD_TEST = ("load_held", "load_p95", "load_errors", "load_passed", "latency_met")


@pytest.fixture
def keyed(app: Flask) -> Iterator[Flask]:
    before: Settings = app.extensions[current.EXTENSION]
    app.extensions[current.EXTENSION] = msgspec.structs.replace(before, evidence_key=EVIDENCE_KEY)
    yield app
    app.extensions[current.EXTENSION] = before


def is_green(app: Flask, check: str, *, after: timedelta = timedelta(0)) -> bool:
    with app.app_context(), acting_as_system():
        return CHECKS[check](CheckContext(current.settings(), utc_now() + after)).is_green


def with_stage(**changes: Any) -> dict[str, Any]:
    whole = load()
    stage = {**whole["found"]["stages"][0], **changes}
    return {**whole, "answers": stage["answers"], "found": {**whole["found"], "stages": [stage]}}


def test_a_whole_load_test_of_this_service_turns_its_items_green(keyed: Flask) -> None:
    before = {is_green(keyed, check) for check in OF_THE_LOAD_TEST}

    answer = hand_in(keyed, load())

    assert (before, answer.status_code) == ({False}, 204)
    assert {is_green(keyed, check) for check in OF_THE_LOAD_TEST} == {True}


REFUSED = {
    "another host": {**load(), "host": "elsewhere.example"},
    "a shortened run": {**load(), "found": {**load()["found"], "is_shortened": True}},
    "another profile": {**load(), "found": {**load()["found"], "profile": "burst"}},
    "too short a stage": with_stage(seconds=299, answers=299_000),
    "too low a rate": with_stage(rate_per_s=999),
    "one answer": with_stage(answers=1),
    "too few answers": with_stage(answers=296_999),
    "too few keys": {**load(), "keys": 599},
    "ended before it can have": {**load(), "started_at": load()["finished_at"]},
    "answers that do not add up": {**load(), "answers": 1},
    "of the future": load(age=timedelta(days=-1)),
    "too old": load(age=timedelta(days=32)),
    "an audit of other dependencies": {**audit(), "found": {**audit()["found"], "lock": "0" * 64}},
    "an attack on this service itself": {**attack(), "host": load()["host"]},
    "an attack on another release": {**attack(), "release": "0" * 12},
    "an attack on too few routes": {**attack(), "found": {**attack()["found"], "routes": 99}},
    "an attack with too few answers": {**attack(), "answers": 1},
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_does_not_count_is_refused_and_turns_nothing_green(keyed: Flask, case: str) -> None:
    answer = hand_in(keyed, REFUSED[case])

    assert (answer.status_code, answer.json["code"]) == (422, "evidence_refused")
    assert not any(is_green(keyed, check) for check in (*OF_THE_LOAD_TEST, "dependencies_audited", "filters_hold"))


@pytest.mark.parametrize(
    "body",
    [{**load(), "found": {}}, {**load(), "surprise": 1}, {**load(), "answers": -1}, {**load(), "kind": "gossip"}],
)
def test_what_has_another_shape_is_refused(keyed: Flask, body: dict[str, Any]) -> None:
    answer = hand_in(keyed, body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


def test_what_is_not_signed_or_signed_too_long_ago_is_refused(keyed: Flask) -> None:
    body = msgspec.json.encode(load())
    old = signed_bodies.sign(body, key=EVIDENCE_KEY, now=utc_now() - timedelta(minutes=6))
    headers = (None, "t=1,v1=nonsense", signed_bodies.sign(body, key="x" * 24, now=utc_now()), old)

    answers = [
        keyed.test_client().post("/webhooks/evidence", data=body, headers={"X-Signature": one} if one else {})
        for one in headers
    ]
    changed = keyed.test_client().post(
        "/webhooks/evidence",
        data=body.replace(b"300000", b"300001"),
        headers={"X-Signature": signed_bodies.sign(body, key=EVIDENCE_KEY, now=utc_now())},
    )

    assert [answer.status_code for answer in (*answers, changed)] == [401] * 5
    assert not is_green(keyed, "load_held")


def test_without_a_key_there_is_no_such_address(app: Flask) -> None:
    assert hand_in(app, load()).status_code == 404


def test_evidence_handed_in_twice_is_kept_once(keyed: Flask) -> None:
    body = load()

    assert [hand_in(keyed, body).status_code for _ in range(2)] == [204, 204]


def test_a_file_written_by_hand_turns_nothing_green(keyed: Flask) -> None:
    settings: Settings = keyed.extensions[current.EXTENSION]
    folder = settings.data_path / "evidence"
    folder.mkdir(exist_ok=True)
    (folder / "load.json").write_bytes(msgspec.json.encode({"launch": load()["found"]}))

    assert not is_green(keyed, "load_held")


@pytest.mark.parametrize(
    ("check", "body"),
    [
        ("load_p95", with_stage(p95_ms=500.0)),
        ("load_errors", with_stage(answers=296_000, errors={"timeout": 4_000})),
        ("latency_met", with_stage(p50_ms=200.0)),
        ("dependencies_audited", {**audit(), "found": {**audit()["found"], "holes": ["flask"]}}),
        ("filters_hold", {**attack(), "found": {**attack()["found"], "failures": ["GET /decisions"]}}),
        ("pages_hold", {**attack(), "found": {**attack()["found"], "markup": ["GET /decisions"]}}),
    ],
)
def test_evidence_of_a_fault_counts_and_is_red(keyed: Flask, check: str, body: dict[str, Any]) -> None:
    assert hand_in(keyed, body).status_code == 204
    assert not is_green(keyed, check)


@pytest.mark.parametrize(
    ("check", "body"), [("dependencies_audited", audit()), ("filters_hold", attack()), ("pages_hold", attack())]
)
def test_an_audit_and_an_attack_test_without_a_fault_are_green_for_a_month(
    keyed: Flask, check: str, body: dict[str, Any]
) -> None:
    hand_in(keyed, body)

    assert is_green(keyed, check)
    assert not is_green(keyed, check, after=timedelta(days=32))


def test_an_attack_test_ends_with_the_release(keyed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(keyed, attack())
    monkeypatch.setattr("portal.console.launch.evidence_records.release", lambda: "f" * 12)

    assert not is_green(keyed, "filters_hold")


def test_a_release_is_known_by_its_source() -> None:
    assert (len(release()), len(locked())) == (12, 64)
