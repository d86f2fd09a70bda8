"""The team page, and joining by invitation."""

from uuid import UUID

import msgspec
from flask import flash, render_template, request

from core import mail_failures, sessions
from core.access import (
    Audience,
    Pages,
    active_membership,
    actor,
    current_user,
    current_user_or_none,
    may,
    open_to,
)
from core.audit import ActorKind
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import InvalidRequest
from core.htmx import see_other
from core.members import MEANING, Role
from core.passwords import hash_password
from core.sessions import Method
from core.throttle import per_address
from core.views import ViewResponse
from portal.customer.people import accounts, passwords
from portal.customer.people.forms import JoinForm
from portal.customer.people.signing_in import sign_in, sign_out
from portal.customer.team import members, owners, services
from portal.customer.team.forms import InviteForm, RoleForm
from portal.paging import chosen_uuid

bp = Pages("team", __name__)

_MOST_LETTERS = 100


@bp.get("/team")
@open_to(Audience.VIEWER)
def index() -> ViewResponse:
    return _page(InviteForm(formdata=None))


@bp.post("/team/invitations")
@per_address("60 per hour")
@open_to(Audience.ADMIN, fresh=True)
def invite() -> ViewResponse:
    form = InviteForm()
    if not form.validate():
        return _page(form, status=422)
    try:
        with transaction():
            services.invite(
                active_membership().organization_id,
                email=form.email.data,
                role=Role(form.role.data),
                by_role=active_membership().role,
                inviter=current_user().email,
                by=actor(),
                now=utc_now(),
            )
    except (services.AlreadyMember, services.AlreadyInvited, owners.OwnersOnly) as refused:
        form.email.errors = [f"{refused.title}. {refused.detail}"]
        return _page(form, status=int(refused.status))
    flash(f"Invitation sent to {form.email.data}.")
    return see_other("/team")


@bp.post("/team/invitations/<uuid:invitation_id>/resend")
@per_address("30 per hour")
@open_to(Audience.ADMIN, fresh=True)
def resend(invitation_id: UUID) -> ViewResponse:
    with transaction():
        services.resend(
            active_membership().organization_id,
            invitation_id,
            by_role=active_membership().role,
            inviter=current_user().email,
            by=actor(),
            now=utc_now(),
        )
    flash("Invitation resent. The earlier link no longer works.")
    return see_other("/team")


@bp.post("/team/invitations/<uuid:invitation_id>/revoke")
@open_to(Audience.ADMIN, fresh=True, while_inactive=True)
def revoke(invitation_id: UUID) -> ViewResponse:
    with transaction():
        services.revoke(active_membership().organization_id, invitation_id, by=actor(), now=utc_now())
    flash("Invitation revoked.")
    return see_other("/team")


@bp.post("/team/members/<uuid:user_id>/role")
@open_to(Audience.ADMIN, fresh=True, while_inactive=True)
def change_role(user_id: UUID) -> ViewResponse:
    form = RoleForm()
    if not form.validate():
        raise InvalidRequest("Choose a role.")
    with transaction():
        owners.change_role(
            active_membership().organization_id,
            user_id,
            Role(form.role.data),
            by_role=active_membership().role,
            by=actor(),
            now=utc_now(),
        )
    flash("Role saved.")
    return see_other("/team")


@bp.post("/team/members/<uuid:user_id>/remove")
@open_to(Audience.ADMIN, fresh=True, while_inactive=True)
def remove(user_id: UUID) -> ViewResponse:
    with transaction():
        owners.remove_member(
            active_membership().organization_id, user_id, by_role=active_membership().role, by=actor(), now=utc_now()
        )
    flash("Member removed. API keys they may have seen are marked for rotation on the API keys page.")
    return see_other("/team")


@bp.post("/team/leave")
@open_to(Audience.VIEWER, fresh=True, while_inactive=True)
def leave() -> ViewResponse:
    with transaction():
        owners.remove_member(active_membership().organization_id, current_user().user_id, by=actor(), now=utc_now())
    return see_other("/organizations")


@bp.get("/join/<secret>")
@open_to(Audience.ANYBODY)
def show_invitation(secret: str) -> ViewResponse:
    return _join_page(secret, JoinForm(formdata=None))


@bp.post("/join/<secret>")
@per_address("20 per hour")
@open_to(Audience.ANYBODY)
def join(secret: str) -> ViewResponse:
    """Whoever is signed in with the invited address joins; a new person makes an account with it."""
    now, who = utc_now(), current_user_or_none()
    if who is not None:
        with acting_as_system(), transaction():
            opened = services.accept(secret, accounts.lock(who.user_id), by=actor(), now=now)
            sessions.choose_organization(who.session_id, opened.organization_id)
        return see_other("/")
    form = JoinForm()
    if form.validate():
        try:
            with acting_as_system(), transaction():
                return _join_as_new(secret, form)
        except InvalidRequest as refused:
            form.blame(refused.errors)
    return _join_page(secret, form, status=422)


@bp.post("/join/<secret>/as-somebody-else")
@open_to(Audience.ARRIVED)
def change_person(secret: str) -> ViewResponse:
    """Logs out whoever is signed in with another address than the invited one."""
    sign_out()
    return see_other(f"/join/{secret}")


def _join_as_new(secret: str, form: JoinForm) -> ViewResponse:
    """The mailbox was read, so the address is confirmed with it."""
    now = utc_now()
    opened = services.find_open(secret, now=now)
    accounts.hold_address(opened.email)
    if accounts.find_by_email(opened.email) is not None:
        return see_other(f"/log-in?next=/join/{secret}")
    passwords.refuse_weak(
        form.password.data,
        own_words=(opened.email, form.name.data, opened.organization_name),
        url=settings().breached_passwords_url,
    )
    user = accounts.create_user(
        email=opened.email,
        name=form.name.data,
        password_hash=hash_password(form.password.data),
        now=now,
        is_confirmed=True,
    )
    services.accept(secret, user, by=msgspec.structs.replace(actor(), kind=ActorKind.MEMBER, id=user.id), now=now)
    return sign_in(user, method=Method.PASSWORD, next_path="/")


def _page(form: InviteForm, *, status: int = 200) -> ViewResponse:
    invitations = services.list_invitations(active_membership().organization_id)
    text, after = request.args.get("q", "").strip()[:_MOST_LETTERS], chosen_uuid(request.args.get("after"))
    with acting_as_system():
        undelivered = mail_failures.undelivered_to(
            [one.email for one in invitations],
            organization_id=active_membership().organization_id,
            templates=["invitation"],
        )
    page = render_template(
        "portal/customer/team/index.html",
        form=form,
        members=members.list_page(active_membership().organization_id, text=text, after=after),
        text=text,
        is_first=after is None,
        invitations=invitations,
        undelivered=undelivered,
        roles=MEANING,
        now=utc_now(),
        may_manage=may(Audience.ADMIN, while_inactive=True),
    )
    return page, status


def _join_page(secret: str, form: JoinForm, *, status: int = 200) -> ViewResponse:
    with acting_as_system():
        opened = services.find_open(secret, now=utc_now())
        has_account = accounts.find_by_email(opened.email) is not None
        page = render_template(
            "portal/customer/team/join.html", secret=secret, opened=opened, form=form, has_account=has_account
        )
    return page, status
