"""A visitor without an account: tries the product, reads the documentation, with scripts and without."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.looking import look_around


def test_a_check_is_sent_and_explained_where_one_is(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Prompt sent by mistake", exact=True).check()
    page.get_by_role("button", name="Send check").click()

    expect(page.locator(".verdict")).to_contain_text("Rejected (400)")
    expect(page.locator("#answer")).to_contain_text("metadata.prompt")

    page.get_by_label("Llama 3.3, on your own servers", exact=True).check()
    page.get_by_label("No personal data", exact=True).check()
    page.get_by_role("button", name="Send check").click()

    expect(page.locator(".verdict")).to_contain_text("Allowed")
    page.get_by_text("Request and response").click()
    expect(page.locator("#answer pre").first).to_contain_text('"model": "llama-3.3-70b"')
    assert page.url.endswith("/")
    look_around(page, "an answered check")


def test_without_scripts_the_page_comes_back_with_the_answer(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(base_url=portal.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Human resources", exact=True).check()
    page.get_by_role("button", name="Send check").click()

    expect(page.locator(".verdict")).to_contain_text("Blocked")
    expect(page.locator("input[value=hr]")).to_be_checked()
    page.goto("/docs/api/run-a-check")
    page.get_by_text("Python", exact=True).click()
    expect(page.locator("#sample-python")).to_be_visible()
    expect(page.locator("#sample-curl")).to_be_hidden()
    context.close()


def test_the_language_that_was_chosen_stays_from_page_to_page(page: Page) -> None:
    page.goto("/docs/api/run-a-check")
    page.get_by_text("JavaScript", exact=True).click()
    page.goto("/docs/api/list-decisions")

    expect(page.locator("#sample-javascript")).to_be_visible()
    expect(page.locator("#sample-curl")).to_be_hidden()


def test_tabs_and_choices_work_with_the_keyboard_alone(page: Page) -> None:
    page.goto("/docs/api/run-a-check")
    page.locator("#language-curl").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#sample-python")).to_be_visible()

    page.goto("/")
    page.locator("input[name=model]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("input[name=model][value=own]")).to_be_checked()


def test_what_is_looked_for_is_found(page: Page) -> None:
    page.goto("/docs")
    page.keyboard.press("/")
    page.keyboard.type("rotate")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(r"/docs/search"))
    page.get_by_role("link", name="Rotate an API key").last.click()
    expect(page.get_by_role("heading", name="Rotate an API key")).to_be_visible()
