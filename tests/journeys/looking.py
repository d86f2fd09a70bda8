"""What every page must fulfil: nothing that axe finds, and nothing wider than a phone."""

from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
PHONE_WIDTH = 360


def equip(context: BrowserContext) -> None:
    """Every page of this browser brings what looks at it: sent once, and not for each look."""
    context.add_init_script(path=AXE)


def look_at(page: Page, path: str) -> None:
    as_on_a_desk(page)
    page.goto(path)
    look_around(page, path)


def look_at_errors(page: Page, path: str) -> None:
    """Sends a page's form as it is, and looks at what comes back."""
    as_on_a_desk(page)
    page.goto(path)
    form = page.locator("main form[method=post]").first
    form.locator("button[type=submit]:not([name=do], .visually-hidden), button:not([type])").first.click()
    page.wait_for_selector(".error-summary")
    look_around(page, f"errors of {path}")


def look_at_first(page: Page, listing: str, part: str) -> None:
    """The first record of a list."""
    page.goto(listing)
    look_at(page, str(page.locator(f"main a[href^='{part}']").first.get_attribute("href")))


def look_around(page: Page, name: str) -> None:
    """At the page as it stands now: in light, in dark, and on a phone."""
    as_on_a_desk(page)
    assert _violations(page, {}) == [], name
    page.emulate_media(color_scheme="dark")
    assert _violations(page, {"runOnly": ["color-contrast"]}) == [], f"{name} in dark"
    page.set_viewport_size({"width": PHONE_WIDTH, "height": 740})
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{name} is {overflow} px wider than a phone"
    as_on_a_desk(page)


def look_at_orientation(page: Page, path: str) -> None:
    """Pages share their style sheets, so few stand for all; axe fetches each of them once more for this."""
    page.goto(path)
    assert _violations(page, {"runOnly": ["css-orientation-lock"], "preload": True}) == [], path


def as_on_a_desk(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def _violations(page: Page, options: dict[str, Any]) -> list[str]:
    spared = {"resultTypes": ["violations"], "preload": False}
    found = page.evaluate("options => axe.run(document, options)", {**spared, **options})
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
