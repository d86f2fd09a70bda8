"""The whole way of a pilot customer, and what may go wrong on it."""

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal


def test_from_sign_up_to_the_first_live_decision(page: Page, other_page: Page, portal: Portal) -> None:
    steps.sign_up(page, name="Paula Pilot", organization="Pilot & Sons", email="paula@pilot.example", password=PASSWORD)
    test_key = steps.make_key(page, "First try", "test")
    page.goto("/start")

    assert steps.check(portal.url, test_key, contains_personal_data=True).body["allowed"] is False
    expect(page.get_by_text("Make a first test decision (done)")).to_be_visible(timeout=15_000)

    steps.give_details(page, "Pilot & Sons GmbH")
    steps.accept_documents(page, "Managing director")
    page.goto("/application")
    steps.press(page, "Send the application")
    steps.wait_for(page, "We decide by")

    steps.log_in_as_operator(other_page, "otto@operators.example", PASSWORD)
    other_page.get_by_role("link", name="Pilot & Sons").click()
    steps.fill(other_page, words="Welcome. A clear use.")
    steps.press(other_page, "Approve")
    steps.wait_for(other_page, "Approved. The owners get a mail.")

    live_key = steps.make_key(page, "Production", "live")
    page.goto("/start")
    answer = steps.check(portal.url, live_key, contains_personal_data=False)
    assert answer.body["allowed"] is True
    steps.wait_for(page, "You are live.")
    page.goto("/decisions")
    expect(page.get_by_role("row").filter(has_text="Production")).to_be_visible()
    page.goto("/audit-trail")
    expect(page.get_by_role("cell", name="organization.approved")).to_be_visible()
