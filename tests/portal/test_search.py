"""The search over all pages, and the menu: each within what its reader may open."""

import pytest
from flask import Flask

from api.keys import lookup
from core.accounts import OrganizationStatus
from core.db import acting_as_system
from portal import menu
from portal.support import records
from tests.cast import Caller, Member
from tests.people import Browser, Person
from tests.portal.support.scene import at, opened
from tests.portal.test_keys import make, set_status


def found(who: Person, text: str) -> str:
    """The results alone, as the palette shows them."""
    return str(who.get("/search", query_string={"q": text}, headers={"HX-Request": "true"}).text)


def test_the_palette_gets_results_and_a_browser_without_scripts_a_page(viewer: Person) -> None:
    page = viewer.get("/search?q=audit").text

    assert found(viewer, "audit").lstrip().startswith('<div class="found"')
    assert "<html" in page
    assert 'href="/audit-trail"' in found(viewer, "audit")


def test_a_key_is_found_by_its_name_the_start_of_its_secret_and_its_id(
    app: Flask, ada: Member, developer: Person
) -> None:
    make(developer, name="Checkout 100%")
    with app.app_context(), acting_as_system():
        key = next(key for key in lookup.every(ada.organization_id) if key.name == "Checkout 100%")
        ways = ("checkout", "100%", key.start, key.last_four, lookup.shown_id(key))

    for text in ways:
        assert f'href="/keys/{key.id}"' in found(developer, text), text
    assert f'href="/keys/{key.id}"' not in found(developer, "1_0")


def test_a_decision_is_found_by_its_id_and_by_its_request(as_ada: Caller, viewer: Person) -> None:
    decision = as_ada.check().json

    for text in (decision["decision_id"], decision["request_id"]):
        assert f'href="/decisions/{decision["decision_id"]}"' in found(viewer, text)


def test_policies_and_members_are_found_by_their_words(owner: Person, developer: Person) -> None:
    assert 'href="/policies#block_personal_data"' in found(owner, "personal data")
    assert developer.email in found(owner, developer.email[:6])


@pytest.mark.parametrize("part", ["decision_id", "request_id"])
def test_a_stranger_finds_nothing_of_another_organization(
    app: Flask, ada: Member, as_ada: Caller, owner: Person, stranger: Person, part: str
) -> None:
    text = as_ada.check().json[part]
    make(owner, name="Adas own")

    assert "/decisions/dec_" not in found(stranger, text)
    assert "Adas own" not in found(stranger, "Adas own").replace("“Adas own”", "")
    assert owner.email not in found(stranger, owner.email).replace(f"“{owner.email}”", "")


def test_a_text_longer_than_any_name_or_with_odd_characters_finds_nothing(viewer: Person) -> None:
    for text in ("x" * 5000, "%", "\\", "'; --", "dec_" + "0" * 32, "req_none"):
        answer = viewer.get("/search", query_string={"q": text})

        assert answer.status_code == 200
        assert "Nothing found" in answer.text


def test_pages_of_the_console_are_found_by_operators_alone(operator: Person, owner: Person) -> None:
    assert 'href="/console/incidents"' in found(operator, "incidents")
    assert "/console" not in found(owner, "incidents")


def test_who_is_not_signed_in_is_led_to_the_log_in(nobody: Browser) -> None:
    assert "/log-in" in nobody.get("/search?q=key").headers["Location"]


def test_get_started_leaves_the_menu_with_the_first_live_decision(
    app: Flask, ada: Member, as_ada: Caller, owner: Person
) -> None:
    set_status(app, ada, OrganizationStatus.LIVE)
    before = owner.get("/keys").text
    as_ada.check()
    after = owner.get("/keys").text

    assert 'href="/start"' in before
    assert 'href="/start"' not in after


def test_the_menu_has_seven_entries_at_most_and_settings_hold_the_rest(app: Flask, owner: Person) -> None:
    top = owner.get("/keys").text.partition('<nav class="nav-pages"')[2].partition("</nav>")[0]
    settings = owner.get("/team").text.partition('<nav class="nav-pages"')[2].partition("</nav>")[0]

    assert top.count("<a ") <= 7
    for entry in (entry for group in menu._SETTINGS for entry in group.entries):
        assert f'href="{entry.path}"' in settings
    assert 'href="/team" aria-current="page"' in settings


def test_try_it_is_offered_to_who_may_use_it(viewer: Person, developer: Person) -> None:
    assert 'href="/try-it"' not in viewer.get("/keys").text
    assert 'href="/try-it"' in developer.get("/keys").text


def test_operators_find_organizations_and_tickets_and_customers_do_not(
    app: Flask, ada: Member, operator: Person, owner: Person
) -> None:
    organization = f"/console/organizations/{ada.organization_id}"
    ticket_id = opened(app, ada.organization_id, now=at(5))
    with app.app_context(), acting_as_system():
        number = records.find(ticket_id).number
    ticket = f"/console/support/{ticket_id}"

    assert organization in found(operator, owner.email)
    for text in (str(number), "checks are REFUSED", "ada@people"):
        assert ticket in found(operator, text), text
        assert ticket not in found(owner, text), text
    assert ticket not in found(operator, "9" * 100)
    assert organization not in found(owner, owner.email)
