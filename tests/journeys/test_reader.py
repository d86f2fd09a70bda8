"""Readers as they are: without a mouse, and in a time zone of their own."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, expect

from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal
from tests.journeys.looking import look_around

MOST_TABS = 120


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until the element has the focus, which must be seen."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    else:
        raise AssertionError(f"{selector} cannot be reached with the Tab key")
    style = page.evaluate(
        "() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.boxShadow]; }"
    )
    assert style != ["none", "none"], f"{selector} does not show that it has the focus"


def type_into(page: Page, name: str, words: str) -> None:
    tab_to(page, f"main [name='{name}']")
    page.keyboard.type(words)


def test_the_keyboard_alone_suffices(page: Page, portal: Portal) -> None:
    page.goto("/log-in")
    tab_to(page, "a[href='#main']")
    page.keyboard.press("Enter")
    type_into(page, "email", "ada@demo.example")
    type_into(page, "password", portal.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()

    page.goto("/keys/new?environment=live")
    type_into(page, "name", "By keyboard")
    page.keyboard.press("Enter")
    secret = page.locator("#secret").inner_text()
    steps.check(portal.url, secret, contains_personal_data=True)

    page.goto("/policies")
    tab_to(page, "[name=block_external_models]")
    page.keyboard.press("Space")
    tab_to(page, "[formaction='/policies/effect']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Impact preview")).to_be_visible()
    tab_to(page, "#policies .btn-primary")
    page.keyboard.press("Enter")
    steps.wait_for(page, "Changes published as version")

    page.goto("/policies/versions")
    tab_to(page, "form[action$='/restore'] button")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("Enter")  # the focus is back on the button
    tab_to(page, "dialog [value=yes]")
    page.keyboard.press("Enter")
    steps.wait_for(page, "restored as version")


def test_the_keyboard_alone_leads_from_sign_up_to_a_key(page: Page, other_page: Page, portal: Portal) -> None:
    page.goto("/")
    tab_to(page, "a[href='/sign-up']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign up")).to_be_visible()
    type_into(page, "name", "Kay Board")
    type_into(page, "organization_name", "Keyboard & Co")
    type_into(page, "email", "kay@keyboard.example")
    type_into(page, "password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()

    page.goto(steps.open_mail(other_page, "kay@keyboard.example", "Confirm your email address"))
    type_into(page, "password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Get started")).to_be_visible()

    tab_to(page, "a[href='/keys/new?environment=test']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Create API key")).to_be_visible()
    type_into(page, "name", "By keyboard")
    page.keyboard.press("Enter")
    secret = page.locator("#secret").inner_text()
    assert steps.check(portal.url, secret, contains_personal_data=False).status == 200
    expect(page.get_by_role("link", name="View decision")).to_be_visible(timeout=15_000)
    tab_to(page, "#first-check a[href='/organization/details']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Organization details")).to_be_visible()


def test_a_slash_leads_to_the_search_of_the_log(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    secret = steps.make_key(page, "To be found", "live")
    decision_id = steps.check(portal.url, secret).body["decision_id"]
    page.goto("/decisions")

    page.keyboard.press("/")
    page.keyboard.type(decision_id)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(decision_id))
    expect(page.locator("main")).to_contain_text(decision_id)


def test_times_are_the_readers_with_utc_beside(browser: Browser, portal: Portal) -> None:
    zone = "Asia/Kathmandu"
    context = browser.new_context(base_url=portal.url, timezone_id=zone, locale="en-GB")
    page = context.new_page()
    steps.log_in(page, "ada@demo.example", portal.password)
    page.goto("/documents")

    shown = page.locator("main time:not([data-style])").first
    moment = datetime.fromisoformat(str(shown.get_attribute("datetime")))
    assert f" {moment.astimezone(ZoneInfo(zone)):%H:%M} GMT+5:45" in shown.inner_text()
    assert moment.strftime("%H:%M") in str(shown.get_attribute("title"))
    assert "UTC" in str(shown.get_attribute("title"))
    assert page.locator("footer").inner_text().endswith("Times are in Nepal Time")
    context.close()


def test_ctrl_k_leads_from_any_page_to_any_other(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    page.goto("/keys")

    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search")
    expect(palette).to_be_visible()
    page.keyboard.type("audit")
    expect(palette.get_by_role("link", name="Audit log")).to_have_class(re.compile("is-chosen"))
    look_around(page, "the palette")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/audit-trail$"))


def test_what_was_just_done_is_told_and_goes_away_on_demand(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    page.goto("/organization")
    page.locator("[name=name]").fill("Demo organization")
    page.locator("form[action='/organization/name'] button").click()

    toast = page.locator(".toast")
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)


def test_the_menu_of_a_phone_opens_and_closes(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/keys")
    menu = page.get_by_role("navigation", name="Pages")
    expect(menu).to_be_hidden()

    page.get_by_role("button", name="Menu", exact=True).click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")

    expect(menu).to_be_hidden()
