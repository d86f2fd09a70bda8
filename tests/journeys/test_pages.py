"""Every page: nothing that axe finds, nothing that breaks the content security policy, nothing wider than a phone."""

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core.clock import utc_now
from tests.databases import ROOT
from tests.journeys import steps
from tests.journeys.conftest import PASSWORD, Portal, watched_page
from tests.journeys.looking import look_around, look_at, look_at_errors, look_at_first, look_at_orientation

PUBLIC = (
    *("/", "/sign-up", "/log-in", "/forgotten-password", "/report-a-key", "/mailbox", "/docs", "/design"),
    *("/legal", "/legal/terms", "/legal/dpa", "/legal/privacy", "/legal/sub-processors", "/no-such-page"),
    *(
        "/legal/terms/1.0",
        "/confirm/of-nobody",
        "/join/of-nobody",
        "/legal/sign/of-nobody",
        "/docs/problems/rate_limited",
    ),
    *("/status", "/status/history", "/status/subscribe", "/status/subscriptions/of-nobody"),
    *("/docs/quickstart", "/docs/portal-guide", "/docs/faq", "/docs/api-guide", "/docs/policies"),
    *("/docs/limits", "/docs/errors", "/docs/security-and-privacy", "/docs/search?q=rate+limit", "/docs/facts"),
    *("/docs/api", "/docs/api/run-a-check", "/docs/api/list-decisions", "/docs/policy-settings", "/docs/problems"),
    *("/welcome", "/pricing", "/security", "/changelog"),
)
MEMBERS = (
    *(
        "/start",
        "/checklist",
        "/dashboard",
        "/dashboard/figures",
        "/keys",
        "/keys/new",
        "/try-it",
        "/policies",
        "/policies/versions",
        "/policies/models",
        "/policies/models/own",
        "/policies/presets",
        "/policies/publishing",
        "/policies/required-facts",
        "/policies/required-facts/new",
        "/policies/truth-map",
        "/policies/fail-modes",
        "/policies/file",
        "/policies/fail-modes/new",
        "/search",
        "/search?q=key",
    ),
    *(
        "/policies/rules/new",
        "/decisions",
        "/decisions/refused",
        "/decisions/views",
        "/documents",
        "/legal/accept",
        "/application",
        "/team",
        "/organization",
    ),
    *("/organization/details", "/organization/retention", "/organization/data", "/organization/closing"),
    *("/policies/drafts", "/decisions/integrity"),
    *("/policies/rules/hr_needs_review", "/decisions?from=nonsense", "/account/security/authenticator"),
    *("/documents/measures", "/documents/processing-record", "/documents/audits", "/documents/audits/new"),
    *("/documents/report", "/decisions/views/new?allowed=false", "/legal/accepted"),
    *("/support", "/support/new", "/help/checks", "/help/checks/page", "/help/checks/key", "/help/checks/limit"),
    *("/help/checks/blocked", "/help/checks/log"),
    *("/audit-trail", "/account/security", "/organizations", "/prove-it", "/plan", "/plan/invoices"),
    *("/organization/notifications", "/organization/notifications/new", "/organization/notifications/what-we-send"),
)
OPERATORS = (
    "/console",
    "/console/applications",
    "/console/billing",
    "/console/mail",
    "/console/organizations",
    "/console/documents",
    "/console/sub-processors",
    "/console/audits",
    "/console/processing-record",
    "/console/incidents",
    "/console/incidents/new",
    "/console/maintenances/new",
    "/console/breaches",
    "/console/figures",
    "/console/support",
    "/console/support/email",
    "/console/support/feature-requests",
    "/console/support/on-call",
    "/console/handbook",
    "/console/handbook/production-readiness",
    "/console/launch",
    "/console/launch?since=2026-01-01T00:00:00Z",
    "/console/launch/routine",
    "/account/security",
    "/console/notifications",
    "/console/notifications/new",
    "/console/notifications/what-we-send",
)
ELSEWHERE = frozenset(
    {
        *("/console/feedback", "/console/launch/plan", "/console/launch/watch", "/console/suspected-breaches"),
        *("/log-in/second-step", "/plan/return", "/support/suspected-breach"),
    }
)
"""Pages that other journeys look at, on their way."""
NO_PAGES = frozenset(
    {
        *("/ask", "/audit-trail/export", "/confirm-address", "/console/launch/progress", "/help", "/metrics"),
        *("/decisions/export", "/decisions/search", "/decisions/values"),
        *("/decisions/integrity/evidence", "/decisions/integrity/head", "/decisions/integrity/verifier"),
    }
)
"""Files, fragments and addresses that lead on."""
MACHINES = re.compile(r"/(?:v1|api|access|webhooks|health|\.well-known)\b|.*\.(?:atom|csv|json|pdf|txt|xml)$|.*<")
"""Not for people, or with a record's id in the address."""
EMPTY_FORMS = ("/sign-up", "/log-in", "/forgotten-password", "/report-a-key", "/status/subscribe")
EMPTY_FORMS_OF_MEMBERS = (
    "/keys/new",
    "/support/new",
    "/documents/audits/new",
    "/policies/rules/new",
    "/organization/closing",
    "/organization/notifications/new",
)


@pytest.fixture(scope="module")
def ada(browser: Browser, portal: Portal) -> Any:
    """Ada, with a key, some decisions and a rule, so that no page is empty."""
    opening = watched_page(browser, portal)
    page = next(opening)
    steps.log_in(page, "ada@demo.example", portal.password)
    secret = steps.make_key(page, "Production", "live")
    for contains_personal_data in (True, False, False):
        steps.check(portal.url, secret, contains_personal_data=contains_personal_data)
    page.goto("/policies/rules/new")
    page.get_by_role("button", name="Edit as CEL expression").click()
    steps.fill(page, code="hr_needs_review", message="HR needs a review.", fix="Ask HR.", all='department == "hr"')
    page.select_option("main [name='on_missing']", "block")
    steps.press(page, "Create rule")
    page.goto("/organization/notifications/new")
    steps.fill(page, name="On-call", target="https://hooks.example.com/in")
    page.get_by_label("(decision.blocked)").check()
    steps.press(page, "Create channel")
    page.goto("/organization/notifications")
    page.get_by_role("link", name="On-call").click()
    steps.press(page, "Send test")
    yield page
    opening.close()


@pytest.fixture(scope="module")
def visitor(browser: Browser, portal: Portal) -> Any:
    """Who has an account nowhere, and need not fetch the style sheets for each page."""
    opening = watched_page(browser, portal)
    yield next(opening)
    opening.close()


@pytest.fixture(scope="module")
def olga(browser: Browser, portal: Portal) -> Any:
    opening = watched_page(browser, portal)
    page = next(opening)
    steps.log_in_as_operator(page, portal.new_operators.pop(), PASSWORD)
    yield page
    opening.close()


def test_no_page_is_left_out() -> None:
    lines = (ROOT / "tests" / "architecture" / "routes.txt").read_text().splitlines()
    paths = {line.split()[1] for line in lines if line.startswith("GET ")}
    pages = {path for path in paths if not MACHINES.match(path)} - NO_PAGES

    assert pages - ELSEWHERE == pages & {path.partition("?")[0] for path in (*PUBLIC, *MEMBERS, *OPERATORS)}


@pytest.mark.parametrize("path", ["/design", "/pricing"])
def test_no_style_locks_the_orientation(visitor: Page, path: str) -> None:
    look_at_orientation(visitor, path)


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages(visitor: Page, path: str) -> None:
    look_at(visitor, path)


@pytest.mark.parametrize("path", MEMBERS)
def test_pages_of_members(ada: Page, path: str) -> None:
    look_at(ada, path)


def test_the_log_is_filtered_in_the_reader_s_own_zone(ada: Page, browser: Browser, portal: Portal) -> None:
    """In New York it is five hours earlier; the address stays in UTC."""
    context = browser.new_context(
        base_url=portal.url, timezone_id="America/New_York", storage_state=ada.context.storage_state()
    )
    page = context.new_page()
    page.goto("/decisions?from=2026-01-05T15:00")

    expect(page.get_by_label("From", exact=True)).to_have_value("2026-01-05T10:00")
    expect(page.locator(".chip time").first).to_have_text("5 Jan 2026, 10:00 GMT-5")
    page.get_by_label("From", exact=True).fill("2026-01-05T11:00")
    page.wait_for_url("**from=2026-01-05T16%3A00**")
    expect(page.locator(".chip time").first).to_have_text("5 Jan 2026, 11:00 GMT-5")
    context.close()


@pytest.mark.parametrize("path", OPERATORS)
def test_pages_of_operators(olga: Page, path: str) -> None:
    look_at(olga, path)


@pytest.mark.parametrize("path", EMPTY_FORMS)
def test_forms_with_errors(visitor: Page, path: str) -> None:
    look_at_errors(visitor, path)


@pytest.mark.parametrize("path", EMPTY_FORMS_OF_MEMBERS)
def test_forms_of_members_with_errors(ada: Page, path: str) -> None:
    look_at_errors(ada, path)


@pytest.mark.parametrize("step", ["rotate", "revoke"])
def test_what_is_done_to_a_key(ada: Page, step: str) -> None:
    ada.goto("/keys")
    key = ada.locator("main a[href^='/keys/0']").first.get_attribute("href")
    look_at(ada, f"{key}/{step}")


RECORDS = (
    *(("/keys", "/keys/0"), ("/decisions", "/decisions/dec_"), ("/documents", "/legal/acceptances/")),
    ("/organization/notifications", "/organization/notifications/0"),
)
CONSOLE_RECORDS = (("/console", "/console/applications/"), ("/console/organizations", "/console/organizations/0"))


@pytest.mark.parametrize(("listing", "part"), RECORDS)
def test_pages_of_one_record(ada: Page, listing: str, part: str) -> None:
    look_at_first(ada, listing, part)


def test_a_delivery(ada: Page) -> None:
    ada.goto("/organization/notifications")
    ada.get_by_role("link", name="On-call").click()
    ada.locator("main table").get_by_role("link", name="test").first.click()
    look_around(ada, "a delivery")


@pytest.mark.parametrize(("listing", "part"), CONSOLE_RECORDS)
def test_pages_of_one_record_in_the_console(olga: Page, listing: str, part: str) -> None:
    look_at_first(olga, listing, part)


def test_deleting_a_revoked_key(ada: Page) -> None:
    steps.make_key(ada, "Short trial", "test")
    ada.goto("/keys")
    ada.get_by_role("link", name="Short trial").click()
    path = ada.url
    ada.get_by_role("link", name="Revoke").click()
    steps.fill(ada, typed="Short trial")
    steps.press(ada, "Revoke key")
    ada.goto(path)
    ada.get_by_role("link", name="Delete").click()
    look_around(ada, "deleting a key")
    steps.fill(ada, typed="Short trial")
    steps.press(ada, "Erase key and decisions")
    ada.wait_for_selector("text=Erased the API key and 0 decisions")


def test_an_audit_that_was_requested(ada: Page) -> None:
    day = (utc_now() + timedelta(days=40)).date().isoformat()
    ada.goto("/documents/audits/new")
    steps.fill(ada, starts_on=day, ends_on=day, scope="Backups", auditor="Anna Auditor, Audit GmbH")
    ada.locator("#is_bound").check()
    steps.press(ada, "Request audit")
    look_around(ada, "an audit")
