"""What a first visit carries: the page, its stylesheets, scripts, fonts and icons, compressed as a proxy sends them."""

import gzip
import re

import pytest
from flask import Flask

from core.pages import FONT, ICONS, STATIC
from tests.people import Browser, Person

MOST_BYTES = 150_000
ASSET = re.compile(r'(?:href|src)="/static/([^"?#]+)')


def weight_of(page: str) -> int:
    """Of the page and all that it names; a font is compressed already."""
    names = {*ASSET.findall(page), FONT, "vendor/geist-mono-1.7-latin.woff2", ICONS}
    files = {name: (STATIC / name).read_bytes() for name in names}
    carried = [content if name.endswith(".woff2") else gzip.compress(content) for name, content in files.items()]
    return len(gzip.compress(page.encode())) + sum(map(len, carried))


@pytest.mark.parametrize("path", ["/", "/log-in", "/sign-up", "/pricing", "/docs", "/status"])
def test_a_first_visit_is_light(nobody: Browser, path: str) -> None:
    assert weight_of(nobody.get(path).text) < MOST_BYTES


@pytest.mark.parametrize("path", ["/dashboard", "/decisions", "/policies", "/plan"])
def test_the_portal_is_light_too(owner: Person, path: str) -> None:
    assert weight_of(owner.get(path).text) < MOST_BYTES


def test_every_asset_is_kept_by_browsers_and_changes_its_address_with_its_content(app: Flask, nobody: Browser) -> None:
    named = re.findall(r'(?:href|src)="(/static/[^"#]+)', nobody.get("/log-in").text)

    assert len(named) > 8
    assert [one for one in named if "?v=" not in one and not one.endswith(".woff2")] == []
    asset = nobody.get(named[-1])
    asset.close()
    assert "max-age=31536000" in asset.headers["Cache-Control"]
