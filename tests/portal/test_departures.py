"""Who leaves an organization, or for good, or takes another address: what was trusted because of it ends with it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, select, text, update

from billing.accounts import lock_account
from billing.connection import gateway
from billing.jobs import refresh_customer_email
from billing.models import BillingAccount
from core.audit import SYSTEM, Actor, ActorKind
from core.clock import utc_now
from core.db import acting_as_system, db, transaction
from core.ids import new_uuid
from core.members import Membership
from core.profiles import OrganizationProfile
from core.tokens import digest_of
from legal_docs.acceptances import delegations
from portal.customer.offboarding import deletion
from portal.customer.organization.services import save_details
from portal.customer.people import addresses
from portal.customer.team import services as team
from portal.customer.team.models import Invitation
from portal.notifications import channels
from portal.notifications.models import Channel
from portal.notifications.states import ChannelState, Kind
from portal.status import subscribers
from portal.status.models import Subscriber
from portal.support import desk, requesters, rota, services
from portal.support.models import Ticket
from portal.support.records import Author
from portal.support.services import Question
from portal.support.severities import Category, Severity
from portal.support.states import RequestStatus
from tests.cast import Member, another_key
from tests.people import Browser, Person, is_signed_in, link_in, mails_to, person, sign_up, tables_with
from tests.portal.notify import channel, make_channel, send_all
from tests.portal.support.scene import answer, opened, ticket_of
from tests.portal.support.scene import mails as support_mails
from tests.portal.support.test_requests import ask, ticket_id_in
from tests.portal.test_passkeys import Authenticator, challenge_for

NEW = "elsewhere@people.example"
DETAILS: dict[str, Any] = {
    "legal_name": "Ada and Co Ltd",
    "registration_number": "12345",
    "address": "1 Example Street, Berlin",
    "country": "DE",
    "website": None,
    "contact_name": "Ada",
    "contact_email": "ada@people.example",
    "second_contact_name": None,
    "second_contact_email": None,
    "use_case": "Summaries.",
    "expected_checks": "up to 100,000",
    "is_high_risk": False,
}


@pytest.fixture
def mailed(app: Flask, ada: Member, developer: Person) -> Channel:
    """A channel to a member, who was asked nothing, because they are one."""
    return make_channel(app, ada.organization_id, kind=Kind.MAIL, target=developer.email).channel


def told(app: Flask, email: str) -> list[str]:
    return [mail.template for mail in mails_to(app, email) if mail.template == "notification"]


def remove(owner: Person, member: Person) -> None:
    assert owner.post(f"/team/members/{member.user_id}/remove").status_code == 303


def delete_account(who: Person) -> None:
    assert who.post("/account/security/delete-account", typed=who.email).status_code == 303


def take_new_address(app: Flask, who: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        addresses.ask_to_change_address(who.user_id, email=NEW, now=utc_now())
    assert who.post(link_in(mails_to(app, NEW)[0])).status_code == 303


def test_a_removed_member_gets_no_more_notifications_and_the_managers_know(
    app: Flask, ada: Member, owner: Person, developer: Person, mailed: Channel
) -> None:
    another_key(app, ada, name="Left waiting")

    remove(owner, developer)
    another_key(app, ada, name="Afterwards")
    send_all(app)

    assert told(app, developer.email) == []
    assert channel(app, mailed.id).state == ChannelState.UNCONFIRMED
    (mail,) = [mail for mail in mails_to(app, owner.email) if mail.template == "notification_stopped"]
    assert "no longer a member" in (mail.text or "")


def test_who_leaves_by_themselves_gets_none_either(
    app: Flask, ada: Member, owner: Person, developer: Person, mailed: Channel
) -> None:
    assert developer.post("/team/leave").status_code == 303
    another_key(app, ada)
    send_all(app)

    assert told(app, developer.email) == []


def test_nobody_resumes_or_tests_a_channel_to_somebody_who_left(
    app: Flask, owner: Person, developer: Person, mailed: Channel
) -> None:
    remove(owner, developer)

    for verb in ("resume", "test"):
        assert owner.post(f"{mailed.path}/{verb}").status_code == 409


def test_an_address_that_was_confirmed_by_its_reader_ends_with_the_membership_too(
    app: Flask, ada: Member, owner: Person, developer: Person
) -> None:
    made = make_channel(app, ada.organization_id, kind=Kind.MAIL, target="other@people.example").channel
    with app.app_context(), acting_as_system(), transaction():
        channels.confirm(db.session.get_one(Channel, made.id), by=SYSTEM, now=utc_now())
        db.session.execute(update(Channel).where(Channel.id == made.id).values(target_shown=developer.email))

    remove(owner, developer)

    assert channel(app, made.id).state == ChannelState.UNCONFIRMED


def test_channels_of_others_go_on(app: Flask, ada: Member, cleo: Member, owner: Person, developer: Person) -> None:
    own = make_channel(app, ada.organization_id, kind=Kind.MAIL, target=owner.email).channel
    hook = make_channel(app, ada.organization_id, name="Webhook").channel

    remove(owner, developer)

    assert {channel(app, one.id).state for one in (own, hook)} == {ChannelState.ACTIVE}


def test_a_membership_that_ended_unnoticed_is_noticed_when_something_is_to_be_sent(
    app: Flask, ada: Member, developer: Person, mailed: Channel
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        db.session.execute(delete(Membership).where(Membership.user_id == developer.user_id))
    another_key(app, ada)

    send_all(app)

    assert told(app, developer.email) == []
    assert channel(app, mailed.id).state == ChannelState.UNCONFIRMED


def test_the_address_of_a_deleted_account_is_on_no_page_any_more(
    app: Flask, ada: Member, owner: Person, developer: Person, mailed: Channel
) -> None:
    delete_account(developer)

    for path in ("/organization/notifications", "/audit-trail"):
        assert developer.email not in owner.get(path).text
    assert channels_of(app, ada.organization_id) == []


def test_also_when_they_had_been_removed_before(
    app: Flask, ada: Member, owner: Person, developer: Person, mailed: Channel
) -> None:
    remove(owner, developer)
    delete_account(developer)

    assert channels_of(app, ada.organization_id) == []


def test_an_operator_who_is_one_no_more_gets_no_more_of_their_mail(app: Flask, operator: Person) -> None:
    made = make_channel(app, None, "backup.failed", kind=Kind.MAIL, target=operator.email).channel
    assert channel(app, made.id).state == ChannelState.ACTIVE

    result = app.test_cli_runner().invoke(args=["operators", "remove", "--email", operator.email])

    assert result.exit_code == 0, result.output
    assert channel(app, made.id).state == ChannelState.UNCONFIRMED


def assignee_of(app: Flask, ticket_id: UUID) -> UUID | None:
    with app.app_context(), acting_as_system():
        return db.session.get_one(Ticket, ticket_id, populate_existing=True).assignee_id


def take(app: Flask, ticket_id: UUID, who: Person) -> None:
    with app.app_context(), acting_as_system(), transaction():
        version = db.session.get_one(Ticket, ticket_id).version
        desk.assign(ticket_id, who.user_id, version=version, by=SYSTEM, now=utc_now())


def dismiss(app: Flask, who: Person) -> None:
    result = app.test_cli_runner().invoke(args=["operators", "remove", "--email", who.email])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("leave", [dismiss, lambda _, who: delete_account(who)], ids=["dismissed", "deleted"])
def test_requests_of_an_operator_who_left_are_unassigned_again(
    app: Flask, ada: Member, operator: Person, leave: Callable[[Flask, Person], None]
) -> None:
    other = person(app, "Otto", is_operator=True)
    ticket_id = opened(app, ada.organization_id, now=utc_now())
    take(app, ticket_id, operator)

    leave(app, operator)

    assert assignee_of(app, ticket_id) is None
    assert "Checks are refused" in other.get("/console/support?view=free").text


def test_requests_that_are_over_keep_whoever_took_them(app: Flask, ada: Member, operator: Person) -> None:
    ticket_id = opened(app, ada.organization_id, now=utc_now())
    take(app, ticket_id, operator)
    answer(app, ticket_id, now=utc_now(), then=RequestStatus.RESOLVED)

    dismiss(app, operator)

    assert assignee_of(app, ticket_id) == operator.user_id


def test_whoever_is_on_call_and_leaves_is_called_no_more(app: Flask, operator: Person) -> None:
    now = utc_now()
    with app.app_context(), acting_as_system(), transaction():
        rota.put_on_call(rota.monday_of(now), operator.user_id, by=SYSTEM, now=now)

    dismiss(app, operator)

    with app.app_context(), acting_as_system():
        assert rota.on_call_at(now) is None


@pytest.mark.parametrize("path", ["/organization/data", "/audit-trail/export", "/decisions/export?format=csv"])
def test_a_removed_member_takes_no_data_away(owner: Person, admin: Person, path: str) -> None:
    assert admin.get(path).status_code == 200

    remove(owner, admin)

    assert admin.get(path).headers["Location"].startswith("/organizations")
    assert admin.post("/organization/data").status_code in {303, 403}
    assert "zip" not in admin.post("/organization/data").content_type


def test_a_deleted_account_leaves_no_passkey_that_signs_in(app: Flask, owner: Person, admin: Person) -> None:
    nobody, passkey = Browser(app.test_client()), Authenticator()
    made = passkey.create(challenge_for(admin.browser, "/account/security/passkeys/options"))
    assert admin.post("/account/security/passkeys", credential=made).status_code == 200
    assert log_in_with(nobody, passkey).status_code == 303
    other = Browser(app.test_client())

    delete_account(admin)

    assert log_in_with(other, passkey).status_code == 422
    assert not is_signed_in(nobody)


def test_a_removed_member_who_signs_in_by_passkey_sees_nothing_of_the_organization(
    app: Flask, owner: Person, admin: Person
) -> None:
    nobody, passkey = Browser(app.test_client()), Authenticator()
    made = passkey.create(challenge_for(admin.browser, "/account/security/passkeys/options"))
    admin.post("/account/security/passkeys", credential=made)

    remove(owner, admin)

    assert log_in_with(nobody, passkey).status_code == 303
    assert nobody.get("/keys").headers["Location"].startswith("/organizations")


def log_in_with(browser: Browser, passkey: Authenticator) -> Any:
    answer = passkey.get(challenge_for(browser, "/log-in/passkey/options"))
    return browser.post("/log-in/passkey", credential=answer)


def test_keys_of_a_deleted_account_go_on_and_are_marked(owner: Person, developer: Person) -> None:
    developer.post("/keys", name="Ben's key", environment="live", scopes="checks:write", life="")

    delete_account(developer)

    assert "The member who created this key has left the organization" in owner.get("/keys").text


def test_an_invitation_by_somebody_who_was_removed_opens_nothing(
    app: Flask, owner: Person, admin: Person, nobody: Browser
) -> None:
    admin.post("/team/invitations", email="second@people.example", role="admin")
    link = link_in(mails_to(app, "second@people.example")[0])

    remove(owner, admin)

    assert nobody.get(link).status_code == 410


def test_notifications_follow_a_member_to_another_address(
    app: Flask, ada: Member, owner: Person, developer: Person, mailed: Channel
) -> None:
    take_new_address(app, developer)
    another_key(app, ada)
    send_all(app)

    assert (told(app, developer.email), told(app, NEW)) == ([], ["notification"])
    page = owner.get("/organization/notifications").text
    assert (NEW in page, developer.email in page) == (True, False)


class TestContacts:
    """They hear of breaches and of new versions of the contracts."""

    @pytest.fixture(autouse=True)
    def details(self, app: Flask, ada: Member, developer: Person) -> None:
        with app.app_context(), acting_as_system(), transaction():
            save_details(
                ada.organization_id,
                DETAILS
                | {"contact_name": "Ben", "contact_email": developer.email.upper()}
                | {"second_contact_name": "Ben", "second_contact_email": developer.email},
                by=SYSTEM,
                now=utc_now(),
            )

    def profile(self, app: Flask, ada: Member) -> OrganizationProfile:
        with app.app_context(), acting_as_system():
            return db.session.get_one(OrganizationProfile, ada.organization_id, populate_existing=True)

    def test_who_left_is_none_any_more_and_an_owner_takes_the_place(
        self, app: Flask, ada: Member, owner: Person, developer: Person
    ) -> None:
        remove(owner, developer)

        profile = self.profile(app, ada)
        assert (profile.contact_name, profile.contact_email) == ("Ada", owner.email)
        assert (profile.second_contact_name, profile.second_contact_email) == (None, None)

    def test_a_deleted_accounts_address_is_forgotten(self, app: Flask, developer: Person) -> None:
        delete_account(developer)

        assert "organization_profile" not in tables_with(app, developer.email)

    def test_a_new_address_takes_the_old_ones_place(self, app: Flask, ada: Member, developer: Person) -> None:
        take_new_address(app, developer)

        profile = self.profile(app, ada)
        assert (profile.contact_email, profile.second_contact_email) == (NEW, NEW)


class TestBilling:
    @pytest.fixture
    def customer(self, app: Flask, ada: Member, developer: Person) -> str:
        with app.app_context(), acting_as_system(), transaction():
            account = lock_account(ada.organization_id)
            account.billing_email = developer.email
            account.customer_id = gateway().make_customer(
                ada.organization_id, name="Ada", email=developer.email.title(), number=1
            )
            return account.customer_id

    def billing_email(self, app: Flask, ada: Member) -> str | None:
        with app.app_context(), acting_as_system():
            return db.session.scalar(
                select(BillingAccount.billing_email).where(BillingAccount.organization_id == ada.organization_id)
            )

    def at_stripe(self, app: Flask, ada: Member, former: str, customer: str) -> str:
        """After the worker's turn."""
        with app.app_context():
            refresh_customer_email(str(ada.organization_id), digest_of(former).hex())
        with app.app_context(), acting_as_system():
            found = gateway().customer(customer)
            assert found is not None
            return str(found["email"])

    def test_invoices_go_to_an_owner_once_their_reader_has_left(
        self, app: Flask, ada: Member, owner: Person, developer: Person, customer: str
    ) -> None:
        remove(owner, developer)

        assert self.billing_email(app, ada) is None
        assert waiting_jobs(app, "billing.jobs.refresh_customer_email") == 1
        assert self.at_stripe(app, ada, developer.email, customer) == owner.email

    def test_they_follow_a_reader_to_another_address(
        self, app: Flask, ada: Member, developer: Person, customer: str
    ) -> None:
        take_new_address(app, developer)

        assert self.billing_email(app, ada) == NEW
        assert self.at_stripe(app, ada, developer.email, customer) == NEW

    def test_an_address_of_the_accountants_stays(
        self, app: Flask, ada: Member, developer: Person, customer: str
    ) -> None:
        with app.app_context(), acting_as_system(), transaction():
            gateway().set_customer_email(customer, "accounts@firm.example")

        assert self.at_stripe(app, ada, developer.email, customer) == "accounts@firm.example"


def test_links_to_sign_and_to_join_that_went_to_somebody_who_left_are_void(
    app: Flask, ada: Member, owner: Person, developer: Person
) -> None:
    with app.app_context(), acting_as_system(), transaction():
        save_details(ada.organization_id, DETAILS, by=SYSTEM, now=utc_now())
        by = Actor(kind=ActorKind.MEMBER, id=owner.user_id)
        delegations.delegate(
            ada.organization_id, email=developer.email, sender_email="ada@people.example", by=by, now=utc_now()
        )
        db.session.add(open_invitation(ada.organization_id, developer.email, owner.user_id))

    remove(owner, developer)

    with app.app_context(), acting_as_system():
        assert delegations.pending(ada.organization_id, now=utc_now()) == []
        assert team.list_invitations(ada.organization_id) == []


def test_a_subscription_to_the_status_follows_an_account_and_ends_with_it(app: Flask, developer: Person) -> None:
    subscribed(app, developer.email)

    take_new_address(app, developer)
    assert subscriptions(app) == [NEW]
    assert developer.post("/account/security/delete-account", typed=NEW).status_code == 303
    assert subscriptions(app) == []


def test_who_never_confirmed_an_address_ends_nothing_of_its_readers(app: Flask, nobody: Browser) -> None:
    email = "victim@people.example"
    subscribed(app, email)
    sign_up(nobody, email=email)

    with app.app_context(), acting_as_system(), transaction():
        assert deletion.forget_unconfirmed(before=utc_now() + timedelta(days=40), now=utc_now() + timedelta(days=40))

    assert subscriptions(app) == [email]


class TestRequests:
    def test_the_answer_goes_to_the_address_that_the_requester_has_now(self, app: Flask, developer: Person) -> None:
        asked = ticket_id_in(ask(developer))
        take_new_address(app, developer)

        answer(app, asked, now=utc_now())

        assert [mail.recipient for mail in support_mails(app, "ticket_answered")] == [NEW]
        assert ticket_of(app, asked).requester_email == NEW

    def test_it_goes_to_the_owners_once_the_requester_left_whoever_has_that_address_now(
        self, app: Flask, owner: Person, developer: Person
    ) -> None:
        asked = ticket_id_in(ask(developer))
        remove(owner, developer)

        answer(app, asked, now=utc_now())

        assert [mail.recipient for mail in support_mails(app, "ticket_answered")] == [owner.email]

    def test_who_wrote_by_mail_from_no_organization_is_found_by_the_account_too(self, app: Flask) -> None:
        alone = person(app, "Ada")
        sender = Author("Ada", alone.email, alone.user_id)
        with app.app_context(), acting_as_system(), transaction():
            question = Question(subject="Hello", body="Hello", category=Category.QUESTION, severity=Severity.LOW)
            asked = services.open_ticket(
                new_uuid(), question, organization_id=None, author=sender, by=SYSTEM, now=utc_now()
            ).id
        take_new_address(app, alone)

        answer(app, asked, now=utc_now())

        assert [mail.recipient for mail in support_mails(app, "ticket_answered")] == [NEW]
        with app.app_context(), acting_as_system():
            ticket = db.session.get_one(Ticket, asked)
            assert requesters.person_of(ticket, Author("Ada", NEW)) is not None
            assert requesters.person_of(ticket, Author("Somebody", alone.email)) is None

    def test_nobody_is_written_to_who_is_forgotten(self, app: Flask) -> None:
        alone = person(app, "Ada")
        sender = Author("Ada", alone.email, alone.user_id)
        with app.app_context(), acting_as_system(), transaction():
            question = Question(subject="Hello", body="Hello", category=Category.QUESTION, severity=Severity.LOW)
            asked = services.open_ticket(
                new_uuid(), question, organization_id=None, author=sender, by=SYSTEM, now=utc_now()
            ).id
        delete_account(alone)

        answer(app, asked, now=utc_now())

        assert support_mails(app, "ticket_answered") == []


def subscribed(app: Flask, email: str) -> None:
    with app.app_context(), acting_as_system(), transaction():
        subscribers.ask(email, now=utc_now())
        subscribers.confirm(db.session.scalars(select(Subscriber.secret)).one(), now=utc_now())


def subscriptions(app: Flask) -> list[str]:
    with app.app_context(), acting_as_system():
        return list(db.session.scalars(select(Subscriber.email)))


def channels_of(app: Flask, owner: UUID) -> list[Any]:
    with app.app_context(), acting_as_system():
        return list(channels.every(owner))


def waiting_jobs(app: Flask, name: str) -> int:
    with app.app_context(), acting_as_system():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        found = db.session.scalar(
            text("SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = :name"), {"name": name}
        )
        db.session.rollback()
        return int(found or 0)


def open_invitation(organization_id: UUID, email: str, invited_by: UUID) -> Invitation:
    return Invitation(
        id=new_uuid(),
        organization_id=organization_id,
        email=email,
        role="viewer",
        token_hash=digest_of("secret"),
        status="pending",
        invited_by=invited_by,
        created_at=utc_now(),
        sent_at=utc_now(),
        expires_at=utc_now() + timedelta(days=7),
    )
