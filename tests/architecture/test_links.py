"""No page, mail or guide leads to an address that is not served."""

import re
from http import HTTPStatus

import pytest
from flask import Flask

from tests.architecture.links import SOME, Link, every_link, is_served, matches


@pytest.fixture(scope="module")
def links() -> list[Link]:
    return every_link()


def test_links_are_found_wherever_they_are_written(links: list[Link]) -> None:
    """A search that finds nothing would pass whatever is broken."""
    kinds = [re.sub(r".*(\.\w+)(:\d+)?$", r"\1", link.place) for link in links]

    assert {kind: kinds.count(kind) > 20 for kind in (".html", ".txt", ".py", ".md")} == dict.fromkeys(
        (".html", ".txt", ".py", ".md"), True
    )
    assert {link.method for link in links} >= {"GET", "POST"}
    assert f"/console/organizations/{SOME}/subscription/end" in {link.target for link in links}


def test_every_link_leads_to_a_route_that_takes_its_method(links: list[Link], app: Flask) -> None:
    assert [link for link in links if not is_served(link, app)] == []


def test_every_address_that_is_written_in_full_is_found(links: list[Link], app: Flask) -> None:
    """A guide or a document that no longer exists has a route all the same."""
    client = app.test_client()
    written = {
        link.target for link in links if link.method == "GET" and SOME not in link.target and link.target[0] == "/"
    }

    assert [one for one in sorted(written) if client.get(one).status_code == HTTPStatus.NOT_FOUND] == []


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        (f"/keys/{SOME}", "/keys/<uuid:key_id>"),
        (f"/keys/{SOME}?x=1#y", "/keys/<uuid:key_id>"),
        (f"{SOME}/severity", "/console/support/<uuid:ticket_id>/severity"),
        (f"/legal/{SOME}/{SOME}.pdf", "/legal/<name>/<number>.pdf"),
        ("/static/a/b.css", "/static/<path:filename>"),
    ],
)
def test_what_is_filled_in_may_be_anything(target: str, rule: str) -> None:
    assert matches(target, rule)


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("/keys/new", "/keys/<uuid:key_id>"),
        (f"/keys/{SOME}/revoked", "/keys/<uuid:key_id>/revoke"),
        (f"{SOME}/weight", "/console/support/<uuid:ticket_id>/severity"),
        (f"/key/{SOME}", "/keys/<uuid:key_id>"),
        (f"/keys/{SOME}/", "/keys/<uuid:key_id>"),
    ],
)
def test_what_is_written_has_to_be_right(target: str, rule: str) -> None:
    assert not matches(target, rule)


def test_a_method_that_the_route_does_not_take_is_a_broken_link(app: Flask) -> None:
    assert is_served(Link("here", "POST", f"/keys/{SOME}/revoke"), app)
    assert not is_served(Link("here", "POST", "/plan/invoices"), app)
