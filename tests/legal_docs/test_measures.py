"""What Annex III promises is published only of a service that was seen to do it."""

from datetime import datetime, timedelta

import msgspec
import pytest

from core.audit import SYSTEM
from core.settings import Environment, Settings
from legal_docs.documents import services as documents
from legal_docs.documents.kinds import Kind
from legal_docs.documents.service_types import ServiceType
from legal_docs.measures import services as measures
from legal_docs.measures.kinds import Measure, MeasuresNotMet, Observation
from legal_docs.register import services as register
from tests.legal_docs.scene import HOST, NOW, SETTINGS, publish_version

PRODUCTION = msgspec.structs.replace(SETTINGS, environment=Environment.PRODUCTION)
ALL_MET = {measure: Observation(is_met=True, seen=f"All of {measure.value} is well.") for measure in Measure}


@pytest.fixture
def registered(system: None) -> None:
    register.list_first(msgspec.structs.replace(HOST, service_type=ServiceType.HOSTING), by=SYSTEM, now=NOW)


def test_the_annex_says_what_was_seen_and_when(registered: None) -> None:
    measures.record(ALL_MET, now=NOW)

    text = publish_version(Kind.DPA, "1.0", settings=PRODUCTION).markdown

    for measure in Measure:
        shown = measure.value.replace("_", "\\_")
        assert f"| All of {shown} is well. Last checked on 22 Nov 2026, 09:00 UTC. |" in text


@pytest.mark.parametrize("measure", list(Measure))
def test_in_production_no_measure_may_be_missing(registered: None, measure: Measure) -> None:
    measures.record({**ALL_MET, measure: Observation(is_met=False, seen="Broken.")}, now=NOW)

    with pytest.raises(MeasuresNotMet, match=measure.value):
        publish_version(Kind.DPA, "1.0", settings=PRODUCTION)

    assert documents.newest(Kind.DPA) is None


@pytest.mark.parametrize(("age", "is_refused"), [(timedelta(hours=2), False), (timedelta(hours=2, seconds=1), True)])
def test_what_was_seen_long_ago_does_not_count(registered: None, age: timedelta, is_refused: bool) -> None:
    measures.record(ALL_MET, now=NOW - age)

    if is_refused:
        with pytest.raises(MeasuresNotMet):
            publish_version(Kind.DPA, "1.0", settings=PRODUCTION)
    else:
        assert publish_version(Kind.DPA, "1.0", settings=PRODUCTION).number == "1.0"


def test_a_service_that_was_never_looked_at_has_no_agreement(registered: None) -> None:
    with pytest.raises(MeasuresNotMet):
        publish_version(Kind.DPA, "1.0", settings=PRODUCTION)


def test_other_documents_do_not_wait_for_the_measures(registered: None) -> None:
    assert publish_version(Kind.TERMS, "1.0", settings=PRODUCTION).number == "1.0"


def test_a_trial_says_plainly_what_is_not_in_force(system: None) -> None:
    measures.record({Measure.BACKUPS: Observation(is_met=False, seen="No backup was made yet.")}, now=NOW)

    text = publish_version(Kind.DPA, "1.0").markdown

    assert "Not in force in this installation. No backup was made yet. Last checked on 22 Nov 2026" in text
    assert text.count("Not checked yet in this installation.") == len(Measure) - 1


def test_a_look_that_fails_is_not_met_and_holds_up_no_other(system: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_settings: Settings, _now: datetime) -> Observation:
        raise OSError

    monkeypatch.setitem(measures._looks, Measure.LIMITS, broken)
    monkeypatch.setitem(measures._looks, Measure.KEYS, lambda _settings, _now: Observation(is_met=True, seen="Fine."))
    found = measures.look(SETTINGS, now=NOW)

    assert found[Measure.LIMITS] == Observation(is_met=False, seen="The check failed: OSError.")
    assert found[Measure.KEYS].is_met


def test_a_later_look_replaces_the_one_before(system: None) -> None:
    measures.record(ALL_MET, now=NOW)
    measures.record({Measure.KEYS: Observation(is_met=False, seen="Odd.")}, now=NOW + timedelta(hours=1))

    found = measures.recorded()

    assert (found[Measure.KEYS].is_met, found[Measure.KEYS].checked_at) == (False, NOW + timedelta(hours=1))
    assert found[Measure.BACKUPS].checked_at == NOW
