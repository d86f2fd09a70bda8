"""Deleting a key that has ended, and erasing it with every decision that was made with it."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from api.decisions import key_erasure
from api.keys import deletion, lookup
from api.keys import services as keys
from api.keys.deletion import KeyStillActive
from api.keys.token import KeyEnvironment
from backups import erasures
from backups.erasures import ErasureRecord
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.errors import NotFound
from core.ids import new_uuid, time_of
from tests.cast import Member


@pytest.fixture
def ended(app: Flask, ada: Member) -> UUID:
    """A revoked key with three decisions."""
    return made(app, ada, decisions=3)


def made(app: Flask, member: Member, *, decisions: int, is_revoked: bool = True, name: str = "old") -> UUID:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        key = keys.issue(
            member.organization_id, name=name, environment=KeyEnvironment.TEST, by=COMMAND_LINE, now=now
        ).key
        if is_revoked:
            keys.revoke(member.organization_id, key.id, reason=None, by=COMMAND_LINE, now=now)
        for _ in range(decisions):
            insert_decision(member.organization_id, key.id)
        return key.id


def insert_decision(organization_id: UUID, key_id: UUID) -> None:
    """As the recorder writes it: the id leads to its day."""
    decision_id = new_uuid()
    facts = {"id": decision_id, "at": time_of(decision_id), "organization": organization_id, "key": key_id}
    db.session.execute(
        text(
            "INSERT INTO decision SELECT :id, :at, :organization, :key, 'test', 'm', 'chat', '{}', NULL, 0, true, 'ok',"
            " '[]', 1, 1, 'r'"
        ),
        facts,
    )


def count(app: Flask, member: Member, key_id: UUID) -> int:
    with app.app_context(), acting_for(member.organization_id):
        return key_erasure.count_of(member.organization_id, key_id)


def is_there(app: Flask, member: Member, key_id: UUID) -> bool:
    with app.app_context(), acting_for(member.organization_id):
        return lookup.find_or_none(member.organization_id, key_id) is not None


def trail(app: Flask, action: str) -> list[tuple[str, object]]:
    with app.app_context(), acting_as_system():
        query = text("SELECT subject_id, after FROM audit_event WHERE action = :action")
        return [(row.subject_id, row.after) for row in db.session.execute(query, {"action": action})]


def test_a_deleted_key_is_gone_and_its_decisions_stay(app: Flask, ada: Member, ended: UUID) -> None:
    with app.app_context(), acting_for(ada.organization_id), transaction():
        deletion.delete_key(ada.organization_id, ended, by=COMMAND_LINE, now=utc_now())

    assert not is_there(app, ada, ended)
    assert count(app, ada, ended) == 3
    assert trail(app, "api_key.deleted") == [(f"key_{ended.hex}", None)]


def test_an_erased_key_takes_its_decisions_along_and_no_others(app: Flask, ada: Member, ended: UUID) -> None:
    other = made(app, ada, decisions=2, name="other")

    with app.app_context(), acting_for(ada.organization_id), transaction():
        assert key_erasure.erase_key(ada.organization_id, ended, by=COMMAND_LINE, now=utc_now()) == 3

    assert not is_there(app, ada, ended)
    assert (count(app, ada, ended), count(app, ada, other)) == (0, 2)
    assert trail(app, "api_key.erased") == [(f"key_{ended.hex}", {"decisions": 3})]


@pytest.mark.parametrize("is_with_decisions", [False, True])
def test_a_key_that_works_is_not_deleted(app: Flask, ada: Member, is_with_decisions: bool) -> None:
    key_id = made(app, ada, decisions=1, is_revoked=False)
    remove = key_erasure.erase_key if is_with_decisions else deletion.delete_key

    with app.app_context(), acting_for(ada.organization_id), pytest.raises(KeyStillActive):
        remove(ada.organization_id, key_id, by=COMMAND_LINE, now=utc_now())

    assert is_there(app, ada, key_id)
    assert count(app, ada, key_id) == 1


def test_an_expired_key_can_be_deleted(app: Flask, ada: Member) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        key = keys.issue(
            ada.organization_id,
            name="short",
            environment=KeyEnvironment.TEST,
            by=COMMAND_LINE,
            now=now,
            expires_at=now + timedelta(hours=1),
        ).key
        key_id = key.id

    with app.app_context(), acting_for(ada.organization_id):
        with pytest.raises(KeyStillActive):
            deletion.delete_key(ada.organization_id, key_id, by=COMMAND_LINE, now=now + timedelta(minutes=59))
        with transaction():
            deletion.delete_key(ada.organization_id, key_id, by=COMMAND_LINE, now=now + timedelta(hours=1))

    assert not is_there(app, ada, key_id)


@pytest.mark.parametrize("is_with_decisions", [False, True])
def test_a_stranger_s_key_is_not_found(
    app: Flask, ada: Member, cleo: Member, ended: UUID, is_with_decisions: bool
) -> None:
    remove = key_erasure.erase_key if is_with_decisions else deletion.delete_key

    with app.app_context(), acting_for(cleo.organization_id), pytest.raises(NotFound):
        remove(cleo.organization_id, ended, by=COMMAND_LINE, now=utc_now())

    assert count(app, ada, ended) == 3


def test_the_database_erases_for_no_other_organization(app: Flask, ada: Member, cleo: Member, ended: UUID) -> None:
    with app.app_context(), acting_for(cleo.organization_id):
        assert db.session.scalar(text("SELECT erase_decisions_of_key(:key)"), {"key": ended}) == 0

    assert count(app, ada, ended) == 3


def test_after_a_restore_it_is_erased_again(app: Flask, ada: Member, ended: UUID) -> None:
    now = utc_now()
    facts = {"organization_id": str(ada.organization_id), "key_id": str(ended)}

    with app.app_context(), acting_as_system(), transaction():
        erasures.make_again(ErasureRecord(new_uuid(), key_erasure.KEY, facts, now), now=now)
        erasures.make_again(ErasureRecord(new_uuid(), key_erasure.KEY, facts, now), now=now)

    assert not is_there(app, ada, ended)
    assert count(app, ada, ended) == 0


def test_the_log_of_a_key_is_read_by_an_index(app: Flask, ada: Member, ended: UUID) -> None:
    with app.app_context(), acting_as_system():
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = db.session.scalars(
            text(
                "EXPLAIN SELECT id FROM decision WHERE organization_id = :organization AND api_key_id = :key"
                " ORDER BY decided_at DESC, id DESC LIMIT 25"
            ),
            {"organization": ada.organization_id, "key": ended},
        ).all()

    assert "api_key_id" in "\n".join(line for line in plan if "Index" in line)
