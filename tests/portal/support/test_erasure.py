"""What of requests goes with an account, what stays, and what is in the file with all data."""

import io
import zipfile

import msgspec
from flask import Flask

from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, transaction
from core.ids import new_uuid
from portal.customer.offboarding import deletion
from portal.support import desk
from portal.support.erasure import forget_organization
from tests.cast import Member
from tests.people import Person
from tests.portal.support.scene import OLGA, at, opened, said, ticket_of, tickets
from tests.portal.support.test_requests import ask


def test_a_closed_account_leaves_numbers_and_promises_but_no_words(app: Flask, ada: Member, cleo: Member) -> None:
    own, others = (opened(app, member.organization_id, now=at(1)) for member in (ada, cleo))

    with app.app_context(), acting_as_system(), transaction():
        forget_organization(ada.organization_id)

    ticket = ticket_of(app, own)
    assert (said(app, own), ticket.subject, ticket.requester_email) == ([], "(deleted)", "deleted@deleted.invalid")
    assert len(said(app, others)) == 1


def test_who_deletes_their_account_is_forgotten_and_the_request_stays(app: Flask, admin: Person, owner: Person) -> None:
    ask(admin, body="It fails.")
    with app.app_context(), acting_as_system(), transaction():
        deletion.delete_account(admin.user_id, by=SYSTEM, now=utc_now())

    page = owner.get(f"/support/{tickets(app)[0].id}").text

    assert "It fails." in page
    assert "Former member" in page
    assert "Alex" not in page


def test_the_file_with_all_data_has_requests_with_their_files_and_no_notes(
    app: Flask, owner: Person, ada: Member
) -> None:
    ask(owner, files=(io.BytesIO(b"a line of a log"), "app.log"))
    with app.app_context(), acting_as_system(), transaction():
        desk.write_note(
            tickets(app)[0].id, "for us alone", message_id=new_uuid(), author=OLGA, by=SYSTEM, now=utc_now()
        )

    with zipfile.ZipFile(io.BytesIO(owner.post("/organization/data").data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    request = msgspec.json.decode(files["requests.json"])[0]
    assert [message["body"] for message in request["messages"]] == ["Every check gets 403."]
    assert [event["kind"] for event in request["events"]] == ["opened", "answered_automatically"]
    assert b"a line of a log" in files.values()
    assert b"reply_token" not in files["requests.json"]
