"""Opening and writing, on the pages: files, double clicks, closed requests, what must not be pasted."""

import io
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from portal.support import desk, watch
from portal.support.models import TicketFile
from portal.support.severities import Severity
from portal.support.states import RequestStatus
from portal.support.uploads import FileRefused, accept, accept_all
from tests.cast import Caller, Member
from tests.people import Browser, Person, link_in, mails_to
from tests.portal.support.scene import answer, at, mails, opened, said, ticket_of, tickets

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)


def question(**changes: Any) -> dict[str, Any]:
    return {
        "once": str(uuid4()),
        "category": "bug",
        "severity": "high",
        "environment": "",
        "subject": "Checks are refused",
        "body": "Every check gets 403.",
        **changes,
    }


def ask(who: Person, **changes: Any) -> Any:
    return who.post("/support", **question(**changes))


def ticket_id_in(response: Any) -> UUID:
    return UUID(response.headers["Location"].rsplit("/", 1)[1].partition("#")[0])


def test_a_request_gets_its_number_and_an_acknowledgement_at_once(app: Flask, ada: Member, owner: Person) -> None:
    page = owner.get(ask(owner).headers["Location"])

    ticket = tickets(app)[0]
    mail = mails_to(app, owner.email)[-1]
    assert f"Support request {ticket.number}" in page.text
    assert (mail.template, f"Support request {ticket.number}" in mail.subject) == ("ticket_opened", True)
    assert "This is an automatic confirmation" in (mail.text or "")
    assert ticket.due_at is not None


def test_every_member_may_ask_and_sees_the_requests_of_the_others(app: Flask, viewer: Person, owner: Person) -> None:
    ask(viewer, subject="How long are decisions kept")

    assert "How long are decisions kept" in owner.get("/support").text


def test_a_stranger_sees_and_writes_nothing(app: Flask, owner: Person, stranger: Person) -> None:
    path = ask(owner).headers["Location"]

    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}/messages", once=str(uuid4()), body="Hello").status_code == 404
    assert stranger.post(f"{path}/solved").status_code == 404


def test_a_double_click_opens_one_request_and_says_a_message_once(app: Flask, owner: Person) -> None:
    asked = question()

    first, second = owner.post("/support", **asked), owner.post("/support", **asked)
    message = {"once": str(uuid4()), "body": "It is worse now."}
    for _ in range(2):
        owner.post(f"{first.headers['Location']}/messages", **message)

    assert first.headers["Location"] == second.headers["Location"]
    assert [kind for kind, _ in said(app, tickets(app)[0].id)] == ["customer", "customer"]
    assert len(mails(app, "ticket_opened")) == 1


def test_another_organizations_form_cannot_take_over_a_request(app: Flask, owner: Person, stranger: Person) -> None:
    asked = question()
    owner.post("/support", **asked)

    assert stranger.post("/support", **asked).status_code == 404
    assert len(tickets(app)) == 1


def test_a_key_that_is_pasted_is_never_kept(app: Flask, ada: Member, owner: Person) -> None:
    asked = ask(owner, body=f"It fails with {ada.secret} since noon.")

    assert "We removed an API key from your message." in owner.get(asked.location).text

    words = said(app, tickets(app)[0].id)[0][1]
    assert ada.secret not in words
    assert words == "It fails with aig_live_(removed) since noon."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": ""}, "Enter a subject"),
        ({"body": " "}, "Enter a description"),
        ({"severity": "urgent"}, "Choose one of the options"),
        ({"api_key_id": "aig_live_secret"}, "Enter an ID that starts with key_"),
        ({"once": "twice"}, "Reload the page"),
    ],
)
def test_bad_input_is_told_at_its_field_and_nothing_is_kept(
    app: Flask, owner: Person, changes: dict[str, str], words: str
) -> None:
    refused = ask(owner, **changes)

    assert (refused.status_code, words in refused.text) == (422, True)
    assert tickets(app) == []


def test_files_are_taken_by_what_they_are_and_given_back_as_downloads(app: Flask, owner: Person) -> None:
    made = ask(owner, files=(io.BytesIO(PNG), "shot.png"))

    page = owner.get(made.headers["Location"]).text
    link = re.search(r'href="(/support/[^"]+/files/[^"]+)"', page)
    assert link is not None
    file = owner.get(link[1])
    assert (file.data, file.content_type) == (PNG, "image/png")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in file.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("shot.png", b"MZ\x90\x00\x03\x00\x00\x00\x04\x00", "is empty or not a supported"),
        ("page.html.png", b"", "is empty or not a supported"),
    ],
)
def test_other_files_are_refused_with_what_may_be_sent(
    app: Flask, owner: Person, name: str, content: bytes, words: str
) -> None:
    refused = ask(owner, files=(io.BytesIO(content), name))

    assert (refused.status_code, words in refused.text, "PNG, JPEG" in refused.text) == (422, True, True)
    assert tickets(app) == []


def test_a_large_file_is_refused_and_so_are_too_many() -> None:
    with pytest.raises(FileRefused, match="is larger than 5 MB"):
        accept("big.txt", b"a" * 5_000_001)
    with pytest.raises(FileRefused, match="You selected 6 files"):
        accept_all([FileStorage(io.BytesIO(b"a"), filename=f"{number}.txt") for number in range(6)])


def test_a_page_that_is_sent_as_a_file_is_plain_text(app: Flask, owner: Person) -> None:
    ask(owner, files=(io.BytesIO(b"<script>alert(1)</script>"), "x.html"))

    with app.app_context(), acting_as_system():
        assert [file.content_type for file in db.session.query(TicketFile)] == ["text/plain"]


def test_what_is_sent_is_shown_as_text(app: Flask, owner: Person) -> None:
    made = ask(owner, subject="<script>x</script>", body="<img src=x onerror=alert(1)>")

    page = owner.get(made.headers["Location"]).text

    assert "<script>x</script>" not in page
    assert "<img src=x" not in page


def test_an_answer_reaches_the_customer_and_a_note_never_does(
    app: Flask, ada: Member, owner: Person, operator: Person
) -> None:
    ticket_id = ticket_id_in(ask(owner))
    base = f"/console/support/{ticket_id}"

    operator.post(f"{base}/note", once=str(uuid4()), body="Looks like the proxy of theirs.")
    answered = operator.post(f"{base}/answer", once=str(uuid4()), body="Please try again.", then="waiting_on_customer")

    page = owner.get(f"/support/{ticket_id}").text
    assert answered.status_code == 303
    assert "Please try again." in page
    assert "proxy of theirs" not in page
    assert "We are waiting for your reply" in page
    assert "Please try again." in (mails_to(app, owner.email)[-1].text or "")
    assert "proxy of theirs" in operator.get(base).text


def test_an_answer_with_blanks_of_its_template_is_held_back(app: Flask, owner: Person, operator: Person) -> None:
    ticket_id = ticket_id_in(ask(owner))

    page = operator.get(f"/console/support/{ticket_id}?template=resolved").text
    refused = operator.post(
        f"/console/support/{ticket_id}/answer", once=str(uuid4()), body="It is done: [what changed].", then="resolved"
    )

    assert "This is resolved: [what changed]." in page
    assert (refused.status_code, "Fill in or delete [what changed]" in refused.text) == (422, True)
    assert ticket_of(app, ticket_id).status == "new"


def test_the_customer_takes_a_resolved_request_up_again_but_not_a_closed_one(
    app: Flask, ada: Member, owner: Person
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, ticket_id, now=at(1, 1), then=RequestStatus.RESOLVED)
    with app.app_context(), acting_as_system(), transaction():
        watch.close(ticket_id, now=at(29, 3))

    refused = owner.post(f"/support/{ticket_id}/messages", once=str(uuid4()), body="Again")

    assert (refused.status_code, "Create a new request" in refused.text) == (409, True)


def test_two_operators_who_steer_at_once_have_one_winner(app: Flask, owner: Person, operator: Person) -> None:
    ticket_id = ticket_id_in(ask(owner))
    version = ticket_of(app, ticket_id).version
    base = f"/console/support/{ticket_id}"

    first = operator.post(f"{base}/severity", version=version, severity="low", reason="A wish")
    second = operator.post(f"{base}/severity", version=version, severity="critical", reason="All are down")

    assert (first.status_code, second.status_code) == (303, 409)
    assert ticket_of(app, ticket_id).severity == "low"


def test_a_newer_request_is_joined_into_the_older_which_becomes_as_grave(app: Flask, ada: Member) -> None:
    older = opened(app, ada.organization_id, now=at(1, 0), severity=Severity.LOW)
    newer = opened(app, ada.organization_id, now=at(1, 1))
    answer(app, newer, now=at(1, 2))
    with app.app_context(), acting_as_system(), transaction():
        number, version = ticket_of(app, older).number, ticket_of(app, newer).version
        desk.merge(newer, number, version=version, by=SYSTEM, now=at(1, 3))

    assert (ticket_of(app, newer).status, ticket_of(app, newer).merged_into) == ("merged", older)
    assert ticket_of(app, newer).due_at is None
    assert ticket_of(app, older).severity == "high"


def test_a_promise_is_never_joined_away(app: Flask, ada: Member, operator: Person) -> None:
    older, newer = (opened(app, ada.organization_id, now=at(1, hour)) for hour in (0, 1))

    refused = operator.post(
        f"/console/support/{newer}/merge", number=ticket_of(app, older).number, version=ticket_of(app, newer).version
    )

    assert (refused.status_code, "First tell them" in refused.text) == (409, True)
    assert ticket_of(app, newer).status == "new"


def test_why_operators_do_something_is_for_operators(app: Flask, owner: Person, operator: Person) -> None:
    ticket_id = ticket_id_in(ask(owner))
    base = f"/console/support/{ticket_id}"

    operator.post(f"{base}/escalate", version=ticket_of(app, ticket_id).version, reason="They see ghosts")
    operator.post(f"{base}/severity", version=ticket_of(app, ticket_id).version, severity="low", reason="Only ghosts")

    seen = owner.get("/audit-trail").text + owner.get(f"/support/{ticket_id}").text
    assert "ghosts" not in seen
    assert "They see ghosts" in operator.get(base).text


def test_a_page_that_was_loaded_early_and_sent_late_stands_where_it_was_sent(
    app: Flask, ada: Member, owner: Person
) -> None:
    early = "01900000-0000-7000-8000-000000000001"
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, ticket_id, now=at(1, 1))

    owner.post(f"/support/{ticket_id}/messages", once=early, body="After the answer.")

    page = owner.get(f"/support/{ticket_id}").text
    assert page.index("We look into it.") < page.index("After the answer.")


def test_requests_of_two_organizations_are_never_joined(
    app: Flask, ada: Member, cleo: Member, operator: Person
) -> None:
    older = opened(app, cleo.organization_id, now=at(1, 0))
    newer = opened(app, ada.organization_id, now=at(1, 1))

    refused = operator.post(
        f"/console/support/{newer}/merge", number=ticket_of(app, older).number, version=ticket_of(app, newer).version
    )

    assert refused.status_code == 409
    assert ticket_of(app, newer).status == "new"


def test_what_cannot_be_merged_says_why_and_leads_back(app: Flask, ada: Member, operator: Person) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    own, version = ticket_of(app, ticket_id).number, ticket_of(app, ticket_id).version
    for number, why in ((999_999, "There is no ticket 999999."), (own, "Merge the newer ticket into the older one.")):
        refused = operator.post(f"/console/support/{ticket_id}/merge", number=number, version=version)
        assert refused.status_code == 409
        assert why in refused.text
        assert f'href="/console/support/{ticket_id}">Go back</a>' in refused.text
        assert "contact support" not in refused.text


def test_a_feature_request_that_is_none_is_no_news(app: Flask, ada: Member, owner: Person, operator: Person) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    path, version = f"/console/support/{ticket_id}", ticket_of(app, ticket_id).version
    operator.post(f"{path}/feature-request", wish="", version=version)

    assert "Nothing was changed." in operator.get(path).text
    assert "feature request" not in owner.get("/audit-trail").text


def test_votes_are_counted_by_organization(app: Flask, ada: Member, cleo: Member, operator: Person) -> None:
    for organization_id in (ada.organization_id, ada.organization_id, cleo.organization_id):
        ticket_id = opened(app, organization_id, now=at(1, 0))
        operator.post(
            f"/console/support/{ticket_id}/feature-request",
            wish="A Go client",
            version=ticket_of(app, ticket_id).version,
        )

    assert "2 votes" in operator.get("/console/support/feature-requests").text


def test_the_survey_is_answered_by_a_button_and_by_nothing_else(
    app: Flask, ada: Member, owner: Person, nobody: Browser
) -> None:
    ticket_id = opened(app, ada.organization_id, now=at(1, 0))
    answer(app, ticket_id, now=at(1, 1), then=RequestStatus.RESOLVED)
    with app.app_context(), acting_as_system(), transaction():
        watch.ask(ticket_id, now=utc_now())
    link = link_in(mails(app, "ticket_survey")[0])

    for _ in range(3):
        assert nobody.get(f"{link}?score=9").status_code == 200
    first, again = nobody.post(link, score="9", words="Quick"), nobody.post(link, score="1")

    assert (first.status_code, again.status_code, nobody.get(link).status_code) == (200, 410, 410)
    assert nobody.post("/survey/of-nobody", score="9").status_code == 404


def test_nobody_is_told_of_a_request_that_was_not_kept(app: Flask, owner: Person, operator: Person) -> None:
    """The mail to operators is a job of the same transaction."""
    ask(owner, subject="")

    assert mails_to(app, operator.email) == []


def test_a_decisions_page_leads_to_a_request_about_it(app: Flask, as_ada: Caller, owner: Person) -> None:
    decision_id = as_ada.check().json["decision_id"]

    page = owner.get(f"/decisions/{decision_id}").text
    link = re.search(r'href="(/support/new\?[^"]+)"', page)
    assert link is not None
    form = owner.get(link[1].replace("&amp;", "&")).text

    assert decision_id in form
