"""An incident from the operator's first notice to the reader's mailbox, and every page on the way looked at."""

import re

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal
from tests.journeys.looking import look_around, look_at

READER = "reader@mail.example"


def test_a_reader_hears_of_an_incident(page: Page, other_page: Page, portal: Portal) -> None:
    subscribe(other_page)
    email = portal.new_operators.pop()
    steps.log_in_as_operator(page, email, PASSWORD)
    page.goto("/console/incidents/new?component=portal")
    steps.fill(page, title="Pages are slow", body="Pages take longer than usual.")
    steps.press(page, "Create incident")
    page.wait_for_url(re.compile(r"/console/incidents/0"))
    address = page.url
    page.get_by_role("button", name="Mark as done").first.click()
    name = email.partition("@")[0].title()
    expect(page.get_by_text(f"{name} Operator")).to_have_count(2)  # in the frame, and at the step
    look_around(page, "an incident")

    other_page.goto("/status")
    other_page.get_by_role("link", name="Pages are slow").click()
    look_around(other_page, "the incident for everybody")
    letter = steps.open_mail(other_page, READER, "[Investigating] Pages are slow")
    assert "/status/incidents/" in letter
    steps.log_in(other_page, "ada@demo.example", portal.password)
    other_page.goto(letter)
    expect(other_page.get_by_role("heading", name="Were you affected?")).to_be_visible()
    look_around(other_page, "the incident for a member")

    page.goto(f"{address}/breach")
    look_around(page, "recording a breach")
    steps.fill(page, nature="A drill.", contact="Otto, security@provider.example")
    steps.press(page, "Record breach")
    steps.fill(page, slug="demo")
    steps.press(page, "Add")
    expect(page.get_by_role("link", name="Demo organization")).to_be_visible()
    look_around(page, "a breach")


def test_maintenance_is_announced(page: Page, portal: Portal) -> None:
    steps.log_in_as_operator(page, portal.new_operators.pop(), PASSWORD)
    page.goto("/console/maintenances/new")
    page.get_by_label("Portal").check()
    steps.fill(page, title="A new disk", body="A disk is changed.")
    steps.fill(page, starts_at="2099-01-01T10:00", ends_at="2099-01-01T11:00")
    steps.press(page, "Announce maintenance")
    page.wait_for_url(re.compile(r"/console/maintenances/0"))
    look_around(page, "maintenance")
    look_at(page, page.url.replace("/console", "/status"))


def subscribe(reader: Page) -> None:
    reader.goto("/status/subscribe")
    steps.fill(reader, email=READER)
    steps.press(reader, "Subscribe")
    reader.goto(steps.open_mail(reader, READER, "Confirm"))
    look_around(reader, "a subscription")
    steps.press(reader, "Confirm subscription")
    expect(reader.get_by_role("button", name="Unsubscribe")).to_be_visible()
