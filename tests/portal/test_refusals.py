"""A form that is refused as a whole gives back what was written into it, and nothing else."""

from uuid import UUID

import pytest
from flask import Flask

from tests.cast import Member
from tests.people import PASSWORD, Person
from tests.portal.support.scene import at, opened

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
REASON = "Asked by phone <b>twice</b>, and it is worse now."
SHOWN = "Asked by phone &lt;b&gt;twice&lt;/b&gt;, and it is worse now."


@pytest.fixture
def ticket_id(app: Flask, ada: Member) -> UUID:
    return opened(app, ada.organization_id, now=at(1))


def post(who: Person, path: str, *, headers: dict[str, str] = SAME_ORIGIN, **fields: str) -> tuple[int, str]:
    answer = who.browser.client.post(path, data={"csrf_token": who.browser.token(), **fields}, headers=headers)
    return answer.status_code, answer.text


def test_what_was_written_is_given_back(operator: Person, ticket_id: UUID) -> None:
    status, page = post(operator, f"/console/support/{ticket_id}/severity", severity="enormous", reason=REASON)

    assert status == 422
    assert SHOWN in page
    assert "Your text" in page


def test_also_when_the_page_was_open_for_too_long(owner: Person) -> None:
    status, page = post(owner, "/support", csrf_token="of-last-week", body=REASON)

    assert status == 400
    assert SHOWN in page


def test_also_when_somebody_else_was_quicker(operator: Person, ticket_id: UUID) -> None:
    status, page = post(
        operator, f"/console/support/{ticket_id}/severity", severity="critical", reason=REASON, version="99"
    )

    assert status == 409
    assert SHOWN in page


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_words_of_another_site_are_not_shown_as_ours(owner: Person, site: str) -> None:
    headers = {"Accept": "text/html", "Sec-Fetch-Site": site}

    status, page = post(owner, "/support", headers=headers, csrf_token="of-last-week", body=REASON)

    assert status == 400
    assert "Asked by" not in page


def test_a_secret_is_never_given_back(owner: Person) -> None:
    secret = "three secret words"

    status, page = post(
        owner, "/account/security/password", csrf_token="of-last-week", current=PASSWORD, password=secret, name="a b c"
    )

    assert status == 400
    assert "a b c" in page
    assert secret not in page
    assert PASSWORD not in page


def test_a_form_without_words_has_no_empty_box(owner: Person) -> None:
    status, page = post(owner, "/support", csrf_token="of-last-week", severity="high")

    assert status == 400
    assert "Your text" not in page
