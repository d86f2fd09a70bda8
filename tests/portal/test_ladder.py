"""Every write of the portal, from the route table itself: the stranger, the teammate without the role, the missing
token, the wrong method, and whoever is not signed in.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.routing import IntegerConverter, Rule

from api.policies.drafts import services as drafts
from billing.models import Invoice
from core import sessions
from core.access import Audience, audience_of
from core.audit import SYSTEM, Actor, ActorKind
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from core.members import Role, User
from core.sessions import Method
from legal_docs.audits import services as audits
from legal_docs.audits.services import Booking
from legal_docs.audits.states import AuditKind, Cause
from portal.customer.decisions import saved_views
from portal.customer.people.models import Passkey
from portal.customer.team import services as team
from portal.support import records as tickets
from portal.support import services as support
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import Category, Severity
from portal.support.uploads import Upload
from tests.cast import Caller, Member
from tests.people import Browser, Person
from tests.portal.notify import channel_with_delivery
from tests.portal.status_scene import breach_told_to
from tests.portal.test_documents import DETAILS, accept_all, acceptances

BELOW = {
    Audience.DEVELOPER: "viewer",
    Audience.BILLING: "viewer",
    Audience.ADMIN: "developer",
    Audience.OWNER: "admin",
    Audience.OPERATOR: "owner",
}
"""Who stands just below an audience."""

PLAIN_WORDS = {
    "code": "secret_store",
    "version": 1,
    "secret": "not-a-secret",
    "token": "not-a-token",
    "name": "terms",
    "number": "1.0",
    "slug": "run-a-check",
    "old": "1.0",
    "new": "1.0",
    "shown_id": "dec_" + "0" * 32,
    "filename": "app.js",
    "check": "key",
    "lead": "legal",
    "plan": "pro",
    "article": "quickstart",
    "chapter": "troubleshooting",
    "year": 2026,
}
"""What stands in addresses for what is no record of one organization."""


def pages(app: Flask, method: str) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and audience_of(app.view_functions[rule.endpoint]) is not None
    ]


def path_of(app: Flask, rule: Rule, ids: dict[str, object] | None = None) -> str:
    """An address for a rule, with ids of records or with ones that nobody has."""
    parts = {name: (ids or {}).get(name) or _part(rule, name) for name in rule.arguments}
    method = "POST" if "POST" in (rule.methods or ()) else "GET"
    return str(app.url_map.bind("localhost").build(rule.endpoint, parts, method=method))


def _part(rule: Rule, name: str) -> object:
    converter = rule._converters[name]
    choices = getattr(converter, "items", None)
    if choices or isinstance(converter, IntegerConverter):
        return next(iter(choices or (1,)))
    return PLAIN_WORDS.get(name) or uuid4()


def audience(app: Flask, rule: Rule) -> Audience:
    found = audience_of(app.view_functions[rule.endpoint])
    assert found is not None
    return found


def refused_otherwise(asked: Iterable[tuple[str, Rule, Any]], expected: tuple[int, str | None]) -> list[str]:
    """Every route that answered anything but this status and place: a failure of one hides no other."""
    answers = (
        (method, rule, (answer.status_code, answer.headers.get("Location", "").partition("?")[0] or None))
        for method, rule, answer in asked
    )
    return [f"{method} {rule.rule}: {answered}" for method, rule, answered in answers if answered != expected]


def test_whoever_is_not_signed_in_is_led_to_the_log_in_page(app: Flask, nobody: Browser) -> None:
    asked = (
        (method, rule, nobody.get(path_of(app, rule)) if method == "GET" else nobody.post(path_of(app, rule)))
        for method in ("GET", "POST")
        for rule in pages(app, method)
        if audience(app, rule) is not Audience.ANYBODY
    )

    assert refused_otherwise(asked, (303, "/log-in")) == []


def test_no_form_works_without_its_token(app: Flask, owner: Person, nobody: Browser, operator: Person) -> None:
    senders = {Audience.ANYBODY: nobody, Audience.OPERATOR: operator.browser}
    asked = (
        ("POST", rule, senders.get(audience(app, rule), owner.browser).post_without_token(path_of(app, rule)))
        for rule in pages(app, "POST")
    )

    assert refused_otherwise(asked, (400, None)) == []


def test_a_teammate_without_the_role_is_refused(
    app: Flask, owner: Person, admin: Person, developer: Person, viewer: Person
) -> None:
    people = {"owner": owner, "admin": admin, "developer": developer, "viewer": viewer}
    asked = (
        (method, rule, person.get(path_of(app, rule)) if method == "GET" else person.post(path_of(app, rule)))
        for method in ("GET", "POST")
        for rule in pages(app, method)
        if (person := people.get(BELOW.get(audience(app, rule), ""))) is not None
    )

    assert refused_otherwise(asked, (403, None)) == []


def test_what_is_sent_by_a_form_cannot_be_got(app: Flask, owner: Person, operator: Person) -> None:
    readable = {path_of(app, rule, {}) for rule in pages(app, "GET") if not rule.arguments}
    answers = {
        rule.rule: (operator if audience(app, rule) is Audience.OPERATOR else owner).get(rule.rule).status_code
        for rule in pages(app, "POST")
        if not rule.arguments and rule.rule not in readable
    }

    assert {path: status for path, status in answers.items() if status not in {404, 405}} == {}


@pytest.fixture
def records(
    app: Flask, ada: Member, owner: Person, admin: Person, as_ada: Caller, documents: None
) -> dict[str, object]:
    """A record of Ada's organization for every id that stands in an address."""
    now = utc_now()
    owner.post("/organization/details", **DETAILS)
    accept_all(owner)
    with app.app_context(), acting_as_system(), transaction():
        invitation = team.invite(
            ada.organization_id,
            email="new@people.example",
            role=Role.VIEWER,
            by_role=Role.OWNER,
            inviter="Ada",
            by=Actor(kind=ActorKind.MEMBER, id=owner.user_id),
            now=now,
        )
        db.session.add(
            Invoice(
                id="in_ada",
                organization_id=ada.organization_id,
                status="paid",
                created_at=now,
                snapshot={"invoice_pdf": "https://pay.example/in_ada.pdf"},
                fetched_at=now,
            )
        )
        passkey = Passkey(
            id=new_uuid(),
            user_id=owner.user_id,
            credential_id=b"credential",
            public_key=b"key",
            sign_count=0,
            name="Laptop",
            created_at=now,
        )
        db.session.add(passkey)
        session, _ = sessions.start(
            db.session.get_one(User, owner.user_id), method=Method.PASSWORD, address=None, user_agent=None, now=now
        )
        question = Question(
            "Help", "It fails.", Category.BUG, Severity.LOW, uploads=(Upload("a.txt", "text/plain", b"a"),)
        )
        who = Author("Ada", owner.email, owner.user_id)
        ticket = support.open_ticket(
            new_uuid(), question, organization_id=ada.organization_id, author=who, by=SYSTEM, now=now
        )
        saved_views.save(ada.organization_id, owner.user_id, name="Blocked", filters={"allowed": "false"})
        (view,) = saved_views.views_of(ada.organization_id, owner.user_id)
        channel, delivery = channel_with_delivery(ada.organization_id)
        day = (now + timedelta(days=30)).date()
        booking = Booking(
            kind=AuditKind.AUDIT, cause=Cause.YEARLY, scope="All", auditor="Anna", starts_on=day, ends_on=day
        )
        return {
            "audit_id": audits.book(ada.organization_id, booking, once=new_uuid(), by=SYSTEM, now=now).id,
            "ticket_id": ticket.id,
            "file_id": next(iter(tickets.files(ticket.id).values()))[0].id,
            "view_id": view.id,
            "channel_id": channel.id,
            "delivery_id": delivery.id,
            "key_id": ada.key_id,
            "invoice_id": "in_ada",
            "user_id": admin.user_id,
            "invitation_id": invitation.id,
            "passkey_id": passkey.id,
            "session_id": session.id,
            "acceptance_id": acceptances(app)[0].id,
            "breach_id": breach_told_to(ada.organization_id, now=now),
            "draft_id": drafts.create(ada.organization_id, name="New", note="", by=SYSTEM, now=now).id,
            "shown_id": as_ada.check().json["decision_id"],
        }


def test_a_stranger_cannot_see_or_change_any_record(app: Flask, stranger: Person, records: dict[str, object]) -> None:
    fields = {"role": "viewer", "overlap": "24", "typed": "Main", "reason": "none"}

    def ask(method: str, path: str) -> Any:
        return stranger.get(path) if method == "GET" else stranger.post(path, **fields, once=str(uuid4()))

    asked = [
        (method, rule, ask(method, path_of(app, rule, records)))
        for method in ("GET", "POST")
        for rule in pages(app, method)
        if rule.arguments & set(records) and audience(app, rule) is not Audience.OPERATOR
    ]

    assert len(asked) >= 14
    assert refused_otherwise(asked, (404, None)) == []


def test_every_id_in_an_address_is_covered(app: Flask, records: dict[str, object]) -> None:
    """A new kind of record has to be put into the cast above."""
    of_operators_or_everybody = {
        "application_id",
        "organization_id",
        "change_id",
        "response_id",
        "incident_id",
        "maintenance_id",
        "mail_id",
        "place",
        "event_id",
        "start_id",
        "feedback_id",
        "challenge",
        "slug",
    }
    named = {name for rule in (*pages(app, "GET"), *pages(app, "POST")) for name in rule.arguments}

    assert named - {"verb", "kind"} - set(records) - set(PLAIN_WORDS) - of_operators_or_everybody == set()


def test_a_form_for_another_organization_is_refused(owner: Person, ada: Member) -> None:
    answer = owner.post("/organization/name", name="Other", _organization=UUID(int=1).hex)

    assert answer.status_code == 409
    assert "another organization" in answer.text


def test_pages_of_members_are_never_kept(app: Flask, owner: Person) -> None:
    kept = {
        rule.rule: (answer.headers["Cache-Control"], answer.headers["Vary"])
        for rule in pages(app, "GET")
        if not rule.arguments and audience(app, rule) not in {Audience.ANYBODY, Audience.OPERATOR}
        for answer in [owner.get(rule.rule)]
    }

    assert {path: found for path, found in kept.items() if found[0] != "no-store" or "Cookie" not in found[1]} == {}


def test_every_answer_to_a_browser_has_the_security_headers(nobody: Browser, owner: Person) -> None:
    for answer in (nobody.get("/"), owner.get("/keys"), nobody.get("/no-such-page"), owner.get("/console")):
        policy = answer.headers["Content-Security-Policy"]

        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_key_opens_no_page_and_a_session_no_api(as_ada: Caller, owner: Person) -> None:
    assert as_ada.get("/keys", headers={"Accept": "text/html"}).status_code == 303
    assert owner.get("/v1/keys").status_code == 401
