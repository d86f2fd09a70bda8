"""What the handbook names exists, and what it has to speak of is there."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml
from flask import Flask
from jinja2 import UndefinedError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from core.settings import Settings
from portal.console.chapters import FOLDER, NAMES
from portal.console.handbook.figures import figures
from portal.console.launch.items import BOARDS, ROUTINES
from portal.docs import articles
from portal.status import playbook
from portal.support.replies import REPLIES
from tests.databases import ROOT
from tests.portal.handbook.chapters_read import anchors_of, filled, in_backticks, links_of, prose_of, rows_of, source_of

MOST_WORDS = 420
OURS = tuple(name for name in NAMES if name not in {"deployment", "scaling"})
"""Those chapters are about other companies' settings and figures too, and about what was measured."""
RULES = ROOT / "deploy" / "prometheus" / "rules"
SETTINGS = {field.encode_name for field in msgspec.structs.fields(Settings)}
CODE = re.compile(r"^(PDC|GNG|DAY|WEEK|MONTH)-\d\d$")
NOT_A_FIGURE = re.compile(
    r"\{\{.*?\}\}|^\d\. |\bstep \d\b|\bArticle \d+\(\d\)|\bSHA-256\b|\b(?:5xx|200|204|429|503)\b|\b\d to \d+\b"
    r"|\bof 10\b|\bBelow 7\b|\bp95\b"
)
"""Placeholders, the numbers of steps, articles of the law, statuses of HTTP, and scales."""
SPELLED = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|thirty|ninety|hundred)"
    r" (working )?(seconds|minutes|hours|days|weeks|months|years|per cent)\b",
    re.IGNORECASE,
)
MEANT = {"two hours", "four weeks", "five minutes"}
"""Times of the plan for the launch, and of the three steps in the mail of welcome: nothing that the software counts."""
VENDORS = frozenset(
    {"max_connections", "maxmemory-policy", "noeviction", "pg_stat_statements", "pg_dump", "pg_restore"}
    | {"system.mutations"}
)
"""What PostgreSQL, Redis and ClickHouse call their own."""
WORDS = frozenset(
    {
        "page",
        "ticket",
        "slo",
        "record",
        "limit",
        "redis",
        "memory",
        "https://",
        "metrics-token",
        "request_id",
        "CRITICAL:",
    }
)
"""Labels of alerts, values of ours, and the stages of a check."""


def bare_figures(markdown: str, *, without: frozenset[str] = frozenset()) -> list[str]:
    """Numbers of the prose that are typed and not read from a constant. `without`: what is quoted word for word."""
    for quoted in sorted(without, key=len, reverse=True):
        markdown = markdown.replace(quoted, "")
    found = []
    for line in prose_of(markdown):
        words = NOT_A_FIGURE.sub("", line)
        found += re.findall(r"\d[\d.,:]*\d|\d", words)
        found += [one.group() for one in SPELLED.finditer(words) if one.group().lower() not in MEANT]
    return found


def items() -> dict[str, str]:
    return {one.code: one.words for some in (*BOARDS.values(), *ROUTINES.values()) for one in some}


@pytest.mark.parametrize("name", OURS)
def test_no_figure_is_typed(name: str) -> None:
    assert bare_figures(source_of(name), without=frozenset(items().values())) == []


@pytest.mark.parametrize("typed", ["It is kept for 14 days.", "| Critical | 1 h |", "within twelve hours", "at 02:00"])
def test_a_typed_figure_would_be_found(typed: str) -> None:
    assert bare_figures(typed) != []


def test_a_figure_that_nobody_named_is_refused() -> None:
    with pytest.raises(UndefinedError, match="no_such_figure"):
        articles.read("nothing", "# A\n\nB\n\n{{ no_such_figure }}", figures(), base_url="https://a.example")


def test_every_chapter_is_a_file_and_every_file_a_chapter() -> None:
    assert {file.stem for file in FOLDER.glob("*.md")} == set(NAMES)


def alerts() -> list[dict[str, Any]]:
    groups = [group for file in sorted(RULES.glob("*.yml")) for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def test_every_runbook_of_an_alert_is_a_section_that_says_what_to_do() -> None:
    anchors = anchors_of("troubleshooting")

    for alert in alerts():
        path, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert path == "docs/operators/troubleshooting.md"
        assert anchor in anchors, alert["alert"]
        section = source_of("troubleshooting").partition(f"\n### {alert['alert']}\n")[2].partition("\n##")[0]
        assert all(part in section for part in ("**What you see.**", "**What it means.**", "**What to do.**"))


def test_no_section_is_of_an_alert_that_is_gone() -> None:
    told = source_of("troubleshooting").partition("## Without an alert")[0]

    assert set(re.findall(r"^### (.+)$", told, re.MULTILINE)) == {alert["alert"] for alert in alerts()}


def test_every_item_of_both_boards_is_explained_in_its_own_words() -> None:
    wanted = {item.code: item.words for some in BOARDS.values() for item in some}

    assert rows_of("production-readiness") == wanted
    assert [len(some) for some in BOARDS.values()] == [48, 27]


def test_every_item_of_the_routine_is_explained_in_its_own_words() -> None:
    assert rows_of("routine") == {item.code: item.words for some in ROUTINES.values() for item in some}


def test_the_seven_steps_of_an_incident_are_those_of_the_console() -> None:
    steps = [line for line in source_of("incidents").splitlines() if line.startswith("### ")]

    assert [line[4:].partition(",")[0] for line in steps] == [step.title for step in playbook.STEPS]


def test_every_template_for_answers_is_named() -> None:
    assert all(f'"{reply.title}"' in source_of("support") for reply in REPLIES.values())


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_chapters_and_sections_that_exist(name: str) -> None:
    for link in links_of(name):
        target, _, anchor = link.partition("#")
        if target.startswith("https://"):
            continue
        chapter = target.removesuffix(".md") or name
        assert chapter in NAMES, link
        assert not anchor or anchor in anchors_of(chapter), link


def is_route(app: Flask, path: str) -> bool:
    adapter = app.url_map.bind("localhost")
    for method in ("GET", "POST"):
        try:
            adapter.match(path.partition("?")[0], method=method)
        except RequestRedirect:
            return True
        except HTTPException:
            continue
        return True
    return False


def in_source(words: str) -> bool:
    rooms = ("core", "backups", "billing", "api", "portal")
    return any(f'"{words}' in file.read_text() for room in rooms for file in (ROOT / room).rglob("*.py"))


def exists(app: Flask, text: str) -> bool:
    if text in VENDORS | WORDS or text.startswith(("flask ", "X-", "Authorization")) or CODE.match(text):
        return True
    if text.startswith("/"):
        return is_route(app, text)
    if text.startswith("DATA_DIR/"):
        return in_source(text.split("/")[1])
    if re.fullmatch(r"[A-Z][A-Z0-9_]+", text):
        return text in SETTINGS
    if "/" in text and "://" not in text:
        return (ROOT / text).exists()
    return text in {rule["alert"] for rule in alerts()} or in_source(text)


NOT_NAMES = re.compile(r"^(s3://|support\+|4242 |\d|…_PREVIOUS$|\{\{)")
"""Examples and placeholders."""


@pytest.mark.parametrize("name", OURS)
def test_what_stands_in_backticks_exists(app: Flask, name: str) -> None:
    named = {text for text in in_backticks(name) if not NOT_NAMES.match(text)}

    assert sorted(text for text in named if not exists(app, text)) == []


@pytest.mark.parametrize("name", ["NO_SUCH_SETTING", "/console/nowhere", "deploy/nothing.yml", "aig_nothing_total"])
def test_a_name_of_nothing_would_be_found(app: Flask, name: str) -> None:
    assert not exists(app, name)


def sections_of(name: str) -> Iterator[str]:
    yield from re.split(r"^## ", filled(name), flags=re.MULTILINE)


@pytest.mark.parametrize("name", OURS)
def test_a_section_is_short_enough_for_the_night(name: str) -> None:
    longest = max(len(part.split()) for section in sections_of(name) for part in section.split("\n### "))

    assert longest <= MOST_WORDS
