"""The whole way of a pilot customer, and what may go wrong on it."""

from contextlib import suppress
from datetime import timedelta
from time import monotonic

from playwright.sync_api import Browser, Error, Page, expect

from core.clock import utc_now
from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal
from tests.journeys.looking import look_around

MOST_PAGES, MOST_SECONDS = 12, 4 * 60
"""What a newcomer sees and takes, at most, until the first live decision."""


def test_from_sign_up_to_the_first_live_decision(page: Page, other_page: Page, portal: Portal) -> None:
    """From link to link, as a newcomer goes; the mailbox and the operator are at another browser."""
    loads: list[str] = []
    page.on("domcontentloaded", lambda opened: loads.append(opened.url))
    began = monotonic()
    page.goto("/sign-up")
    steps.fill(page, name="Paula Pilot", organization_name="Pilot & Sons", email="paula@pilot.example")
    steps.fill(page, password=PASSWORD)
    steps.press(page, "Sign up")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    page.goto(steps.open_mail(other_page, "paula@pilot.example", "Confirm your email address"))
    steps.fill(page, password=PASSWORD)
    steps.press(page, "Confirm and log in")

    page.get_by_role("link", name="Create test key").click()
    test_key = steps.submit_key(page, "First try", "test")
    assert steps.check(portal.url, test_key, contains_personal_data=True).body["allowed"] is False
    expect(page.get_by_role("link", name="View decision")).to_be_visible(timeout=15_000)
    look_around(page, "the first check of a key")

    page.get_by_role("link", name="Add your organization details").click()
    steps.fill_details(page, "Pilot & Sons GmbH")
    steps.fill_acceptance(page, "Managing director")
    steps.press(page, "Request approval")
    steps.wait_for(page, "We will decide by")

    steps.log_in_as_operator(other_page, portal.new_operators.pop(), PASSWORD)
    other_page.get_by_role("link", name="Pilot & Sons").click()
    other_page.locator("summary").filter(has_text="Approve").click()
    other_page.locator("#words-approve").fill("Welcome. A clear use.")
    steps.press(other_page, "Approve")
    steps.wait_for(other_page, "Approved. We emailed the owners.")

    page.goto(steps.open_mail(other_page, "paula@pilot.example", "is approved", leads_to="/keys/new"))
    live_key = steps.submit_key(page, "Production", "live")
    answer = steps.check(portal.url, live_key, contains_personal_data=False)
    assert answer.body["allowed"] is True
    steps.wait_for(page, "You are live.")
    assert len(loads) <= MOST_PAGES, loads
    assert monotonic() - began < MOST_SECONDS

    page.goto("/start")
    steps.wait_for(page, "You are live.")
    page.goto("/decisions")
    expect(page.get_by_role("row").filter(has_text="Production")).to_be_visible()
    page.goto("/audit-trail")
    expect(page.locator(".log-event").filter(has_text="Approved the organization")).to_be_visible()


def test_a_colleague_joins_by_invitation(page: Page, other_page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    page.goto("/team")
    steps.fill(page, email="mia@demo.example")
    page.get_by_label("Viewer:").check()
    steps.press(page, "Send invitation")
    steps.wait_for(page, "Invitation sent to mia@demo.example.")

    other_page.goto(steps.open_mail(other_page, "mia@demo.example", "invited you"))
    steps.fill(other_page, name="Mia Member", password=PASSWORD)
    steps.press(other_page, "Create account and join")
    other_page.goto("/keys")
    expect(other_page.get_by_role("heading", name="API keys", exact=True)).to_be_visible()
    expect(other_page.get_by_role("link", name="Create API key")).to_have_count(0)

    page.goto("/team")
    row = page.get_by_role("row").filter(has_text="Mia Member")
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    steps.wait_for(page, "Member removed.")
    other_page.goto("/keys")
    steps.wait_for(other_page, "You are not a member of any organization.")


def test_two_operators_who_decide_at_once(page: Page, other_page: Page, portal: Portal) -> None:
    for opened, email in ((page, portal.new_operators.pop()), (other_page, "olga@operators.example")):
        if email != "olga@operators.example":
            steps.log_in_as_operator(opened, email, PASSWORD)
        else:
            steps.log_in(opened, email, portal.password)
            look_around(opened, "the second step")
            steps.fill(opened, code=portal.operator_codes[0])
            steps.press(opened, "Log in")
            opened.goto("/console")
        opened.get_by_role("link", name="Waiting Works").click()
    page.locator("summary").filter(has_text="Approve").click()
    page.locator("#words-approve").fill("A clear use.")
    other_page.locator("summary").filter(has_text="Decline").click()
    other_page.locator("#words-decline").fill("Not clear to me.")

    steps.press(page, "Approve")
    steps.press(other_page, "Decline")

    steps.wait_for(page, "Approved. We emailed the owners.")
    steps.wait_for(other_page, "The status is now: approved.")
    page.goto("/mailbox")
    expect(page.get_by_role("row").filter(has_text="cleo@waiting.example").filter(has_text="approved")).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text="About the approval")).to_have_count(0)


def test_a_key_is_rotated_and_its_secret_is_never_seen_again(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    old = steps.make_key(page, "Rotated", "live")
    assert steps.check(portal.url, old).status == 200
    page.goto("/keys")
    page.get_by_role("link", name="Rotated").click()
    page.get_by_role("link", name="Rotate", exact=True).click()
    steps.press(page, "Rotate key")
    new = page.locator("#secret").inner_text()

    assert steps.check(portal.url, old).status == steps.check(portal.url, new).status == 200
    page.get_by_role("link", name="I've saved this key").click()
    shown_after_back = ""
    with suppress(Error):  # the browser refuses to show the answer to a form again
        page.go_back()
        shown_after_back = page.content()
    page.wait_for_timeout(500)
    assert new not in shown_after_back
    page.goto("/keys")
    page.get_by_role("row").filter(has_text="expiring").get_by_role("link").first.click()
    steps.press(page, "Complete rotation")
    steps.wait_for(page, "Rotation complete.")
    assert steps.check(portal.url, new).status == 200
    refused = steps.check(portal.url, old)
    assert (refused.status, refused.body["code"]) == (401, "revoked_api_key")


def test_a_new_version_of_the_terms_is_published_compared_and_accepted(
    page: Page, other_page: Page, portal: Portal
) -> None:
    steps.log_in(other_page, "olga@operators.example", portal.password)
    steps.fill(other_page, code=portal.operator_codes[1])
    steps.press(other_page, "Log in")
    other_page.goto("/console/documents")
    steps.fill(other_page, number="2.0", summary="Clearer words.", reviewer="A. Lawyer", review_note="Fine.")
    steps.fill(other_page, effective_on=(utc_now() + timedelta(days=40)).date().isoformat())
    steps.fill(other_page, reviewed_on=utc_now().date().isoformat())
    other_page.locator("[name=is_major]").check()
    steps.press(other_page, "Publish version")
    steps.wait_for(other_page, "Terms of Service 2.0 published")

    steps.log_in(page, "ada@demo.example", portal.password)
    page.goto("/documents")
    steps.wait_for(page, "Accept the new version of the Terms of Service")
    page.get_by_role("link", name="Compare versions").click()
    expect(page.locator("ins").first).to_be_visible()
    steps.accept_documents(page, "Managing director")
    page.goto("/documents")
    expect(page.get_by_text("Accept the new version of the Terms of Service")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="Terms of Service 2.0")).to_be_visible()


def test_everything_works_without_scripts(browser: Browser, portal: Portal) -> None:
    context = browser.new_context(base_url=portal.url, java_script_enabled=False)
    page = context.new_page()
    steps.log_in(page, "ben@demo.example", portal.password)
    secret = steps.make_key(page, "Without scripts", "test")
    assert steps.check(portal.url, secret, contains_personal_data=True).status == 200

    page.goto("/policies")
    page.locator("[name=points_personal_data]").fill("71")
    steps.press(page, "Preview impact")
    steps.wait_for(page, "Impact preview")
    steps.press(page, "Publish changes")
    steps.wait_for(page, "Changes published as version")
    page.goto("/decisions?environment=test")
    page.locator("tbody a").first.click()
    steps.wait_for(page, "Policy version")
    page.goto("/dashboard")
    page.get_by_role("link", name="Load usage").click()
    steps.wait_for(page, "Decisions over time")
    page.goto("/try-it")
    steps.press(page, "Send check")
    steps.wait_for(page, "View in decision log")
    context.close()


def test_a_passkey_stands_for_password_and_second_factor(page: Page, portal: Portal) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    steps.sign_up(page, name="Kim Key", organization="Key Works", email="kim@key.example", password=PASSWORD)
    page.goto("/account/security")
    steps.fill(page, name="Work laptop")
    steps.press(page, "Add passkey")
    page.get_by_role("link", name="I've saved these codes").click()
    steps.wait_for(page, "Passkey: Work laptop")

    steps.log_out(page, "Kim Key")
    steps.press(page, "Use a passkey")
    expect(page.get_by_role("heading", name="Get started")).to_be_visible()

    steps.log_out(page, "Kim Key")
    steps.log_in(page, "kim@key.example", PASSWORD)
    expect(page.get_by_role("heading", name="Two-factor authentication")).to_be_visible()
    steps.press(page, "Use a passkey")
    expect(page.get_by_role("heading", name="Get started")).to_be_visible()
