"""The register of sub-processors: announced, answered, and never over an objection."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM
from core.db import acting_for, db
from core.errors import InvalidRequest, NotFound
from legal_docs.notices import services as notices
from legal_docs.notices.deadlines import NoticeTooShort
from legal_docs.publishing import announce
from legal_docs.register import changes, effect, responses, services
from legal_docs.register.changes import ChangeKind, ChangeOver
from legal_docs.register.models import SubProcessorChange
from legal_docs.register.responses import AlreadyAnswered, ObjectionTooLate, ResponseKind
from legal_docs.register.rules import EntryIncomplete, refuse_incomplete
from legal_docs.register.services import RegisterInForce
from tests.legal_docs.scene import HOST, MAILER, NOW, Firm, found_firm, mails, recipients_of, send_mail_at, trail_of

IN_FORCE = NOW + timedelta(days=30)


def announce_mailer() -> SubProcessorChange:
    change = announce(ChangeKind.ADD, reason="Faster mail.", takes_effect_at=IN_FORCE, entry=MAILER, by=SYSTEM, now=NOW)
    changes.give_notices(change, now=NOW)
    effect.follow_up(now=NOW)
    return change


def say(firm: Firm, change_id: UUID, kind: ResponseKind, reason: str = "Because.", *, day: int = 1) -> UUID:
    now = NOW + timedelta(days=day)
    with acting_for(firm.id):
        return responses.respond(firm.id, change_id, kind, reason=reason, by=firm.owner, now=now).id


def test_the_register_is_filled_freely_until_customers_were_promised_notice(system: None) -> None:
    services.list_first(HOST, by=SYSTEM, now=NOW)

    assert [entry.entity for entry in services.register()] == ["Cloud Host GmbH"]


def test_after_the_first_agreement_only_announced_changes_are_possible(published: None) -> None:
    with pytest.raises(RegisterInForce):
        services.list_first(HOST, by=SYSTEM, now=NOW)


@pytest.mark.parametrize("field", ["name", "entity", "address", "contact", "purpose", "data_categories", "location"])
def test_an_entry_names_the_company_fully(field: str) -> None:
    with pytest.raises(EntryIncomplete) as refusal:
        refuse_incomplete(msgspec.structs.replace(HOST, **{field: " "}))

    assert [fault.path for fault in refusal.value.errors] == [field]


@pytest.mark.parametrize("second", ["", " "])
def test_outside_the_eea_two_mechanisms_are_needed(second: str) -> None:
    with pytest.raises(EntryIncomplete):
        refuse_incomplete(msgspec.structs.replace(MAILER, second_mechanism=second))
    with pytest.raises(EntryIncomplete):
        refuse_incomplete(msgspec.structs.replace(HOST, country="US"))


def test_a_change_gives_thirty_days(published: None) -> None:
    early = IN_FORCE - timedelta(seconds=1)

    with pytest.raises(NoticeTooShort):
        announce(ChangeKind.ADD, reason="x", takes_effect_at=early, entry=MAILER, by=SYSTEM, now=NOW)


def test_every_organization_is_told_once(ada: Firm, cleo: Firm) -> None:
    change = announce_mailer()

    assert changes.give_notices(change, now=NOW) == 0
    assert recipients_of(mails("legal_sub_processor")) == [
        "contact@ada-and-co.example",
        "contact@cleo-ltd.example",
        "owner@ada-and-co.example",
        "owner@cleo-ltd.example",
    ]
    assert "Mailer Inc." in (mails("legal_sub_processor")[0].text or "")
    assert trail_of(ada.id) == trail_of(cleo.id) == ["sub_processor.notice_given"]


def test_silence_is_consent_after_thirty_days_from_delivery(ada: Firm) -> None:
    change = announce_mailer()

    assert not responses.is_active_for(ada.id, change, now=IN_FORCE - timedelta(seconds=1))
    assert responses.is_active_for(ada.id, change, now=IN_FORCE)


def test_the_clock_waits_for_delivery(ada: Firm, mail_server_away: None) -> None:
    change = announce_mailer()
    assert not responses.is_active_for(ada.id, change, now=IN_FORCE + timedelta(days=365))

    send_mail_at("legal_sub_processor", NOW + timedelta(days=10))
    effect.follow_up(now=NOW + timedelta(days=11))

    assert not responses.is_active_for(ada.id, change, now=NOW + timedelta(days=39))
    assert responses.is_active_for(ada.id, change, now=NOW + timedelta(days=40))


def test_an_objection_keeps_the_change_away_for_good(ada: Firm, cleo: Firm) -> None:
    change = announce_mailer()
    objection = say(ada, change.id, ResponseKind.OBJECT)
    responses.answer(objection, text="We understand.", by=SYSTEM, now=NOW + timedelta(days=2))
    effect.follow_up(now=IN_FORCE)

    assert not responses.is_active_for(ada.id, change, now=IN_FORCE + timedelta(days=365))
    assert responses.is_active_for(cleo.id, change, now=IN_FORCE)
    assert responses.has_open_objection(ada.id, change.id)


def test_an_objection_can_be_taken_back(ada: Firm) -> None:
    change = announce_mailer()
    say(ada, change.id, ResponseKind.OBJECT)
    say(ada, change.id, ResponseKind.ACCEPT, reason="", day=45)

    assert responses.is_active_for(ada.id, change, now=NOW + timedelta(days=45))


def test_a_question_keeps_the_change_away_until_it_is_answered(ada: Firm) -> None:
    change = announce_mailer()
    question = say(ada, change.id, ResponseKind.ASK)
    assert not responses.is_active_for(ada.id, change, now=IN_FORCE)

    responses.answer(question, text="Yes.", by=SYSTEM, now=NOW + timedelta(days=2))

    assert responses.is_active_for(ada.id, change, now=IN_FORCE)
    assert recipients_of(mails("legal_answer")) == ["contact@ada-and-co.example", "owner@ada-and-co.example"]


def test_an_answer_is_due_in_five_business_days_and_given_once(ada: Firm) -> None:
    change = announce_mailer()  # a Sunday
    question = say(ada, change.id, ResponseKind.ASK, day=0)
    (waiting,) = responses.unanswered()
    assert waiting.answer_due_at == NOW + timedelta(days=5)

    responses.answer(question, text="Yes.", by=SYSTEM, now=NOW)

    assert responses.unanswered() == []
    with pytest.raises(AlreadyAnswered):
        responses.answer(question, text="No.", by=SYSTEM, now=NOW)


@pytest.mark.parametrize("kind", [ResponseKind.ASK, ResponseKind.OBJECT])
def test_a_question_or_an_objection_says_why(ada: Firm, kind: ResponseKind) -> None:
    change = announce_mailer()

    with pytest.raises(InvalidRequest):
        say(ada, change.id, kind, reason=" ")


def test_an_objection_to_what_is_active_is_too_late(ada: Firm) -> None:
    change = announce_mailer()

    with pytest.raises(ObjectionTooLate):
        say(ada, change.id, ResponseKind.OBJECT, day=31)


def test_a_withdrawn_change_never_happens(ada: Firm) -> None:
    change = announce_mailer()
    changes.withdraw(change.id, by=SYSTEM, now=NOW)
    effect.follow_up(now=IN_FORCE)

    assert services.register() == []
    assert not responses.is_active_for(ada.id, change, now=IN_FORCE)
    with pytest.raises(ChangeOver):
        changes.withdraw(change.id, by=SYSTEM, now=NOW)
    with pytest.raises(ChangeOver):
        say(ada, change.id, ResponseKind.OBJECT)


def test_a_replacement_changes_the_register_when_it_is_due(system: None) -> None:
    host = services.list_first(HOST, by=SYSTEM, now=NOW)
    announce(
        ChangeKind.REPLACE,
        reason="Better.",
        takes_effect_at=IN_FORCE,
        entry=MAILER,
        replaces=host.id,
        by=SYSTEM,
        now=NOW,
    )
    effect.follow_up(now=IN_FORCE - timedelta(seconds=1))
    assert [entry.name for entry in services.register()] == ["Cloud Host"]

    effect.follow_up(now=IN_FORCE)
    effect.follow_up(now=IN_FORCE)

    assert [entry.name for entry in services.register()] == ["Mailer"]


def test_a_change_waits_while_a_customer_s_objection_is_open(ada: Firm, cleo: Firm) -> None:
    """There is one installation: what is used for one customer is used for all."""
    change = announce_mailer()
    say(ada, change.id, ResponseKind.OBJECT)

    effect.follow_up(now=IN_FORCE + timedelta(days=365))

    assert effect.waits_for(change, now=IN_FORCE) == [ada.id]
    assert (change.applied_at, services.register()) == (None, [])


def test_a_change_waits_for_the_answer_to_a_question(ada: Firm) -> None:
    change = announce_mailer()
    question = say(ada, change.id, ResponseKind.ASK)
    effect.follow_up(now=IN_FORCE)
    assert change.applied_at is None

    responses.answer(question, text="Yes.", by=SYSTEM, now=IN_FORCE)
    effect.follow_up(now=IN_FORCE)

    assert change.applied_at == IN_FORCE


def test_an_objection_that_is_taken_back_lets_the_change_take_effect(ada: Firm) -> None:
    change = announce_mailer()
    say(ada, change.id, ResponseKind.OBJECT)
    say(ada, change.id, ResponseKind.ACCEPT, reason="", day=45)

    effect.follow_up(now=NOW + timedelta(days=46))

    assert [entry.name for entry in services.register()] == ["Mailer"]


def test_the_end_of_the_contract_ends_the_objection(ada: Firm) -> None:
    change = announce_mailer()
    say(ada, change.id, ResponseKind.OBJECT)
    db.session.get_one(Organization, ada.id).status = OrganizationStatus.CLOSED.value
    db.session.flush()

    effect.follow_up(now=IN_FORCE)

    assert change.applied_at == IN_FORCE


def test_a_change_waits_until_everybody_has_had_the_days_they_were_promised(ada: Firm, mail_server_away: None) -> None:
    change = announce_mailer()
    send_mail_at("legal_sub_processor", NOW + timedelta(days=10))

    effect.follow_up(now=NOW + timedelta(days=40, seconds=-1))
    assert change.applied_at is None
    effect.follow_up(now=NOW + timedelta(days=40))

    assert change.applied_at == NOW + timedelta(days=40)


def test_whoever_accepts_is_not_waited_for(ada: Firm, mail_server_away: None) -> None:
    change = announce_mailer()
    say(ada, change.id, ResponseKind.ACCEPT, reason="")

    effect.follow_up(now=IN_FORCE)

    assert change.applied_at == IN_FORCE


def test_whoever_comes_after_the_announcement_does_not_put_it_off(ada: Firm) -> None:
    change = announce_mailer()
    found_firm("newcomer", now=NOW + timedelta(days=29))

    effect.follow_up(now=IN_FORCE)

    assert change.applied_at == IN_FORCE


def test_a_trial_without_a_contract_holds_nobody_up(ada: Firm) -> None:
    db.session.get_one(Organization, ada.id).status = OrganizationStatus.SANDBOX.value
    db.session.flush()
    change = announce_mailer()
    say(ada, change.id, ResponseKind.OBJECT)

    effect.follow_up(now=IN_FORCE)

    assert change.applied_at == IN_FORCE
    assert not responses.is_active_for(ada.id, change, now=IN_FORCE)


def test_a_company_is_removed_when_it_is_due(system: None) -> None:
    host = services.list_first(HOST, by=SYSTEM, now=NOW)
    announce(ChangeKind.REMOVE, reason="x", takes_effect_at=IN_FORCE, replaces=host.id, by=SYSTEM, now=NOW)

    effect.follow_up(now=IN_FORCE)

    assert services.register() == []


def test_a_removal_needs_somebody_to_remove(published: None) -> None:
    with pytest.raises(NotFound):
        announce(ChangeKind.REMOVE, reason="x", takes_effect_at=IN_FORCE, by=SYSTEM, now=NOW)


def test_who_comes_later_takes_the_register_as_it_is(ada: Firm) -> None:
    change = announce_mailer()
    effect.follow_up(now=IN_FORCE)
    newcomer = found_firm("newcomer", now=IN_FORCE + timedelta(days=1))

    assert responses.is_active_for(newcomer.id, change, now=IN_FORCE + timedelta(days=1))


def test_an_organization_sees_where_each_change_stands_for_it(ada: Firm) -> None:
    change = announce_mailer()
    say(ada, change.id, ResponseKind.OBJECT)

    with acting_for(ada.id):
        (found,) = responses.changes_for(ada.id, now=NOW)

    assert (found.silence_is_consent_at, found.is_active, found.has_open_objection) == (IN_FORCE, False, True)
    assert [said.kind for said in found.responses] == ["object"]


def test_a_stranger_sees_no_answers_and_nobody_rewrites_words(ada: Firm, cleo: Firm) -> None:
    change = announce_mailer()
    say(ada, change.id, ResponseKind.OBJECT)

    with acting_for(cleo.id):
        assert responses.responses(ada.id, change.id) == []
    for sentence in ("UPDATE sub_processor_response SET reason = 'x'", "DELETE FROM sub_processor_response"):
        with pytest.raises(DatabaseError, match="permission denied"), db.session.begin_nested():
            db.session.execute(text(sentence))
    assert notices.find(cleo.id, change_id=change.id) is not None
