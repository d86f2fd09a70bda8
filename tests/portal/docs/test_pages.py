"""The guides as pages: listed, shown to everybody, and no link in them leads nowhere."""

import re
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound as NoRoute
from werkzeug.routing import RequestRedirect

from portal import menu
from portal.docs.articles import FOLDER
from tests.people import Browser, Person
from tests.portal.docs.guides import NAMES, guide, links_of, source_of


def test_every_file_is_a_guide_of_the_list() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_begins_with_its_title_and_one_line_that_says_what_it_is_for(name: str) -> None:
    title, lead, _ = source_of(name).split("\n\n", 2)

    assert re.fullmatch(r"# [A-Z][^\n]+", title)
    assert re.fullmatch(r"[A-Z][^\n#|]+\.", lead)
    assert len(lead) <= 140


def test_everybody_may_read_the_list_and_each_guide(nobody: Browser) -> None:
    page = nobody.get("/docs").text

    for name in NAMES:
        assert f'href="/docs/{name}"' in page
        assert guide(name).lead.replace("'", "&#39;") in page
        shown = nobody.get(f"/docs/{name}")
        assert shown.status_code == 200
        assert f"{guide(name).title}</h1>" in shown.text
        assert 'href="/support/new"' in shown.text


def test_members_get_back_to_their_dashboard(owner: Person, nobody: Browser) -> None:
    assert ">Dashboard</a>" in owner.get("/docs/limits").text
    assert ">Dashboard</a>" not in nobody.get("/docs/limits").text


@pytest.mark.parametrize("name", NAMES)
def test_where_a_guide_was_leads_to_where_it_is(nobody: Browser, name: str) -> None:
    answer = nobody.get(f"/help/{name}")

    assert (answer.status_code, answer.headers["Location"]) == (308, f"/docs/{name}")
    assert nobody.get("/help").headers["Location"] == "/docs"
    assert nobody.get("/help/no-such-guide").status_code == 404


@pytest.mark.parametrize("name", ["no-such-guide", "index", "..%2F..%2FREADME"])
def test_what_is_no_guide_is_not_found(nobody: Browser, name: str) -> None:
    assert nobody.get(f"/docs/{name}").status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_no_link_leads_nowhere(app: Flask, nobody: Browser, name: str) -> None:
    broken = [link for link in links_of(guide(name)) if not leads_somewhere(app, nobody, name, link)]

    assert broken == []


def leads_somewhere(app: Flask, nobody: Browser, name: str, link: str) -> bool:
    path = urlsplit(link).path or f"/docs/{name}"
    fragment = urlsplit(link).fragment
    try:
        endpoint, _ = app.url_map.bind("localhost").match(path)
    except (NoRoute, RequestRedirect):
        return False
    if endpoint == "docs.show" or fragment:
        page = nobody.get(path)
        return page.status_code == 200 and (not fragment or f'id="{fragment}"' in page.text)
    return True


def test_every_page_of_the_menu_is_in_the_portal_guide(app: Flask, owner: Person) -> None:
    page = owner.get("/team").text
    sidebar = page.partition('<nav class="nav-pages"')[2].partition("</nav>")[0]
    pages = re.findall(r'href="([^"]+)"[^>]*>(?:<svg.*?</svg>)?([^<]+)</a>', sidebar, re.DOTALL)

    assert len(pages) >= sum(len(group.entries) for group in menu._SETTINGS)
    assert [link for link in pages if f"**[{link[1]}]({link[0]})**" not in guide("portal-guide").markdown] == []
