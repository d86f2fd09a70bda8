"""Pages that are met only on the way: after a link, after a step, once."""

import psycopg
from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal
from tests.journeys.looking import look_around

_AN_HOUR_AGO = """UPDATE user_session SET authenticated_at = now() - interval '1 hour'
    WHERE created_at = (SELECT max(created_at) FROM user_session)"""


def test_signing_up_setting_a_new_password_and_the_second_step(page: Page, portal: Portal) -> None:
    page.goto("/sign-up")
    steps.fill(page, name="Sam Step", organization_name="Steps", email="sam@step.example", password=PASSWORD)
    steps.press(page, "Sign up")
    look_around(page, "check your mail")
    page.goto(steps.open_mail(page, "sam@step.example", "Confirm your email address"))
    look_around(page, "confirm")
    steps.fill(page, password=PASSWORD)
    steps.press(page, "Confirm and log in")

    page.goto("/account/security")
    steps.press(page, "Set up")
    look_around(page, "authenticator")
    app = steps.take_authenticator(page)
    look_around(page, "recovery codes")
    page.get_by_role("link", name="I've saved these codes").click()
    look_around(page, "guarded security")

    steps.log_out(page, "Sam Step")
    steps.log_in(page, "sam@step.example", PASSWORD)
    expect(page.get_by_role("heading", name="Two-factor authentication")).to_be_visible()
    look_around(page, "second step")
    steps.fill(page, code="000000")
    steps.press(page, "Log in")
    look_around(page, "second step refused")
    assert app

    page.goto("/forgotten-password")
    steps.fill(page, email="sam@step.example")
    steps.press(page, "Send link")
    page.goto(steps.open_mail(page, "sam@step.example", "Reset your password"))
    look_around(page, "Reset your password")


def test_the_key_that_is_shown_once(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    secret = steps.make_key(page, "Shown once", "test")
    look_around(page, "key shown once")
    with page.expect_download() as download:
        page.get_by_role("link", name=".env").or_(page.get_by_role("button", name=".env")).first.click()
    assert secret in download.value.path().read_text()

    page.goto("/try-it")
    steps.press(page, "Send check")
    steps.wait_for(page, "View in decision log")
    look_around(page, "answered try-it")


def test_an_invitation(page: Page, other_page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    page.goto("/team")
    steps.fill(page, email="lin@demo.example")
    steps.press(page, "Send invitation")
    steps.wait_for(page, "Invitation sent to lin@demo.example.")
    other_page.goto(steps.open_mail(other_page, "lin@demo.example", "invited you"))
    look_around(other_page, "join")


def test_a_form_that_comes_after_the_proof_has_lapsed(page: Page, portal: Portal) -> None:
    steps.log_in(page, "ada@demo.example", portal.password)
    page.goto("/team")
    steps.fill(page, email="late@demo.example")
    with psycopg.connect(portal.settings.database_url or "") as connection:
        connection.execute(_AN_HOUR_AGO)
    steps.press(page, "Send invitation")
    expect(page.get_by_role("heading", name="Confirm your identity")).to_be_visible()
    look_around(page, "a proof before a form")
    steps.fill(page, password=portal.password)
    steps.press(page, "Continue")
    expect(page.get_by_role("heading", name="Identity confirmed")).to_be_visible()
    look_around(page, "a form that is sent again")
    steps.press(page, "Submit")
    steps.wait_for(page, "Invitation sent to late@demo.example.")


def test_a_link_to_sign(page: Page, other_page: Page, portal: Portal) -> None:
    steps.sign_up(page, name="Del Egate", organization="Delegates", email="del@egate.example", password=PASSWORD)
    steps.give_details(page, "Delegates GmbH")
    page.goto("/legal/accept")
    steps.fill(page, email="boss@egate.example")
    steps.press(page, "Send link")
    steps.wait_for(page, "We sent a link to")
    other_page.goto(steps.open_mail(other_page, "boss@egate.example", "asks you to accept"))
    look_around(other_page, "sign")
    other_page.get_by_role("link", name="Open").first.click()
    look_around(other_page, "document of a link")


def test_a_mail_and_its_box(page: Page, portal: Portal) -> None:
    page.goto("/forgotten-password")
    steps.fill(page, email="ben@demo.example")
    steps.press(page, "Send link")
    steps.open_mail(page, "ben@demo.example", "Reset your password")
    look_around(page, "a mail")


def test_what_a_version_changed(page: Page, portal: Portal) -> None:
    page.goto("/legal/terms/1.0/changes/1.0")
    look_around(page, "redline")
