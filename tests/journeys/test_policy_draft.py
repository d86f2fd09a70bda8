"""The way of a policy in the browser."""

import os
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.conftest import Portal
from tests.journeys.looking import look_around

SHOTS = os.environ.get("SHOTS")


def shot(page: Page, name: str) -> None:
    if not SHOTS:
        return
    for scheme in ("light", "dark"):
        for width in (390, 1440):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}-{width}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_draft_is_analyzed_published_promoted_and_restored(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    secret = steps.make_key(page, "Drafts", "test")
    assert steps.check(portal.url, secret, contains_personal_data=True, department="hr").status == 200

    page.goto("/policies/drafts")
    steps.fill(page, name="Pilot of HR", note="Personal data may be used; HR asks first.")
    steps.press(page, "Create draft")
    expect(page.get_by_role("heading", name="Pilot of HR")).to_be_visible()
    page.get_by_role("link", name="Edit settings").click()
    page.locator("[name=block_personal_data]").uncheck()
    look_around(page, "settings of a draft")
    steps.press(page, "Save")
    page.get_by_role("link", name="Create rule").click()
    steps.fill(page, code="hr_asks", message="HR asks first.", fix="Ask HR.", all='department == "hr"')
    page.locator("[name=on_missing]").select_option("skip")
    shot(page, "rule")
    steps.press(page, "Create rule")
    steps.press(page, "Analyze impact")
    expect(page.get_by_text("Download the differing decisions")).to_be_visible(timeout=30_000)
    look_around(page, "analyzed draft")
    shot(page, "draft")

    steps.press(page, "Publish")
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    steps.wait_for(page, "Draft published as version")
    assert steps.check(portal.url, secret, contains_personal_data=True, department="hr").status == 200
    page.goto("/policies")
    expect(page.get_by_text("Would have blocked 1 of 1 decisions")).to_be_visible()
    look_around(page, "policies with a rule in shadow")
    shot(page, "policies")
    page.goto("/policies/drafts")
    look_around(page, "drafts")
    shot(page, "drafts")
    page.goto("/policies")
    steps.press(page, "Enforce")
    page.get_by_role("dialog").get_by_role("button", name="Enforce").click()
    steps.wait_for(page, "is enforced since version")
    page.goto("/policies/versions")
    shot(page, "versions")
