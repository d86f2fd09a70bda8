"""What people do in the browser, by the words they see."""

import re
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pyotp
from playwright.sync_api import Page, expect

from core.clock import utc_now


def fill(page: Page, **fields: str) -> None:
    """Fills fields by their names."""
    for name, value in fields.items():
        page.locator(f"main [name='{name}']").first.fill(value)


def press(page: Page, words: str) -> None:
    page.get_by_role("button", name=words, exact=True).first.click()


def open_mail(page: Page, recipient: str, subject: str, *, leads_to: str = "/") -> str:
    """The address of the first page that the latest mail to somebody leads to, or of the first with these words."""
    page.goto("/mailbox")
    row = page.get_by_role("row").filter(has_text=recipient).filter(has_text=subject).first
    row.get_by_role("link").click()
    address = page.locator(f".mail-text a[href^=http][href*='{leads_to}']").first.get_attribute("href")
    assert address is not None
    return address


def sign_up(page: Page, *, name: str, organization: str, email: str, password: str) -> None:
    """From the front door to the confirmed account."""
    page.goto("/sign-up")
    fill(page, name=name, organization_name=organization, email=email, password=password)
    press(page, "Sign up")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    page.goto(open_mail(page, email, "Confirm your email address"))
    fill(page, password=password)
    press(page, "Confirm and log in")
    expect(page.get_by_role("heading", name="Get started")).to_be_visible()


def log_in(page: Page, email: str, password: str) -> None:
    page.goto("/log-in")
    fill(page, email=email, password=password)
    press(page, "Log in")


def set_up_authenticator(page: Page) -> pyotp.TOTP:
    """On the security page, where operators without a second factor are led."""
    expect(page.get_by_text("Operators need two-factor authentication.")).to_be_visible()
    press(page, "Set up")
    app = take_authenticator(page)
    page.get_by_role("link", name="I've saved these codes").click()
    return app


def take_authenticator(page: Page) -> pyotp.TOTP:
    """From the page with the secret to the one with the recovery codes."""
    app = pyotp.TOTP(page.locator("main code").inner_text())
    fill(page, code=app.at(utc_now()))
    press(page, "Set up app")
    expect(page.get_by_role("link", name="I've saved these codes")).to_be_visible()
    return app


def log_out(page: Page, name: str) -> None:
    page.locator("summary").filter(has_text=name).click()
    press(page, "Log out")


def log_in_as_operator(page: Page, email: str, password: str) -> None:
    """An operator who has no second factor yet."""
    log_in(page, email, password)
    page.goto("/console")
    set_up_authenticator(page)
    page.goto("/console")
    expect(page.locator("#applications")).to_be_visible()


def make_key(page: Page, name: str, environment: str) -> str:
    """Makes a key and gives its secret, which the page shows this once."""
    page.goto(f"/keys/new?environment={environment}")
    return submit_key(page, name, environment)


def submit_key(page: Page, name: str, environment: str) -> str:
    """On the form for it."""
    fill(page, name=name)
    press(page, "Create API key")
    secret = page.locator("#secret").inner_text()
    assert re.fullmatch(rf"aig_{environment}_[0-9A-Za-z]{{33}}", secret)
    return secret


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: dict[str, Any]


def check(base_url: str, secret: str, **metadata: object) -> Answer:
    """What the customer's software does."""
    question = {"model": "gpt-4o", "operation": "chat", "metadata": metadata}
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    request = Request(f"{base_url}/v1/check", data=msgspec.json.encode(question), headers=headers, method="POST")
    try:
        with urlopen(request, timeout=10) as answer:
            return Answer(answer.status, msgspec.json.decode(answer.read()))
    except HTTPError as refusal:
        return Answer(refusal.code, msgspec.json.decode(refusal.read()))


def give_details(page: Page, legal_name: str, *, use_case: str = "Summaries for our own staff.") -> None:
    page.goto("/organization/details")
    fill_details(page, legal_name, use_case=use_case)


def fill_details(page: Page, legal_name: str, *, use_case: str = "Summaries for our own staff.") -> None:
    fill(
        page,
        legal_name=legal_name,
        registration_number="HRB 12345, Berlin",
        address="2 Example Street, 10115 Berlin",
        use_case=use_case,
    )
    page.locator("[name=country]").select_option("DE")
    press(page, "Save")


def accept_documents(page: Page, title: str) -> None:
    page.goto("/legal/accept")
    fill_acceptance(page, title)


def fill_acceptance(page: Page, title: str) -> None:
    fill(page, title=title)
    for box in page.locator("main input[type=checkbox]").all():
        assert not box.is_checked()
        box.check()
    page.get_by_role("button", name=re.compile("^Accept the")).click()
    expect(page.get_by_role("heading", name="Documents accepted")).to_be_visible()


def wait_for(page: Page, words: str) -> None:
    """Until the page shows it by itself."""
    expect(page.get_by_text(words).first).to_be_visible(timeout=15_000)


def reload_until(page: Page, words: str, *, times: int = 20) -> None:
    """For what the worker does meanwhile on a page that does not renew itself."""
    for _ in range(times):
        if page.get_by_text(words).first.is_visible():
            return
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_text(words).first).to_be_visible()
