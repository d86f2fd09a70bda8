"""A request's whole way: the customer asks, an operator answers and resolves, the customer says how it was."""

import re
from datetime import timedelta

from playwright.sync_api import Page, expect
from sqlalchemy import select

from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from portal.support import watch
from portal.support.models import Ticket
from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal
from tests.journeys.looking import look_around
from wsgi import create_app

SUBJECT = "Checks are refused since noon"


def a_week_passes(portal: Portal) -> None:
    """As far as the request is concerned, and the worker tends it."""
    app = create_app(portal.settings)
    with app.app_context(), acting_as_system():
        with transaction():
            ticket = db.session.scalars(select(Ticket).where(Ticket.subject == SUBJECT)).one()
            ticket.resolved_at = utc_now() - timedelta(days=7, minutes=1)
        for ticket_id in watch.to_be_asked(utc_now()):
            with transaction():
                watch.ask(ticket_id, now=utc_now())
        db.engine.dispose()


def test_from_the_question_to_the_survey(page: Page, other_page: Page, portal: Portal) -> None:
    steps.log_in(page, "ben@demo.example", portal.password)
    page.goto("/support/new")
    steps.fill(page, subject=SUBJECT, body="Every check gets 403 since 12:00 UTC.")
    page.locator("[name=severity]").select_option("high")
    page.locator("[name=files]").set_input_files({"name": "app.log", "mimeType": "text/plain", "buffer": b"a line"})
    steps.press(page, "Create support request")
    expect(page.get_by_text(re.compile(r"Support request \d+ created"))).to_be_visible()
    expect(page.get_by_text("in progress").first).to_be_visible()
    address = page.url

    steps.log_in_as_operator(other_page, portal.new_operators.pop(), PASSWORD)
    other_page.goto("/console/support")
    other_page.get_by_role("link", name=re.compile(SUBJECT)).click()
    other_page.locator("#template").select_option("cause")
    expect(other_page.locator("#body")).to_have_value(re.compile(r"We found the cause: \[what\]"))
    look_around(other_page, "a request at the desk")
    steps.press(other_page, "Send reply")
    expect(other_page.get_by_text("Fill in or delete").first).to_be_visible()
    steps.fill(other_page, body="Your proxy strips the header. Please let it pass.")
    other_page.locator("[name=then]").select_option("waiting_on_customer")
    steps.press(other_page, "Send reply")
    expect(other_page.get_by_text("Reply sent. We emailed the customer.")).to_be_visible()

    page.goto(address)
    expect(page.get_by_text("We are waiting for your reply")).to_be_visible()
    expect(page.get_by_text("Your proxy strips the header")).to_be_visible()
    look_around(page, "a request of a customer")
    steps.fill(page, body="That was it, thank you.")
    steps.press(page, "Send reply")
    expect(page.get_by_text("That was it, thank you.")).to_be_visible()

    other_page.reload()
    steps.fill(other_page, body="Good to hear.")
    other_page.locator("[name=then]").select_option("resolved")
    steps.press(other_page, "Send reply")
    expect(other_page.get_by_text("Resolved", exact=True).first).to_be_visible()

    a_week_passes(portal)
    page.goto(steps.open_mail(page, "ben@demo.example", "How did we do"))
    look_around(page, "the survey")
    steps.press(page, "9")
    expect(page.get_by_text("You rated our support 9 out of 10.")).to_be_visible()


def test_a_check_of_the_own_set_up_leads_on_to_support(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ben@demo.example", portal.password)
    page.goto("/help/checks/key")
    steps.fill(page, header="Bearer aig_live_wrong")
    steps.press(page, "Run diagnosis")
    expect(page.get_by_text("The key is not valid")).to_be_visible()
    look_around(page, "a check that found something")
    page.get_by_role("main").get_by_role("link", name="Contact support").click()
    expect(page.locator("[name=subject]")).to_have_value("An API key does not work")
