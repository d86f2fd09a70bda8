"""Support and a launch in the browser: a suspected breach from both sides, the plan, a go-live, feedback."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal
from tests.journeys.looking import look_around, look_at, look_at_errors


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("SHOTS")
    if folder:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width in (390, 1440):
                page.set_viewport_size({"width": width, "height": 900})
                page.screenshot(path=str(Path(folder) / f"{name}-{scheme}-{width}.png"), full_page=True)


def test_a_suspected_breach_is_reported_and_assessed(page: Page, other_page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    look_at(page, "/support")
    shoot(page, "support")
    look_at(page, "/support/suspected-breach")
    shoot(page, "suspect")
    look_at_errors(page, "/support/suspected-breach")
    steps.fill(page, what="A key is used from an address that is not ours.", noticed_at="2026-01-05T10:00")
    steps.press(page, "Send report")
    expect(page.get_by_role("heading", name="What you can do now")).to_be_visible()
    look_around(page, "the report")
    shoot(page, "report")

    steps.log_in_as_operator(other_page, portal.new_operators.pop(), PASSWORD)
    look_at(other_page, "/console/suspected-breaches")
    shoot(other_page, "suspicions")
    other_page.get_by_role("table").get_by_role("link").first.click()
    look_around(other_page, "the assessment")
    shoot(other_page, "assessment")
    other_page.locator("[name=verdict]").select_option("no_breach")
    steps.fill(other_page, words="It is your own proxy.")
    steps.press(other_page, "Send result to customer")
    steps.wait_for(other_page, "Result sent to the customer.")
    page.reload()
    expect(page.get_by_text("No breach found.")).to_be_visible()


def test_the_plan_a_go_live_and_feedback(page: Page, portal: Portal) -> None:
    steps.log_in_as_operator(page, portal.new_operators.pop(), PASSWORD)
    page.goto("/console/launch/plan")
    steps.fill(page, starts_on="2026-11-30")
    steps.press(page, "Save")
    expect(page.get_by_role("heading", name=re.compile("Week 4"))).to_be_visible()
    look_around(page, "the plan")
    shoot(page, "plan")

    page.goto("/console/launch/watch")
    look_around(page, "watch lists")
    page.locator("[name=organization]").select_option(label="Demo organization")
    steps.fill(page, starts_at="2026-12-23T08:00")
    steps.press(page, "Save")
    expect(page.get_by_role("heading", name="The last 24 hours")).to_be_visible()
    look_around(page, "a watch list")
    shoot(page, "watch")

    look_at(page, "/console/feedback")
    shoot(page, "feedback")
    page.goto("/console/organizations")
    page.get_by_role("link", name="Demo organization", exact=True).click()
    page.get_by_role("link", name="Pulses, surveys, check-ins and reviews").click()
    steps.press(page, "Record check-in")
    look_around(page, "recording a check-in")
    shoot(page, "record")
    steps.fill(page, spoke_with="Ada", next_steps="A live key by Friday")
    steps.press(page, "Save")
    steps.wait_for(page, "Check-in saved.")
    look_around(page, "a check-in")
