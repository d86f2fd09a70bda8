"""A retried check is one decision: one row, one answer, wherever the first row lies."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select, text

from api.decisions import retention
from api.decisions.models import Decision
from api.recording.idempotency import KeyedRecorder, KeyedSink, PendingKeys, ReplaySink
from api.recording.replay import Replay
from api.recording.spool import Spool
from api.runtime import Runtime
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from tests.cast import HARMLESS, Caller, Member, another_key

KEY = {"Idempotency-Key": "order-1"}
OTHER = {**HARMLESS, "model": "gpt-5"}
TWO = {"checks": [HARMLESS, {**HARMLESS, "metadata": {"contains_personal_data": True}}]}


def rows_of(app: Flask, member: Member) -> int:
    with app.app_context(), acting_for(member.organization_id):
        mine = Decision.organization_id == member.organization_id
        return int(db.session.scalar(select(func.count()).select_from(Decision).where(mine)) or 0)


class Outage:
    """The database as the recorder of checks with a key meets it, and as the replay does."""

    def __init__(self, room: Runtime, folder: Path) -> None:
        self._connect = room.keyed_recorder._sink._connect
        self._room, self._pending = room, PendingKeys(folder / "keyed")

    def another_process(self, *, is_away: bool) -> None:
        connect = self._refuse if is_away else self._connect
        self._room.keyed_recorder = KeyedRecorder(
            KeyedSink(connect), self._room.spool, self._pending, is_database_lost=lambda: False
        )

    def replay(self) -> int:
        return Replay(ReplaySink(self._connect, self._pending), self._room.spool).run_once()

    def is_pending(self) -> bool:
        return any(self._pending._folder.iterdir())

    def _refuse(self) -> Any:
        raise psycopg.OperationalError


@pytest.fixture
def outage(room: Runtime, tmp_path: Path) -> Outage:
    room.spool = Spool(tmp_path / "spool", max_bytes=1_000_000)
    return Outage(room, tmp_path / "spool")


def test_a_retry_gets_the_same_decision_and_makes_no_second_row(app: Flask, as_ada: Caller, ada: Member) -> None:
    first = as_ada.post("/v1/check", HARMLESS, headers=KEY)
    as_ada.patch("/v1/policies/max_risk_score", {"value": 1})
    again = as_ada.post("/v1/check", HARMLESS, headers=KEY)

    assert first.status_code == again.status_code == 200
    assert again.json == first.json
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert rows_of(app, ada) == 1


def test_a_batch_is_retried_check_by_check(app: Flask, as_ada: Caller, ada: Member) -> None:
    first = as_ada.post("/v1/checks", TWO, headers=KEY)
    again = as_ada.post("/v1/checks", TWO, headers=KEY)

    assert [item["decision"]["allowed"] for item in first.json["results"]] == [True, False]
    assert again.json["results"] == first.json["results"]
    assert rows_of(app, ada) == 2


@pytest.mark.parametrize("path", ["/v1/check", "/v1/checks"])
def test_another_body_under_a_key_is_refused_and_not_recorded(
    app: Flask, as_ada: Caller, ada: Member, path: str
) -> None:
    before, other = (HARMLESS, OTHER) if path == "/v1/check" else (TWO, {"checks": [HARMLESS]})
    as_ada.post(path, before, headers=KEY)
    rows = rows_of(app, ada)

    refused = as_ada.post(path, other, headers=KEY)

    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")
    assert rows_of(app, ada) == rows


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "schlüssel".encode().decode("latin-1")])
def test_a_malformed_key_is_named(app: Flask, as_ada: Caller, ada: Member, key: str) -> None:
    refused = as_ada.post("/v1/check", HARMLESS, headers={"Idempotency-Key": key})

    assert refused.status_code == 422
    assert [fault["path"] for fault in refused.json["errors"]] == ["Idempotency-Key"]
    assert rows_of(app, ada) == 0


def test_keys_are_each_api_keys_own(app: Flask, as_ada: Caller, ada: Member, as_cleo: Caller) -> None:
    second = Caller(app.test_client(), another_key(app, ada).secret)

    ids = {caller.post("/v1/check", HARMLESS, headers=KEY).json["decision_id"] for caller in (as_ada, second, as_cleo)}

    assert len(ids) == 3


def test_a_retry_while_the_database_is_away_finds_the_spooled_row(
    app: Flask, as_ada: Caller, ada: Member, outage: Outage
) -> None:
    outage.another_process(is_away=True)
    first = as_ada.post("/v1/check", HARMLESS, headers=KEY)
    outage.another_process(is_away=True)
    again = as_ada.post("/v1/check", HARMLESS, headers=KEY)

    assert again.json == first.json
    assert outage.replay() == 2  # the same line twice
    assert rows_of(app, ada) == 1
    assert not outage.is_pending()
    outage.another_process(is_away=False)
    assert as_ada.post("/v1/check", HARMLESS, headers=KEY).json == first.json


def test_a_retry_after_the_outage_finds_the_row_that_is_still_spooled(
    app: Flask, as_ada: Caller, ada: Member, outage: Outage
) -> None:
    outage.another_process(is_away=True)
    first = as_ada.post("/v1/check", HARMLESS, headers=KEY)
    outage.another_process(is_away=False)
    again = as_ada.post("/v1/check", HARMLESS, headers=KEY)

    assert again.json == first.json
    assert rows_of(app, ada) == 1
    outage.replay()
    assert rows_of(app, ada) == 1


def test_another_body_is_refused_while_the_first_is_spooled(as_ada: Caller, outage: Outage) -> None:
    outage.another_process(is_away=True)
    as_ada.post("/v1/check", HARMLESS, headers=KEY)

    assert as_ada.post("/v1/check", OTHER, headers=KEY).json["code"] == "idempotency_key_reused"


def test_two_machines_that_both_spooled_end_with_one_row(
    app: Flask, as_ada: Caller, ada: Member, outage: Outage, room: Runtime, tmp_path: Path
) -> None:
    outage.another_process(is_away=True)
    as_ada.post("/v1/check", HARMLESS, headers=KEY)
    elsewhere = Outage(room, tmp_path / "elsewhere")
    elsewhere.another_process(is_away=True)
    as_ada.post("/v1/check", HARMLESS, headers=KEY)

    outage.replay()

    assert rows_of(app, ada) == 1


def test_keys_are_forgotten_after_a_day(app: Flask, as_ada: Caller, ada: Member) -> None:
    first = as_ada.post("/v1/check", HARMLESS, headers=KEY).json["decision_id"]
    with app.app_context(), acting_as_system(), transaction():
        assert retention.forget_idempotency_keys(now=utc_now()) == 0
        db.session.execute(text("UPDATE check_idempotency SET decided_at = decided_at - interval '25 hours'"))

    second = as_ada.post("/v1/check", HARMLESS, headers=KEY).json["decision_id"]

    assert second != first
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(text("UPDATE check_idempotency SET decided_at = decided_at - interval '9 days'"))
        assert retention.forget_idempotency_keys(now=utc_now()) == 1


def test_a_decision_that_was_deleted_is_not_made_again(app: Flask, as_ada: Caller, ada: Member) -> None:
    as_ada.post("/v1/check", HARMLESS, headers=KEY)
    with app.app_context(), transaction():
        retention.delete_everything(ada.organization_id, now=utc_now())

    refused = as_ada.post("/v1/check", HARMLESS, headers=KEY)

    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")
    assert "deleted" in refused.json["detail"]
    assert rows_of(app, ada) == 0
