"""Signed heads over the decision log, and the verifier that names what was changed."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from api.decisions import retention
from api.decisions.models import Decision
from api.ledger import fence, heads, jobs, merkle, records, signing, signing_keys, verification
from api.ledger.findings import Fault, Report
from api.ledger.heads import Head
from api.ledger.models import LogChain, LogErasure, LogHead
from api.ledger.signing import Signed
from backups import erasures
from core import current
from core.accounts import Organization
from core.audit import COMMAND_LINE
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.ids import new_uuid, parse_public_id, time_of
from core.jobs import jobs as queue
from core.settings import Settings
from core.signing_keys import new_key
from tests.cast import Caller, Member

INSERT = text("""
    INSERT INTO decision (id, decided_at, organization_id, api_key_id, environment, model, operation, metadata, subject,
        risk_score, allowed, reason, reasons, policy_version, latency_us, request_id, recorded_number)
    SELECT :id, :at, organization_id, api_key_id, environment, model, operation, metadata, subject, risk_score, allowed,
        reason, reasons, policy_version, latency_us, request_id,
        CASE WHEN :number < 0 THEN nextval('decision_recorded_number') ELSE nullif(:number, 0) END
    FROM decision WHERE id = :like
""")


def sign(most_rows: int = signing.MOST_ROWS) -> list[Signed]:
    """All that there is, as the job does it."""
    signed: list[Signed] = []
    while not signed or not signed[-1].is_all:
        with acting_as_system(), transaction():
            through = fence.complete_through()
            signed.append(signing.sign_slice(now=utc_now(), complete_through=through, most_rows=most_rows))
    return signed


def verify(member: Member, kept_head: str | None = None) -> Report:
    with acting_as_system():
        return verification.verify_all(chain_of(member), kept_head=kept_head)


def chain_of(member: Member) -> LogChain:
    return db.session.get_one(LogChain, member.organization_id, populate_existing=True)


def heads_of(member: Member) -> list[Head]:
    with acting_as_system():
        query = select(LogHead.body).where(LogHead.organization_id == member.organization_id)
        found = [heads.read(body) for body in db.session.scalars(query.order_by(LogHead.sequence))]
    return [head for head in found if head is not None]


def change(statement: str, **values: object) -> None:
    """As somebody who owns the database."""
    with acting_as_system(), transaction():
        db.session.execute(text("SELECT set_config('role', 'none', true)"))
        db.session.execute(text(statement), values)


def insert_like(decision_id: UUID, *, number: int = -1, at: datetime | None = None) -> UUID:
    """Another decision with the same facts; `number`: where it pretends to have been recorded, 0 for nowhere."""
    new_id = new_uuid(at_ms=int(at.timestamp() * 1000) if at else None)
    with acting_as_system(), transaction():
        db.session.execute(text("SELECT set_config('role', 'none', true)"))
        db.session.execute(text("SELECT ensure_decision_partition(:day)"), {"day": time_of(new_id).date()})
        db.session.execute(INSERT, {"id": new_id, "at": time_of(new_id), "like": decision_id, "number": number})
    return new_id


@pytest.fixture
def decided(app: Flask, as_ada: Caller, ada: Member) -> Iterator[list[UUID]]:
    """Six of Ada's decisions under two heads."""
    made = []
    with app.app_context():
        for _ in range(2):
            made += [as_ada.check(subject=f"person-{number}").json["decision_id"] for number in range(3)]
            sign()
        yield [decision_id for one in made if (decision_id := parse_public_id("dec", one)) is not None]


def test_every_decision_is_under_a_head_that_is_signed(ada: Member, decided: list[UUID]) -> None:
    first, second = heads_of(ada)

    assert (first.sequence, first.first, first.rows, first.total) == (1, 1, 3, 3)
    assert (second.sequence, second.first, second.rows, second.total) == (2, 4, 3, 6)
    assert second.oldest == time_of(decided[3])
    assert first.previous == "00" * 32
    report = verify(ada)
    assert (report.is_intact, report.heads, report.rows) == (True, 2, 6)


def test_a_record_has_every_column(ada: Member, decided: list[UUID]) -> None:
    """One that is added later is left out where it is null: heads before it must stay good."""
    columns = {column.name for column in Decision.__table__.columns} - {"recorded_number"}
    change(
        """UPDATE decision SET sdk = '{"version": "1"}', shadow = '[]', derivation = '{}', subject = '\\x01'
        WHERE id = :id""",
        id=decided[0],
    )
    with acting_as_system():
        rows = records.of_organization(ada.organization_id, after=0, through=fence.last_number())
    full, usual = (json.loads(row.record) for row in rows[:2])

    assert full.keys() == columns
    assert usual.keys() == columns - {"sdk", "shadow", "derivation"}


def test_nothing_is_signed_twice_and_no_head_says_nothing(ada: Member, decided: list[UUID]) -> None:
    assert [(one.rows, one.heads) for one in sign()] == [(0, 0)]
    assert len(heads_of(ada)) == 2


TAMPERING = {
    "a flipped bit": ("UPDATE decision SET allowed = NOT allowed WHERE id = :id", Fault.ROW_CHANGED),
    "a byte of a name": ("UPDATE decision SET model = 'gpt-4p' WHERE id = :id", Fault.ROW_CHANGED),
    "a fact": (
        """UPDATE decision SET metadata = metadata || '{"department": "x"}' WHERE id = :id""",
        Fault.ROW_CHANGED,
    ),
    "deleted": ("DELETE FROM decision WHERE id = :id", Fault.ROW_DELETED),
    "recorded later": (
        "UPDATE decision SET recorded_number = recorded_number + 1000000 WHERE id = :id",
        Fault.ROW_MOVED,
    ),
    "recorded never": ("UPDATE decision SET recorded_number = NULL WHERE id = :id", Fault.ROW_MOVED),
    "exchanged": (
        """UPDATE decision a SET recorded_number = b.recorded_number FROM decision b
           WHERE a.id IN (:id, :other) AND b.id IN (:id, :other) AND a.id <> b.id""",
        Fault.ROW_MOVED,
    ),
}


@pytest.mark.parametrize("place", [1, 5], ids=["amid", "at the end"])
@pytest.mark.parametrize("name", TAMPERING)
def test_a_tampered_entry_is_named(ada: Member, decided: list[UUID], name: str, place: int) -> None:
    statement, fault = TAMPERING[name]
    values = {"id": decided[place], "other": decided[place - 1]}
    change(statement, **{key: value for key, value in values.items() if f":{key}" in statement})

    findings = verify(ada).findings

    named = {(one.fault, one.decision_id) for one in findings}
    assert named & {(fault, f"dec_{decided[place].hex}"), (fault, f"dec_{decided[place - 1].hex}")}
    assert {one.decision_id for one in findings} <= {f"dec_{one.hex}" for one in decided[place - 1 : place + 1]}


@pytest.mark.parametrize("where", ["among signed ones", "without a number", "below all"])
def test_an_inserted_entry_is_named(ada: Member, decided: list[UUID], where: str) -> None:
    number = {"without a number": 0, "below all": 1}.get(where)
    if number is None:
        query = text("SELECT recorded_number FROM decision WHERE id = :id")
        with acting_as_system():
            number = db.session.scalar(query, {"id": decided[1]})

    inserted = insert_like(decided[0], number=number)

    assert [(one.fault, one.decision_id) for one in verify(ada).findings] == [
        (Fault.ROW_INSERTED, f"dec_{inserted.hex}")
    ]


@pytest.mark.parametrize(
    ("statement", "fault", "sequence"),
    [
        ("UPDATE log_head SET body = replace(body, 'rows', 'Rows') WHERE sequence = 1", "head_changed", 1),
        ("UPDATE log_head SET signature = decode(repeat('00', 64), 'hex') WHERE sequence = 2", "head_changed", 2),
        ("UPDATE log_head SET commitments = decode(repeat('00', 96), 'hex') WHERE sequence = 2", "row_changed", 2),
        ("UPDATE log_head SET ids = substr(ids, 1, 32) WHERE sequence = 2", "row_inserted", 2),
        ("UPDATE log_head SET ids = NULL WHERE sequence = 2", "rows_differ", 2),
        ("DELETE FROM log_head WHERE sequence = 1", "head_missing", 1),
        ("DELETE FROM log_head WHERE sequence = 2", "cut_off", 2),
    ],
)
def test_a_tampered_head_is_named(ada: Member, decided: list[UUID], statement: str, fault: str, sequence: int) -> None:
    change(statement)

    assert (fault, sequence) in {(one.fault.value, one.sequence) for one in verify(ada).findings}


def test_who_changes_a_row_and_all_that_is_beside_it_still_lacks_the_key(ada: Member, decided: list[UUID]) -> None:
    with acting_as_system():
        salts = db.session.scalar(select(LogHead.salts).where(LogHead.sequence == 2))
    assert salts is not None
    change("UPDATE decision SET allowed = NOT allowed WHERE id = :id", id=decided[3])
    with acting_as_system():
        head = db.session.get_one(LogHead, (ada.organization_id, 2))
        rows = records.of_organization(ada.organization_id, after=head.recorded_after, through=head.recorded_through)
    commitments = b"".join(
        merkle.commitment_of(row.record, salt) for row, salt in zip(rows, merkle.pieces(salts, 16), strict=True)
    )
    change("UPDATE log_head SET commitments = :value WHERE sequence = 2", value=commitments)

    assert [(one.fault, one.sequence) for one in verify(ada).findings] == [(Fault.ROWS_DIFFER, 2)]


def test_a_head_that_was_kept_shows_an_end_that_was_cut_off_with_all_its_traces(
    ada: Member, decided: list[UUID]
) -> None:
    with acting_as_system():
        kept = db.session.get_one(LogHead, (ada.organization_id, 2)).body
        first = db.session.get_one(LogHead, (ada.organization_id, 1)).body
    assert verify(ada, kept).is_intact
    change("DELETE FROM decision WHERE id = ANY(:ids)", ids=decided[3:])
    change("DELETE FROM log_head WHERE sequence = 2")
    change("UPDATE log_chain SET last_sequence = 1, total = 3, last_hash = :hash", hash=heads.hash_of(first))

    assert verify(ada).is_intact
    assert [one.fault for one in verify(ada, kept).findings] == [Fault.CUT_OFF]


def test_an_erased_decision_is_no_tampering_and_its_salt_is_gone(app: Flask, ada: Member, decided: list[UUID]) -> None:
    with acting_as_system(), transaction():
        organization = db.session.get_one(Organization, ada.organization_id)
        assert retention.erase_subject(organization, "person-1", by=COMMAND_LINE, now=utc_now()) == 2

    before = verify(ada)
    sign()
    after = verify(ada)

    assert (before.findings, before.erased, after.findings, after.erased) == ([], 2, [], 2)
    assert [head.erased for head in heads_of(ada)] == [(), (), ((2, 2), (5, 5))]
    with acting_as_system():
        salts = db.session.scalars(select(LogHead.salts).order_by(LogHead.sequence)).all()
        assert [merkle.ERASED in merkle.pieces(one or b"", 16) for one in salts] == [True, True, False]
        assert db.session.scalars(select(LogErasure)).all() == []


def test_a_decision_that_is_erased_before_it_is_signed_leaves_no_trace(
    app: Flask, as_ada: Caller, ada: Member, decided: list[UUID]
) -> None:
    as_ada.check(subject="person-9")
    with acting_as_system(), transaction():
        organization = db.session.get_one(Organization, ada.organization_id)
        retention.erase_subject(organization, "person-9", by=COMMAND_LINE, now=utc_now())

    sign()
    sign()

    assert verify(ada).is_intact
    assert [head.rows for head in heads_of(ada)] == [3, 3]
    with acting_as_system():
        assert db.session.scalars(select(LogErasure)).all() == []


def test_a_deleted_row_is_not_taken_for_an_erased_one(ada: Member, decided: list[UUID]) -> None:
    change("UPDATE log_head SET salts = decode(repeat('00', 48), 'hex') WHERE sequence = 1")
    change("DELETE FROM decision WHERE id = :id", id=decided[1])

    assert (Fault.ROW_DELETED, f"dec_{decided[1].hex}") in {
        (one.fault, one.decision_id) for one in verify(ada).findings
    }


def test_heads_outlive_what_retention_purges(ada: Member, decided: list[UUID]) -> None:
    now = utc_now()
    insert_like(decided[0], at=now - timedelta(days=91))
    sign()
    insert_like(decided[0], at=now - timedelta(days=91))
    insert_like(decided[0])
    sign()
    with transaction():
        retention.purge(now=now)
    sign()

    report = verify(ada)

    assert (report.findings, report.purged) == ([], 2)
    assert [(head.rows, head.purged_before is None) for head in heads_of(ada)][2:] == [
        (1, True), (2, True), (0, False),
    ]  # fmt: skip
    with acting_as_system():
        kept = db.session.scalars(select(LogHead.ids.is_not(None)).order_by(LogHead.sequence)).all()
    assert kept[2:] == [False, True, True]


def test_a_purge_of_what_no_retention_lets_go_is_named(ada: Member, decided: list[UUID]) -> None:
    change("UPDATE log_chain SET purged_before = now() - interval '1 day', has_news = true")
    sign()

    assert [(one.fault, one.sequence) for one in verify(ada).findings] == [(Fault.PURGED_TOO_EARLY, 3)]


def test_a_decision_that_comes_late_is_under_the_next_head(ada: Member, decided: list[UUID]) -> None:
    insert_like(decided[0], at=utc_now() - timedelta(days=3))
    sign()

    last = heads_of(ada)[-1]
    assert (last.rows, last.oldest is not None and last.oldest < utc_now() - timedelta(days=2)) == (1, True)
    assert verify(ada).is_intact


def test_an_organization_waits_for_no_more_than_was_recorded_before(
    app: Flask, as_ada: Caller, as_cleo: Caller, ada: Member, cleo: Member
) -> None:
    with app.app_context():
        sign()
        for caller in (as_ada, as_ada, as_cleo, as_ada, as_ada, as_ada):
            caller.check()
        with acting_as_system(), transaction():
            signing.sign_slice(now=utc_now(), complete_through=fence.complete_through(), most_rows=3)

        assert ([head.rows for head in heads_of(cleo)], [head.rows for head in heads_of(ada)]) == ([1], [2])
        sign(most_rows=3)
        assert [head.rows for head in heads_of(ada)] == [2, 3]
        assert verify(ada).is_intact
        assert verify(cleo).is_intact


def test_a_row_that_is_not_committed_yet_is_waited_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "WAIT_S", 0.05)
    with app.app_context(), acting_as_system(), psycopg.connect(app.config["DATABASE_URL"]) as writer:
        writer.execute("LOCK TABLE decision IN ROW EXCLUSIVE MODE")
        with pytest.raises(fence.WritersBusy):
            fence.complete_through()
        writer.rollback()

        assert fence.complete_through() == fence.last_number()


@pytest.mark.parametrize("key", ["secret_key", "log_signing_key"])
def test_a_new_key_takes_over_and_old_heads_stay_good(
    app: Flask, ada: Member, as_ada: Caller, decided: list[UUID], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    before = current.settings()
    settings = (
        msgspec.structs.replace(before, secret_key="x" * 40, secret_key_previous=before.secret_key)
        if key == "secret_key"
        else msgspec.structs.replace(before, log_signing_key=new_key())
    )
    monkeypatch.setattr(current, "settings", lambda: settings)
    as_ada.check()
    sign()

    assert verify(ada).is_intact
    assert len({head.key for head in heads_of(ada)}) == 2
    with acting_as_system():
        newest = signing_keys.every_key()[0]
    assert newest.predecessor_signature is not None


def test_a_key_that_somebody_put_there_is_not_trusted(ada: Member, decided: list[UUID]) -> None:
    foreign = Settings(secret_key="somebody else's secret, long enough")
    with acting_as_system(), transaction():
        key_id = signing_keys.put_on_record(foreign, now=utc_now())
        row = db.session.get_one(LogHead, (ada.organization_id, 2))
        body = row.body.replace(heads_of(ada)[1].key, key_id)
    signature = heads.sign(body, signing_keys.present_key(foreign))
    change(
        "UPDATE log_head SET body = :body, signature = :signature, key_id = :key WHERE sequence = 2",
        body=body, signature=signature, key=key_id,
    )  # fmt: skip

    assert (Fault.HEAD_CHANGED, 2) in {(one.fault, one.sequence) for one in verify(ada).findings}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_head SET body = ''",
        "UPDATE log_head SET signature = ''",
        "DELETE FROM log_head",
        "DELETE FROM log_chain",
        "UPDATE log_signing_key SET public_key = ''",
    ],
)
@pytest.mark.parametrize("scope", ["organization", "system"])
def test_the_software_cannot_change_heads(ada: Member, decided: list[UUID], statement: str, scope: str) -> None:
    with (
        acting_as_system() if scope == "system" else acting_for(ada.organization_id),
        pytest.raises(ProgrammingError, match="permission denied"),
        db.session.begin_nested(),
    ):
        db.session.execute(text(statement))


def test_the_nightly_look_keeps_what_it_found(app: Flask, ada: Member, decided: list[UUID]) -> None:
    with acting_as_system(), transaction():
        jobs.verify_one(ada.organization_id)
        assert chain_of(ada).findings == []
    change("UPDATE decision SET risk_score = 1 WHERE id = :id", id=decided[4])

    with acting_as_system(), transaction():
        jobs.verify_one(ada.organization_id)

    with acting_as_system():
        assert f"dec_{decided[4].hex}" in (chain_of(ada).findings or [""])[0]
        assert jobs.tampering_findings() == [({}, 1)]
        actions = db.session.scalars(
            text("SELECT action FROM audit_event WHERE organization_id = :id"), {"id": ada.organization_id}
        )
        assert "decisions.tampering_found" in actions.all()


def test_a_restore_is_said_by_the_next_head(ada: Member, decided: list[UUID]) -> None:
    now = utc_now()
    with acting_as_system(), transaction():
        erasures.restored.send(None, now=now)
    sign()

    assert [head.restored_at for head in heads_of(ada)] == [None, None, now]


def test_a_closed_account_leaves_no_heads(ada: Member, decided: list[UUID]) -> None:
    with transaction():
        retention.delete_everything(ada.organization_id, now=utc_now())

    with acting_as_system():
        assert db.session.get(LogChain, ada.organization_id) is None
    assert heads_of(ada) == []


def test_heads_are_signed_every_minute() -> None:
    registered = {one.task.name: one.cron for one in queue.periodic_registry.periodic_tasks.values()}

    assert registered["api.ledger.jobs.sign_log_heads"] == "* * * * *"


def test_the_job_signs_what_there_is(app: Flask, ada: Member, as_ada: Caller) -> None:
    with app.app_context():
        as_ada.check()

        jobs.sign_now()

        assert [head.rows for head in heads_of(ada)] == [1]
        with acting_as_system():
            assert jobs.unsigned_rows() == [({}, 0)]


def test_the_command_names_what_was_changed_and_ends_with_1(
    app: Flask, ada: Member, decided: list[UUID], tmp_path: Path
) -> None:
    kept, runner = tmp_path / "head.json", app.test_cli_runner()
    with acting_as_system():
        kept.write_text(json.dumps({"head": db.session.get_one(LogHead, (ada.organization_id, 1)).body}))
    command = ["heads", "verify", "--organization", ada.slug, "--head", str(kept)]
    intact = runner.invoke(args=command)
    change("DELETE FROM decision WHERE id = :id", id=decided[2])

    named = runner.invoke(args=command)

    assert (intact.exit_code, named.exit_code) == (0, 1)
    assert "Intact. 2 heads, 6 decisions, 0 erased, 0 purged by retention." in intact.output
    assert f"dec_{decided[2].hex}, head 1, position 3: The decision was deleted" in named.output
    kept.write_text("{}")
    assert "The file contains no head" in runner.invoke(args=command).output
