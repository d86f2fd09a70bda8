"""Publishing: what is refused, and that what was published stays."""

from datetime import timedelta
from hashlib import sha256

import msgspec
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.db import acting_for, db
from core.errors import NotFound
from core.settings import Environment, Settings
from legal_docs.acceptances.receipts import version_pdf
from legal_docs.documents import services as documents
from legal_docs.documents.drafts import Review
from legal_docs.documents.kinds import Kind, NumberNotValid
from legal_docs.documents.provider import SettingsMissing, missing_settings, provider_from, trial_provider
from legal_docs.documents.redline import redline
from legal_docs.documents.services import EffectiveInThePast, NumberNotHigher, ReviewMissing
from legal_docs.notices.deadlines import NoticeTooShort
from local.demo.documents import publish_trial_versions, seed
from tests.legal_docs.scene import (
    NOW,
    PROVIDER,
    SETTINGS,
    Firm,
    accept_all,
    publish_second_terms,
    publish_version,
    run_as,
)


def test_the_hash_is_that_of_the_exact_bytes(published: None) -> None:
    version = documents.find(Kind.DPA, "1.0")

    assert version.sha256 == sha256(version.content).hexdigest()
    assert version.content.decode() == version.markdown


def test_the_database_refuses_a_hash_of_other_bytes(published: None) -> None:
    insert = text("""
        INSERT INTO legal_version SELECT gen_random_uuid(), kind, '9.0', locale, is_major, summary, markdown || ' ',
        sha256, provider, published_at, effective_at, published_by_kind, published_by_id, reviewed_by, reviewed_on,
        review_note FROM legal_version WHERE kind = 'terms'
    """)

    with pytest.raises(DatabaseError, match="ck_legal_version_sha256"), db.session.begin_nested():
        db.session.execute(insert)


@pytest.mark.parametrize("change", ["UPDATE legal_version SET summary = 'x'", "DELETE FROM legal_version"])
def test_nobody_changes_a_published_version(published: None, change: str) -> None:
    for role in ("aig_app", "aig_system", "none"):
        with pytest.raises(DatabaseError):
            run_as(role, change)


def test_only_the_system_publishes(ada: Firm) -> None:
    with acting_for(ada.id), pytest.raises(DatabaseError, match="permission denied"), db.session.begin_nested():
        db.session.execute(text("INSERT INTO legal_version SELECT * FROM legal_version"))


def test_every_missing_setting_is_named(system: None) -> None:
    with pytest.raises(SettingsMissing, match=r"PROVIDER_NAME, PROVIDER_ADDRESS, .*SECURITY_EMAIL"):
        provider_from(Settings())

    assert missing_settings(SETTINGS) == []
    assert provider_from(SETTINGS) == PROVIDER


def test_a_trial_marks_what_it_makes_up_and_production_makes_up_nothing() -> None:
    trial = trial_provider(Settings(support_email="help@real.example"))

    assert trial.name == "Example Provider Ltd (local trial)"
    assert trial.support_email == "help@real.example"
    with pytest.raises(SettingsMissing):
        trial_provider(Settings(environment=Environment.PRODUCTION))


@pytest.mark.parametrize("number", ["1", "1.0.0", "v1.0", "01.0", "1.01", " 1.0", "0.1", "1.0\n", ""])
def test_a_number_is_two_numbers_with_a_point(system: None, number: str) -> None:
    with pytest.raises(NumberNotValid):
        publish_version(Kind.TERMS, number, is_major=True)


@pytest.mark.parametrize(
    ("number", "is_major"), [("1.0", True), ("1.0", False), ("1.1", True), ("2.0", False), ("2.1", True)]
)
def test_a_number_must_follow_the_newest(published: None, number: str, is_major: bool) -> None:
    with pytest.raises(NumberNotHigher):
        publish_version(Kind.TERMS, number, is_major=is_major)


def test_ten_comes_after_nine(published: None) -> None:
    publish_version(Kind.PRIVACY, "1.9", now=NOW + timedelta(days=1))

    newest = publish_version(Kind.PRIVACY, "1.10", now=NOW + timedelta(days=2))

    assert documents.newest(Kind.PRIVACY) is newest


def test_the_first_version_is_a_major_one(system: None) -> None:
    with pytest.raises(NumberNotHigher):
        publish_version(Kind.TERMS, "1.1", is_major=False)


@pytest.mark.parametrize(
    "review",
    [
        Review(reviewer=" ", on=NOW.date(), note="Fine."),
        Review(reviewer="Lena", on=NOW.date(), note=""),
        Review(reviewer="Lena", on=NOW.date() + timedelta(days=3), note="Fine."),
    ],
)
def test_a_version_needs_a_review_on_record(system: None, review: Review) -> None:
    with pytest.raises(ReviewMissing):
        publish_version(Kind.TERMS, "1.0", review=review)


def test_a_version_cannot_take_effect_in_the_past(system: None) -> None:
    with pytest.raises(EffectiveInThePast):
        publish_version(Kind.TERMS, "1.0", effective_at=NOW - timedelta(seconds=1))


def test_what_somebody_accepted_is_replaced_with_thirty_days_notice(ada: Firm) -> None:
    accept_all(ada)

    with pytest.raises(NoticeTooShort):
        publish_version(Kind.TERMS, "1.1", effective_at=NOW + timedelta(days=30, seconds=-1))
    assert publish_version(Kind.TERMS, "1.1", effective_at=NOW + timedelta(days=30)).number == "1.1"


def test_a_new_version_is_newest_at_once_and_current_when_it_takes_effect(published: None) -> None:
    second = publish_second_terms(now=NOW)
    first = documents.find(Kind.TERMS, "1.0")

    assert documents.newest(Kind.TERMS) is second
    assert documents.current(Kind.TERMS, now=second.effective_at - timedelta(seconds=1)) is first
    assert documents.current(Kind.TERMS, now=second.effective_at) is second
    assert documents.history(Kind.TERMS) == [second, first]


def test_an_unknown_version_is_not_found(published: None) -> None:
    with pytest.raises(NotFound):
        documents.find(Kind.TERMS, "7.0")


def test_a_version_keeps_who_we_were(published: None) -> None:
    renamed = msgspec.structs.replace(PROVIDER, name="Renamed Ltd")
    publish_version(Kind.PRIVACY, "1.1", now=NOW + timedelta(days=1), provider=renamed)

    assert documents.find(Kind.PRIVACY, "1.0").provider["name"] == PROVIDER.name
    assert "Renamed Ltd" in documents.find(Kind.PRIVACY, "1.1").markdown


def test_a_pdf_is_the_same_each_time_and_counts_its_pages(published: None) -> None:
    version = documents.find(Kind.DPA, "1.0")
    pdf = version_pdf(version)
    version_pdf.__globals__["to_pdf"].cache_clear()

    assert version_pdf(version) == pdf
    assert pdf.startswith(b"%PDF-1.")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page\n") >= 5
    assert b"DejaVuSans" in pdf


def test_a_redline_shows_words_and_escapes_everything() -> None:
    html = redline(
        "# A\n\nWe answer in 5 days.\n\nGone <b>", "# A\n\nWe answer in 3 days.\n\n<script>x</script>\n\nNew"
    )

    assert "<p>A</p>" in html
    assert "We answer in <del>5</del><ins>3</ins> days." in html
    assert "<script>" not in html
    assert '<p class="redline-added"><ins>New</ins></p>' in html


def test_a_redline_of_the_same_text_marks_nothing() -> None:
    html = redline("A line\nbroken here.\n", "A line broken\nhere.\n")

    assert "<ins>" not in html
    assert "<del>" not in html


def test_a_trial_starts_with_every_document_once(system: None) -> None:
    publish_trial_versions(Settings())
    publish_trial_versions(Settings())

    for kind in Kind:
        (version,) = documents.history(kind)
        assert "local trial" in version.markdown
        assert version.review_note == "Not reviewed: local trial."


def test_the_demo_publishes_nothing_in_production(app: Flask, system: None) -> None:
    seed(Settings(environment=Environment.PRODUCTION))

    assert documents.newest(Kind.TERMS) is None
