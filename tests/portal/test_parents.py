"""Where pages lead back to: pages that were not found lead to the list that the thing would be in."""

import re

import pytest
from flask import Flask

from tests.cast import Member
from tests.people import Browser, Person
from tests.portal.notify import make_channel

ID = "01980000-0000-7000-8000-000000000000"
OF_EVERYBODY = {
    f"/status/subscriptions/{ID}": "/status/subscribe",
    f"/status/incidents/{ID}": "/status/history",
    f"/reset-password/{ID}": "/forgotten-password",
    f"/confirm/{ID}": "/log-in",
    "/docs/nothing": "/docs",
    "/docs/api/nothing": "/docs/api",
    "/docs/problems/nothing": "/docs/problems",
    "/legal/nothing": "/legal",
}
OF_MEMBERS = {
    f"/keys/{ID}": "/keys",
    "/policies/rules/nothing": "/policies#rules",
    f"/policies/drafts/{ID}": "/policies/drafts",
    f"/policies/drafts/{ID}/rules/nothing": "/policies/drafts",
    "/policies/fail-modes/7": "/policies/fail-modes",
    "/policies/required-facts/7": "/policies/required-facts",
    "/policies/nothing": "/policies",
    f"/policies/tests/of-decision/{ID}": "/decisions",
    f"/support/{ID}": "/support",
    f"/support/{ID}/files/{ID}": "/support",
    f"/organization/notifications/{ID}": "/organization/notifications",
    f"/organization/notifications/{ID}/deliveries/{ID}": "/organization/notifications",
    f"/documents/audits/{ID}": "/documents/audits",
    f"/legal/acceptances/{ID}": "/documents",
    "/plan/invoices/nothing/usage": "/plan/invoices",
    f"/start/first-check/{ID}": "/keys",
}
OF_OPERATORS = {
    f"/console/applications/{ID}": "/console/applications",
    f"/console/audits/{ID}": "/console/audits",
    f"/console/feedback/{ID}": "/console/feedback",
    "/console/handbook/nothing": "/console/handbook",
    f"/console/incidents/{ID}": "/console/incidents",
    f"/console/maintenances/{ID}": "/console/incidents",
    f"/console/notifications/{ID}": "/console/notifications",
    f"/console/organizations/{ID}": "/console/organizations",
    f"/console/support/{ID}": "/console/support",
    f"/console/support/email/{ID}": "/console/support/email",
    f"/console/suspected-breaches/{ID}": "/console/suspected-breaches",
    "/console/nothing": "/console",
}


def back_on(page: str) -> str | None:
    found = re.search(r'<p class="back">.*?Back to (.*?)</a>', page, re.DOTALL)
    return found[1] if found else None


def back_of(browser: Browser | Person, path: str) -> str | None:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return back_on(answer.text)


def next_of(browser: Browser | Person, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 404, path
    found = re.search(r'<p class="actions"><a class="btn btn-primary"\s+href="([^"]*)">(.*?)</a>', answer.text)
    assert found
    return found[1]


BACK = {
    "/keys/new": "API keys",
    "/organization/details": "organization",
    "/plan/invoices": "plan and usage",
    "/documents/audits": "documents",
    "/documents/audits/new": "audits",
    "/policies/rules/new": "custom rules",
    "/policies/fail-modes/new": "fail modes",
    "/policies/models/own": "models",
    "/support/new": "support requests",
    "/help/checks/page": "troubleshooting",
    "/organization/notifications/new": "notifications",
    "/policies/fail-modes": None,
    "/organization/notifications": None,
    "/decisions/refused": None,
    "/dashboard": None,
}
BACK_IN_CONSOLE = {
    "/console/handbook/support": "handbook",
    "/console/incidents/new": "incidents",
    "/console/breaches": "incidents",
    "/console/suspected-breaches": "tickets",
    "/console/support/email": "tickets",
    "/console/launch/watch": "launch board",
    "/console/organizations": None,
}


def new_draft(person: Person) -> str:
    return str(person.post("/policies/drafts", name="HR", note="").headers["Location"])


BACK_FROM_REFUSED_FORMS = {
    "/keys": "API keys",
    "/documents/audits": "audits",
    "/policies/rules": "custom rules",
    "/policies/fail-modes": "fail modes",
    "/policies/models/own": "models",
    "/organization/notifications": "notifications",
    "/support": "support requests",
    "/plan/billing-details": "plan and usage",
    "/organization/details": "organization",
    "/organization/name": None,
    "/organization/data/erase": "organization",
    "/account/security/password": None,
    "/team/invitations": None,
    "/policies/drafts": None,
}


@pytest.mark.parametrize(("path", "expected"), OF_EVERYBODY.items())
def test_visitors_are_led_to_the_list(nobody: Browser, path: str, expected: str) -> None:
    assert next_of(nobody, path) == expected
    assert nobody.get(expected).status_code == 200


@pytest.mark.parametrize(("path", "expected"), OF_MEMBERS.items())
def test_members_are_led_to_the_list(owner: Person, path: str, expected: str) -> None:
    assert next_of(owner, path) == expected
    assert owner.get(expected.partition("#")[0]).status_code == 200


@pytest.mark.parametrize(("path", "expected"), OF_OPERATORS.items())
def test_operators_are_led_to_the_list(operator: Person, path: str, expected: str) -> None:
    assert next_of(operator, path) == expected
    assert operator.get(expected).status_code == 200


def test_what_is_not_in_a_draft_leads_to_that_part_of_the_draft(developer: Person) -> None:
    draft = new_draft(developer)

    assert next_of(developer, f"{draft}/rules/nothing") == f"{draft}#rules"
    assert next_of(developer, f"{draft}/tests/7") == f"{draft}#tests"
    assert next_of(developer, f"{draft}/fail-modes/7") == f"{draft}/fail-modes"


def test_an_unknown_delivery_leads_to_its_channel(app: Flask, ada: Member, owner: Person, operator: Person) -> None:
    ours = f"/organization/notifications/{make_channel(app, ada.organization_id, 'decision.blocked').channel.id}"
    theirs = f"/console/notifications/{make_channel(app, None, 'decision.blocked').channel.id}"

    assert next_of(owner, f"{ours}/deliveries/{ID}") == ours
    assert next_of(operator, f"{theirs}/deliveries/{ID}") == theirs


def test_a_strangers_draft_stays_unknown(developer: Person, stranger: Person) -> None:
    assert next_of(stranger, f"{new_draft(developer)}/rules/nothing") == "/policies/drafts"


def test_what_belongs_to_no_list_leads_to_the_first_page(nobody: Browser, owner: Person) -> None:
    assert next_of(nobody, "/nothing") == next_of(owner, "/nothing") == "/"
    assert next_of(owner, "/console/nothing") == "/"


@pytest.mark.parametrize(("path", "expected"), BACK.items())
def test_pages_of_members_lead_back_to_the_list_above_them(owner: Person, path: str, expected: str | None) -> None:
    assert back_of(owner, path) == expected


@pytest.mark.parametrize(("path", "expected"), BACK_IN_CONSOLE.items())
def test_pages_of_operators_lead_back_to_the_list_above_them(operator: Person, path: str, expected: str | None) -> None:
    assert back_of(operator, path) == expected


@pytest.mark.parametrize(("path", "expected"), BACK_FROM_REFUSED_FORMS.items())
def test_a_refused_form_leads_back_to_where_its_page_does(owner: Person, path: str, expected: str | None) -> None:
    answer = owner.post(path, country="nowhere")

    assert answer.status_code == 422
    assert back_on(answer.text) == expected


def test_a_refused_form_of_a_draft_leads_back_to_the_draft(developer: Person) -> None:
    draft = new_draft(developer)

    assert back_on(developer.post(f"{draft}/rules").text) == back_on(developer.post(f"{draft}/tests").text) == "draft"
    assert back_on(developer.post(f"{draft}/fail-modes").text) == "fail modes of draft"


def test_pages_of_a_draft_lead_back_to_it(developer: Person) -> None:
    draft = new_draft(developer)

    assert back_of(developer, draft) == "drafts"
    assert back_of(developer, f"{draft}/settings") == back_of(developer, f"{draft}/fail-modes") == "draft"
    assert back_of(developer, f"{draft}/fail-modes/new") == "fail modes of draft"


def test_a_page_that_was_not_found_has_one_way_on(owner: Person) -> None:
    assert 'class="back"' not in owner.get(f"/keys/{ID}").text
