"""The way of money, walked with the sandbox that stands in for Stripe."""

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.conftest import Portal
from tests.journeys.looking import look_around


def test_from_the_plan_page_to_active_and_through_a_failed_renewal(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    live_key = steps.make_key(page, "Through thick and thin", "live")
    page.goto("/plan")
    expect(page.get_by_text("this is not Stripe, and no money moves").first).to_be_visible()
    look_around(page, "plan")
    steps.press(page, "Subscribe to Pro")

    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    expect(page.get_by_text("this is not Stripe, and no money moves").first).to_be_visible()
    look_around(page, "sandbox checkout")
    steps.press(page, "Pay with a test card")
    steps.wait_for(page, "You are subscribed to Pro.")
    look_around(page, "payment done")

    page.goto("/plan/invoices")
    expect(page.get_by_role("listitem").filter(has_text="49.00 USD")).to_be_visible()
    look_around(page, "invoices")

    page.goto("/plan")
    steps.press(page, "Manage cards")
    look_around(page, "sandbox portal")
    steps.press(page, "Advance one month: renewal fails")
    steps.wait_for(page, "past_due")
    page.get_by_role("link", name="Back to AI Governance").click()
    steps.reload_until(page, "Pay invoice")
    look_around(page, "plan with a failed payment")
    assert steps.check(portal.url, live_key).status == 200

    page.get_by_role("link", name="Pay invoice").click()
    look_around(page, "sandbox invoice")
    steps.press(page, "Pay with a test card")
    steps.reload_until(page, "You are subscribed to Pro.")

    page.goto("/plan")
    steps.press(page, "Cancel subscription")
    page.get_by_role("dialog").get_by_role("button", name="Cancel subscription").click()
    steps.wait_for(page, "You canceled Pro.")
    steps.press(page, "Keep Pro")
    steps.wait_for(page, "Your plan continues without changes.")
    assert steps.check(portal.url, live_key).status == 200
