"""The rows of a house that is ready for its launch."""

from datetime import timedelta
from http import HTTPStatus

from flask import Flask
from sqlalchemy import update

from api.keys import services as keys
from api.keys.token import KeyEnvironment
from api.policies import services as policies
from billing import catalogue
from billing import cli as billing_cli
from core.accounts import Organization, OrganizationStatus
from core.audit import SYSTEM, Actor, ActorKind
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from core.mail import MailMessage
from core.profiles import OrganizationProfile
from core.rotations import services as rotations
from portal.status.states import Component
from portal.support import rota
from tests.billing.scene import receive, sent_events, subscribe
from tests.cast import HARMLESS, Caller, Member
from tests.legal_docs.scene import accept_all, found_firm, publish_first_versions
from tests.people import Person, person
from tests.portal.status_scene import probe

SLUG = "harbour-works"


def make_ready(app: Flask) -> Person:
    """A live customer with all that they need, and operators who are on call. The operator."""
    operator = person(app, "Olga", is_operator=True)
    member = _customer(app)
    _operations(app, operator)
    _money(app, member)
    for component in Component:
        probe(app, "......", component=component)
    for command in (["status", "render"], ["backup", "create"], ["backup", "verify"]):
        result = app.test_cli_runner().invoke(args=command)
        assert result.exit_code == 0, result.output
    caller = Caller(app.test_client(), member.secret)
    found = caller.post("/v1/check", HARMLESS)
    assert found.status_code == HTTPStatus.OK, found.text
    return operator


def _customer(app: Flask) -> Member:
    with app.app_context(), acting_as_system(), transaction():
        publish_first_versions()
        firm = found_firm(SLUG)
        accept_all(firm)
        db.session.execute(
            update(OrganizationProfile).values(second_contact_name="Second", second_contact_email="second@firm.example")
        )
        db.session.execute(
            update(Organization).where(Organization.id == firm.id).values(status=OrganizationStatus.LIVE.value)
        )
        policies.seed(now=utc_now())
        issued = keys.issue(firm.id, name="Main", environment=KeyEnvironment.LIVE, by=SYSTEM, now=utc_now())
        db.session.add(
            MailMessage(
                id=new_uuid(),
                organization_id=firm.id,
                recipient=firm.email,
                template="application_approved",
                subject="Welcome",
                created_at=utc_now(),
                sent_at=utc_now(),
            )
        )
        return Member(firm.id, SLUG, issued.key.id, issued.secret)


def _operations(app: Flask, operator: Person) -> None:
    now = utc_now()
    by = Actor(kind=ActorKind.OPERATOR, id=operator.user_id)
    with app.app_context(), acting_as_system(), transaction():
        for week in range(5):
            rota.put_on_call(rota.monday_of(now) + timedelta(weeks=week), operator.user_id, by=by, now=now)
        rotations.notice(now=now)


def _money(app: Flask, member: Member) -> None:
    with app.app_context(), transaction():
        catalogue.sync(billing_cli.wanted())
    subscribe(app, member)
    with app.app_context(), acting_as_system():
        new = sent_events()
    for event in new:
        receive(app, event)
