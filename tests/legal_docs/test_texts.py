"""The texts say what they must, and every figure in them has one home."""

import re
from math import log2
from pathlib import Path

import msgspec
import pytest

from api.keys import token
from core import retention
from core.retention import DEFAULT_RETENTION_DAYS
from legal_docs import figures
from legal_docs.documents.clauses import Clause, find
from legal_docs.documents.drafts import SOURCES, Entry, SeenMeasure, draft
from legal_docs.documents.html import to_page
from legal_docs.documents.kinds import Kind
from legal_docs.measures.kinds import MEASURE_NAMES, Measure
from tests.legal_docs.scene import HOST, MAILER, NOW, PROVIDER, REVIEW

ROOM = Path(figures.__file__).parent
LAW = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}"  # what is filled in, and remarks
    r"|Articles? \d+(\(\d+\))?(\([a-z]\))?(( to |, | and )(\d+(\(\d+\))?|\(\d+\)))*( and \(\d+\))?"
    r"|\((EU|EC)\) \d{4}/\d+|SHA-256|UTF-8"
    r"|[Ss]ections? \d+(\.\d+)?(((, | or | and )(section )?\d+(\.\d+)?)*)|clauses? \d+( and \d+)?|option 2"
    r"|^#+ \d+\.|^\*\*\d+\.\d+",
    re.DOTALL | re.MULTILINE,
)


def text_of(kind: Kind, register: tuple[Entry, ...] = (HOST, MAILER)) -> str:
    return draft(
        kind,
        number="1.0",
        provider=PROVIDER,
        register=register,
        review=REVIEW,
        published_at=NOW,
        effective_at=NOW,
        measures={one.value: SeenMeasure(MEASURE_NAMES[one], f"Seen: {one.value}.") for one in Measure},
    )


def sources() -> list[Path]:
    return sorted(SOURCES.glob("*.md.j2"))


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.name)
def test_no_figure_is_typed_into_a_source(source: Path) -> None:
    text = LAW.sub("", source.read_text())
    table_numbers = re.sub(r"^\| \([a-h]\).*?\|.*?\|", "", text, flags=re.MULTILINE)  # where each duty is found

    assert re.findall(r".*\d.*", table_numbers) == []


def test_the_guard_notices_a_typed_figure() -> None:
    assert re.findall(r"\d+", LAW.sub("", "**1.1** within 24 hours, as section 9 and Article 33(1) say")) == ["24"]


def test_every_figure_is_used_by_a_text_or_by_code() -> None:
    readers = [*sources(), *ROOM.rglob("*.py"), *ROOM.with_name("portal").rglob("*.py")]
    everything = "\n".join(path.read_text() for path in readers if path.name != "figures.py")

    assert [name for name in figures.FIGURES if name not in everything] == []


@pytest.mark.parametrize("letter", "abcdefg")
def test_each_duty_of_article_28_3_has_its_section(letter: str) -> None:
    headings = re.findall(r"^## .*$", text_of(Kind.DPA), re.MULTILINE)

    assert any(f"Article 28(3)({letter})" in heading for heading in headings)


def test_letter_h_has_audits_and_the_warning_about_unlawful_instructions() -> None:
    text = text_of(Kind.DPA)

    assert "## 11. Information and audits — Article 28(3)(h)" in text
    assert "tell you **at once**" in " ".join(text.split())


@pytest.mark.parametrize(
    "heading",
    [
        "Subject matter",
        "Duration",
        "Nature",
        "Purpose",
        "Types of data",
        "Categories of people",
        "Your rights and duties",
    ],
)
def test_the_agreement_states_each_part_of_its_frame(heading: str) -> None:
    assert f" {heading}" in text_of(Kind.DPA)


@pytest.mark.parametrize("annex", ["Annex I: ", "Annex II: ", "Annex III: ", "Annex IV: "])
def test_the_agreement_has_its_annexes(annex: str) -> None:
    assert f"\n## {annex}" in text_of(Kind.DPA)


def test_a_breach_notice_says_what_article_33_3_asks_within_the_promised_hours() -> None:
    text = " ".join(text_of(Kind.DPA).split())

    assert f"within {figures.BREACH_NOTICE_HOURS} hours" in text
    assert all(part in text for part in ("nature of the breach", "approximate numbers", "likely consequences"))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_document_starts_in_plain_words_and_says_that_a_lawyer_must_review_it(kind: Kind) -> None:
    text = text_of(kind)

    assert text.index("A template that a lawyer must review") < text.index("## In plain words") < text.index("## 1. ")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_reference_leads_to_a_section(kind: Kind) -> None:
    text = text_of(kind)
    referred = set(re.findall(r"[Ss]ections? (\d+(?:\.\d+)?)(?! of the Terms)", text))
    there = set(re.findall(r"^## (\d+)\.", text, re.MULTILINE)) | set(
        re.findall(r"^\*\*(\d+\.\d+)", text, re.MULTILINE)
    )
    elsewhere = {"6"} if kind is Kind.SUB_PROCESSORS else {"12", "15", "16"} & referred

    assert referred - there - elsewhere == set()


def test_the_cap_is_stated_once_in_the_terms() -> None:
    stated = [source.name for source in sources() if "LIABILITY_MONTHS" in source.read_text()]

    assert stated == ["terms.md.j2"]
    assert "section 12 of the Terms of Service" in " ".join(text_of(Kind.DPA).split())


def test_keys_and_passwords_are_described_as_they_are() -> None:
    text = text_of(Kind.DPA)

    assert int(token._BODY_LENGTH * log2(len(token._ALPHABET))) == figures.KEY_BITS
    assert "bcrypt" not in text
    assert f"{figures.KEY_BITS} random bits" in text
    assert "argon2id" in text


def test_the_default_retention_is_the_one_of_new_organizations() -> None:
    assert figures.DEFAULT_RETENTION_DAYS == DEFAULT_RETENTION_DAYS


def test_the_register_fills_annex_iv_and_its_own_page() -> None:
    for kind in (Kind.DPA, Kind.SUB_PROCESSORS):
        text = text_of(kind)

        assert "Cloud Host GmbH" in text
        assert "first an adequacy decision; if that does not apply or falls, standard contractual clauses" in text


@pytest.mark.parametrize("measure", list(Measure))
def test_annex_iii_says_beside_each_measure_what_was_seen(measure: Measure) -> None:
    line = find_line(text_of(Kind.DPA), f"Seen: {measure.value}".replace("_", "\\_"))

    assert line.startswith(f"| **{MEASURE_NAMES[measure]}** | ")


def find_line(text: str, words: str) -> str:
    return next((line for line in text.splitlines() if words in line), "")


def test_an_empty_register_is_said_so() -> None:
    assert "At present no company processes data" in text_of(Kind.SUB_PROCESSORS, register=())


def test_a_name_cannot_become_markup() -> None:
    evil = msgspec.structs.replace(HOST, entity="<img src=x> [a](b)")
    html = to_page(text_of(Kind.SUB_PROCESSORS, register=(evil,))).html

    assert "&lt;img src=x&gt; [a](b)" in html
    assert "<img" not in html


def test_headings_have_ids_that_differ() -> None:
    page = to_page("# A\n\n## Same\n\n## Same\n\n## Ω\n")

    assert [heading.id for heading in page.contents] == ["same", "same-2", "section"]
    assert '<h2 id="same-2">' in page.html


def test_tables_are_tables() -> None:
    assert "<table>" in to_page(text_of(Kind.TERMS)).html


def test_cells_of_wide_tables_say_what_stands_above_them() -> None:
    wide = to_page("| Code | `Status` | Cause | Fix |\n|---|---|---|---|\n| a | 400 | b |\n").html
    narrow = to_page("| Code | Status | Cause |\n|---|---|---|\n| a | 400 | b |\n").html

    assert '<table class="cards">' in wide
    assert re.findall("<td.*?>", wide) == [
        "<td>",
        '<td data-label="Status">',
        '<td data-label="Cause">',
        '<td data-label="Fix">',
    ]
    assert "<table>" in narrow
    assert "data-label" not in narrow


def test_three_columns_of_text_are_wide_too() -> None:
    text = "what happens if a fact that the rule needs is missing"
    wide = to_page(f"| Part | Meaning | Default |\n|---|---|---|\n| `on_missing` | {text} | none |\n").html
    then = to_page(f"| {text} |\n|---|\n| a |\n\n| a | b | c |\n|---|---|---|\n| d | e | f |\n").html

    assert '<td data-label="Meaning">' in wide
    assert '<td data-label="Default">none' in wide
    assert "data-label" not in then


def test_the_privacy_policy_says_how_long_payment_events_are_kept() -> None:
    said = find(text_of(Kind.PRIVACY), Clause.PAYMENT_EVENTS) or ""

    assert f"is kept for {retention.PAYMENT_EVENT_DAYS} days" in said
    assert f"could not be processed, for {retention.FAILED_PAYMENT_EVENT_DAYS} days" in said


def test_the_privacy_policy_says_how_long_decisions_are_kept() -> None:
    said = find(text_of(Kind.PRIVACY), Clause.DECISION_LOG) or ""

    assert f"**{DEFAULT_RETENTION_DAYS} days**" in said
    assert f"from {figures.SHORTEST_RETENTION_DAYS} to {figures.LONGEST_RETENTION_DAYS} days" in said
