"""Invitations and roles; and the owner that an organization cannot lose, by any path or at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from core.audit import SYSTEM
from core.clock import utc_now
from core.db import acting_as_system, acting_for, db, transaction
from core.members import Membership, Role, User
from portal.customer.team import owners, services
from portal.customer.team.models import Invitation
from portal.customer.team.owners import LastOwner
from tests.cast import Member, organization_with_key
from tests.people import PASSWORD, Browser, Person, join, link_in, mails_to, make_user, person

NEW = "new@people.example"


def invite(owner: Person, email: str = NEW, role: str = "developer") -> int:
    return int(owner.post("/team/invitations", email=email, role=role).status_code)


def role_of(app: Flask, organization_id: UUID, user_id: UUID) -> str | None:
    with app.app_context(), acting_as_system():
        return db.session.scalar(
            select(Membership.role).where(Membership.organization_id == organization_id, Membership.user_id == user_id)
        )


def test_a_new_person_joins_by_invitation(app: Flask, owner: Person, nobody: Browser) -> None:
    assert invite(owner) == 303
    path = link_in(mails_to(app, NEW)[-1])
    assert nobody.get(path).status_code == 200

    joined = nobody.post(path, name="Nora New", password=PASSWORD)

    assert joined.status_code == 303
    assert "Nora New" in nobody.get("/team").text
    assert nobody.post(path, name="Again", password=PASSWORD).status_code == 410


def test_a_person_with_an_account_joins_and_looks_from_the_new_seat(
    app: Flask, owner: Person, stranger: Person
) -> None:
    invite(owner, stranger.email, "viewer")

    assert stranger.post(link_in(mails_to(app, stranger.email)[-1])).status_code == 303

    assert "Ada" in stranger.get("/team").text


def test_the_link_of_an_invitation_confirms_the_address_it_came_to(app: Flask, owner: Person) -> None:
    nick = person(app, "Nick", is_confirmed=False)
    invite(owner, nick.email, "owner")

    assert nick.post(link_in(mails_to(app, nick.email)[-1])).status_code == 303

    with app.app_context(), acting_as_system():
        assert db.session.get_one(User, nick.user_id).email_confirmed_at is not None
    assert "Ada" in nick.get("/team").text


def test_an_invitation_is_for_one_address(app: Flask, owner: Person, stranger: Person) -> None:
    invite(owner)
    path = link_in(mails_to(app, NEW)[-1])

    assert "different address" in stranger.get(path).text
    assert stranger.post(path).status_code == 403


@pytest.mark.parametrize("what", ["revoked", "resent", "expired", "inviter left", "inviter demoted"])
def test_an_invitation_that_is_over_opens_nothing(
    app: Flask, ada: Member, owner: Person, admin: Person, nobody: Browser, what: str
) -> None:
    invite(admin)
    path = link_in(mails_to(app, NEW)[-1])
    with app.app_context(), acting_as_system(), transaction():
        invitation = db.session.scalars(select(Invitation)).one()
        invitation_id = invitation.id
        if what == "expired":
            invitation.expires_at = utc_now() - timedelta(seconds=1)
    if what in {"revoked", "resent"}:
        verb = {"revoked": "revoke", "resent": "resend"}[what]
        assert owner.post(f"/team/invitations/{invitation_id}/{verb}").status_code == 303
    elif what == "inviter left":
        assert owner.post(f"/team/members/{admin.user_id}/remove").status_code == 303
    elif what == "inviter demoted":
        assert owner.post(f"/team/members/{admin.user_id}/role", role="viewer").status_code == 303

    assert nobody.get(path).status_code == 410
    assert nobody.post(path, name="Nora", password=PASSWORD).status_code == 410


def test_nobody_is_invited_twice_or_when_a_member_already(owner: Person, developer: Person) -> None:
    assert invite(owner) == 303
    assert invite(owner) == 409
    assert invite(owner, developer.email) == 409
    assert invite(owner, "not an address") == 422


def test_only_owners_make_owners(app: Flask, ada: Member, owner: Person, admin: Person, developer: Person) -> None:
    assert invite(admin, role="owner") == 403
    assert admin.post(f"/team/members/{developer.user_id}/role", role="owner").status_code == 403
    assert admin.post(f"/team/members/{owner.user_id}/role", role="viewer").status_code == 403
    assert admin.post(f"/team/members/{owner.user_id}/remove").status_code == 403

    assert owner.post(f"/team/members/{developer.user_id}/role", role="owner").status_code == 303
    assert role_of(app, ada.organization_id, developer.user_id) == "owner"


def test_the_last_owner_stays_whatever_is_tried(owner: Person, admin: Person) -> None:
    for path, fields in (
        ("/team/leave", {}),
        (f"/team/members/{owner.user_id}/remove", {}),
        (f"/team/members/{owner.user_id}/role", {"role": "viewer"}),
        ("/account/security/delete-account", {"typed": owner.email}),
    ):
        answer = owner.post(path, **fields)
        assert answer.status_code == 409, path
        assert "at least one owner" in answer.text


def test_who_is_removed_sees_nothing_from_that_moment(owner: Person, developer: Person) -> None:
    owner.post(f"/team/members/{developer.user_id}/remove")

    assert developer.get("/keys").headers["Location"].startswith("/organizations")


def test_keys_of_a_removed_member_go_on_and_are_marked(owner: Person, developer: Person) -> None:
    developer.post("/keys", name="Ben's key", environment="live", scopes="checks:write", life="")

    owner.post(f"/team/members/{developer.user_id}/remove")

    page = owner.get("/keys").text
    assert "The member who created this key has left the organization" in page


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Runs them in threads that start at the same moment; what each gave or raised."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        gate.wait(10)
        try:
            return act()
        except Exception as error:  # noqa: BLE001  what was raised is what is looked at
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_two_owners_cannot_remove_each_other_at_once(live_app: Flask) -> None:
    home = organization_with_key(live_app)
    first, second = (make_user(live_app, name)[0] for name in ("Ann", "Bob"))
    for user_id in (first, second):
        join(live_app, user_id, home.organization_id, Role.OWNER)

    def remove(user_id: UUID) -> None:
        with live_app.app_context(), acting_for(home.organization_id), transaction():
            owners.remove_member(home.organization_id, user_id, by=SYSTEM, now=utc_now())

    outcomes = at_once(lambda: remove(first), lambda: remove(second))

    assert [type(outcome) for outcome in outcomes if outcome] == [LastOwner]
    with live_app.app_context(), acting_as_system():
        left = db.session.scalars(select(Membership).where(Membership.organization_id == home.organization_id)).all()
    assert [member.role for member in left] == ["owner"]


def test_one_invitation_makes_one_member_however_often_it_is_pressed(live_app: Flask) -> None:
    home = organization_with_key(live_app)
    host = person(live_app, "Ann", home.organization_id)
    invite(host)
    secret = link_in(mails_to(live_app, NEW)[-1]).rpartition("/")[2]
    guest, _ = make_user(live_app, "new")

    def accept() -> object:
        with live_app.app_context(), acting_as_system(), transaction():
            user = db.session.get_one(User, guest)
            return services.accept(secret, user, by=SYSTEM, now=utc_now())

    outcomes = at_once(accept, accept, accept)

    assert sum(isinstance(outcome, services.OpenInvitation) for outcome in outcomes) == 1
    assert role_of(live_app, home.organization_id, guest) == "developer"
