"""The pages for visitors state what holds, and search engines find them."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from flask import Flask
from jinja2 import UndefinedError

from billing.comparison import compare
from billing.plans import PLANS
from core import current
from core.settings import Environment, Settings
from legal_docs import figures
from portal.docs.articles import read
from portal.docs.changelog import changes
from portal.public import questions, trust
from portal.public.entity import legal_entity
from portal.public.views import LISTED
from tests.people import Browser, Person
from tests.portal.status_scene import open_incident

BASE_URL = "https://www.provider.example"
PAGES = ("/", "/pricing", "/security", "/changelog", "/docs", "/docs/quickstart", "/docs/api/run-a-check")


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/"])
def test_whoever_only_reads_gets_no_cookie(nobody: Browser, path: str) -> None:
    assert "Set-Cookie" not in nobody.get(path).headers


def test_visitors_write_to_support_and_members_create_a_request(
    app: Flask, nobody: Browser, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = msgspec.structs.replace(app.extensions[current.EXTENSION], support_email="help@provider.example")
    monkeypatch.setitem(app.extensions, current.EXTENSION, reached)

    assert 'href="mailto:help@provider.example">Contact support' in nobody.get("/docs").text
    assert "No account?" in nobody.get("/log-in?next=/support/new").text
    assert 'href="/support/new">Contact support' in owner.get("/docs").text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_others_show_of_a_link_to_it(nobody: Browser, path: str) -> None:
    page = nobody.get(path).text

    for name in ("title", "description", "image", "url"):
        assert re.search(rf'<meta property="og:{name}"\s+content="[^"]+', page), name
    assert len(re.findall(r'<meta name="description"', page)) == 1


def test_the_picture_of_a_link_is_as_large_as_it_says() -> None:
    picture = (Path(trust.__file__).parents[2] / "core" / "static" / "social.png").read_bytes()

    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (1200, 630)


def test_prices_and_limits_are_those_that_hold(nobody: Browser) -> None:
    page = nobody.get("/pricing").text

    for plan in LISTED:
        assert plan.price in page
    for row in compare(LISTED):
        for cell in row.cells:
            assert cell in page


def test_members_compare_plans_in_the_same_table(nobody: Browser, owner: Person) -> None:
    own, public = owner.get("/plan").text, nobody.get("/pricing").text

    for row in compare(LISTED):
        assert row.label in own
        assert row.label in public


def test_the_comparison_tells_of_every_limit() -> None:
    rows = compare(tuple(PLANS.values()))

    assert len(rows) == 9
    assert all(len(row.cells) == len(PLANS) for row in rows)


def test_there_are_twenty_questions_each_with_an_answer_and_its_source() -> None:
    found = [one for group in questions.answered(base_url=BASE_URL).values() for one in group]

    assert len(found) == 20
    for one in found:
        assert one.question.endswith("?")
        assert re.search(r'<p>Source: <a href="/[^"]+">', one.answer)


def test_every_source_is_a_place_that_exists(nobody: Browser) -> None:
    answers = "".join(one.answer for group in questions.answered(base_url=BASE_URL).values() for one in group)
    sources = set(re.findall(r'href="([^"]+)"', answers + changes(base_url=BASE_URL).page.html))

    places = [source.partition("#") for source in sources if not source.startswith("/account")]

    assert len(places) > 10
    for path, _, fragment in places:
        answer = nobody.get(path)
        assert answer.status_code == 200, path
        assert not fragment or f'id="{fragment}"' in answer.text, f"{path}#{fragment}"


def test_answers_state_the_figures_that_hold(nobody: Browser) -> None:
    page = nobody.get("/security").text

    assert f"Within {figures.BREACH_NOTICE_HOURS} hours of becoming aware" in page
    assert f"{figures.SUB_PROCESSOR_NOTICE_DAYS} days ahead" in page
    assert f"{figures.BACKUP_DAYS} days" in page


def test_a_figure_that_nobody_named_is_no_answer() -> None:
    with pytest.raises(UndefinedError):
        read("x", "# X\n\nLead.\n\n{{ no_such_figure }}", {}, base_url=BASE_URL)


@pytest.mark.usefixtures("documents")
def test_the_trust_center_shows_documents_and_incidents(app: Flask, nobody: Browser) -> None:
    incident_id = open_incident(app, title="Checks are answered late")

    page = nobody.get("/security").text

    assert f'href="/status/incidents/{incident_id}"' in page
    assert "Incident in progress" in page or "outage" in page or "Degraded" in page
    assert 'href="/legal/dpa/1.0.pdf"' in page


def test_whoever_looks_for_their_own_security_is_led_there(owner: Person, nobody: Browser) -> None:
    assert 'href="/account/security"' in owner.get("/security").text
    assert 'href="/account/security"' not in nobody.get("/security").text


def test_the_foot_names_who_stands_behind_the_service() -> None:
    names = ("provider_name", "provider_address", "provider_registration", "provider_signatory", "governing_law")
    emails = ("courts", "support_email", "legal_email", "privacy_email", "security_email")
    given: dict[str, Any] = {name: f"Our {name}" for name in (*names, *emails)}
    named = Settings(environment=Environment.PRODUCTION, **given)

    found = legal_entity(named)

    assert found is not None
    assert found.name == "Our provider_name"
    assert legal_entity(Settings(environment=Environment.PRODUCTION)) is None


def test_the_changelog_begins_with_the_latest(nobody: Browser) -> None:
    dates = re.findall(
        r"<h2[^>]*>([^<]+)</h2>", nobody.get("/changelog").text.partition("<article")[2].partition("</article")[0]
    )

    assert len(dates) > 1
    assert all(re.fullmatch(r"\d{1,2} [A-Z][a-z]+ \d{4}", date) for date in dates)
    assert dates[0] in nobody.get("/docs").text


def test_robots_are_kept_from_pages_of_members_and_told_of_the_map(nobody: Browser) -> None:
    text = nobody.get("/robots.txt").text

    assert "Disallow: /console" in text
    assert "Disallow: /docs" not in text
    assert re.search(r"^Sitemap: http\S+/sitemap.xml$", text, flags=re.MULTILINE)


def test_every_page_of_the_map_is_there_for_everybody(nobody: Browser) -> None:
    tree = ET.fromstring(nobody.get("/sitemap.xml").data)  # noqa: S314  our own
    paths = [re.sub(r"^https?://[^/]+", "", loc.text or "") for loc in tree.iter() if loc.tag.endswith("loc")]

    assert {"/pricing", "/security", "/docs/quickstart", "/docs/api/run-a-check"} <= set(paths)
    assert [path for path in paths if nobody.get(path).status_code != 200] == []
