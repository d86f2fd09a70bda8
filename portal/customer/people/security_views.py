"""The security page: password, second factor, passkeys, sessions, and leaving for good."""

from uuid import UUID

import segno
from flask import Response, render_template, request

from core import names, sessions
from core.access import Audience, Pages, actor, current_user, open_to
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import JSON_CONTENT_TYPE, InvalidRequest, NotFound
from core.htmx import see_other
from core.throttle import per_address, per_person
from core.views import ViewResponse
from portal.customer.people import (
    accounts,
    addresses,
    attempts,
    devices,
    new_passwords,
    passkeys,
    second_factor,
    trying,
)
from portal.customer.people.challenges import ChallengePurpose
from portal.customer.people.forms import ChangeEmailForm, ChangePasswordForm, SecondStepForm
from portal.customer.people.pace import Kind
from portal.customer.people.passkey_refusals import PasskeyUse, read_credential, recorded
from portal.customer.people.passwords import WrongPassword
from portal.customer.people.signing_in import METHODS, device_token, remember_challenge, site, take_challenge

bp = Pages("security", __name__, url_prefix="/account/security")


@bp.get("")
@open_to(Audience.SIGNED_IN)
def index() -> ViewResponse:
    return security_page()


@bp.post("/password")
@per_address("20 per hour")
@open_to(Audience.SIGNED_IN)
def change_password() -> ViewResponse:
    form = ChangePasswordForm()
    if form.validate():
        attempt = trying.begin_in_session(Kind.SESSION_PASSWORD)
        try:
            with acting_as_system(), transaction():
                new_passwords.change(
                    current_user().user_id,
                    current=form.current.data,
                    new=form.password.data,
                    breached_passwords_url=settings().breached_passwords_url,
                    session_id=current_user().session_id,
                    device=device_token(),
                    by=actor(),
                    now=utc_now(),
                )
                attempts.succeed(attempt)
        except WrongPassword as refused:
            ended = trying.fail_in_session("member.proof_failed", attempt)
            if ended is not None:
                return ended
            form.current.errors = [refused.detail]
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            return see_other("/account/security?done=password")
    return security_page(password_form=form, status=422)


@bp.post("/address")
@per_address("10 per hour")
@per_person("10 per hour")
@open_to(Audience.SIGNED_IN, fresh=True)
def change_address() -> ViewResponse:
    form = ChangeEmailForm()
    if form.validate():
        try:
            with acting_as_system(), transaction():
                addresses.ask_to_change_address(current_user().user_id, email=form.email.data, now=utc_now())
        except InvalidRequest as refused:
            form.blame(refused.errors)
        else:
            return see_other("/account/security?done=address")
    return security_page(address_form=form, status=422)


@bp.post("/authenticator/new")
@open_to(Audience.SIGNED_IN, fresh=True)
def begin_totp() -> ViewResponse:
    with acting_as_system(), transaction():
        user = accounts.lock(current_user().user_id)
        second_factor.begin_totp(user, secret_key=settings().secret_key, now=utc_now())
    return see_other("/account/security/authenticator")


@bp.get("/authenticator")
@open_to(Audience.SIGNED_IN, fresh=True)
def new_totp() -> ViewResponse:
    return _totp_page(SecondStepForm())


@bp.post("/authenticator")
@per_address("20 per 15 minutes")
@open_to(Audience.SIGNED_IN, fresh=True)
def create_totp() -> ViewResponse:
    form = SecondStepForm()
    if form.validate():
        attempt = trying.begin_in_session(Kind.SETUP_CODE)
        try:
            with acting_as_system(), transaction():
                codes = second_factor.confirm_totp(
                    accounts.lock(current_user().user_id),
                    form.code.data,
                    secret_keys=settings().secret_keys,
                    by=actor(),
                    now=utc_now(),
                )
                attempts.succeed(attempt)
        except second_factor.WrongCode as refused:
            ended = trying.fail_in_session("member.second_factor_failed", attempt)
            if ended is not None:
                return ended
            form.code.errors = [refused.detail]
        else:
            return _codes_page(codes) if codes else see_other("/account/security?done=authenticator")
    return _totp_page(form, status=422)


@bp.post("/authenticator/remove")
@open_to(Audience.SIGNED_IN, fresh=True)
def delete_totp() -> ViewResponse:
    with acting_as_system(), transaction():
        second_factor.remove_totp(accounts.lock(current_user().user_id), by=actor(), now=utc_now())
    return see_other("/account/security?done=removed")


@bp.post("/recovery-codes")
@open_to(Audience.SIGNED_IN, fresh=True)
def renew_codes() -> ViewResponse:
    with acting_as_system(), transaction():
        user = accounts.lock(current_user().user_id)
        codes = second_factor.renew_recovery_codes(user)
        accounts.note(user, "member.recovery_codes_renewed", by=actor(), now=utc_now())
    return _codes_page(codes)


@bp.post("/passkeys/options")
@open_to(Audience.SIGNED_IN, fresh=True)
def passkey_options() -> ViewResponse:
    with acting_as_system():
        options, challenge = passkeys.registration_options(accounts.lock(current_user().user_id), site=site())
    remember_challenge(challenge, ChallengePurpose.REGISTER)
    return Response(options, content_type=JSON_CONTENT_TYPE)


@bp.post("/passkeys")
@open_to(Audience.SIGNED_IN, fresh=True)
def create_passkey() -> ViewResponse:
    name = names.typable(request.form.get("name", ""), otherwise="Passkey")[:80]
    with recorded(PasskeyUse.REGISTRATION):
        credential, challenge = read_credential(), take_challenge(ChallengePurpose.REGISTER)
        with acting_as_system(), transaction():
            user, who = accounts.lock(current_user().user_id), actor()
            passkeys.register(user, credential, name=name, challenge=challenge, site=site(), by=who, now=utc_now())
            codes = second_factor.first_recovery_codes(user)
    return _codes_page(codes) if codes else see_other("/account/security?done=passkey")


@bp.post("/passkeys/<uuid:passkey_id>/remove")
@open_to(Audience.SIGNED_IN, fresh=True)
def delete_passkey(passkey_id: UUID) -> ViewResponse:
    with acting_as_system(), transaction():
        passkeys.remove(accounts.lock(current_user().user_id), passkey_id, by=actor(), now=utc_now())
    return see_other("/account/security?done=removed")


@bp.post("/sessions/<uuid:session_id>/end")
@open_to(Audience.SIGNED_IN)
def end_session(session_id: UUID) -> ViewResponse:
    with acting_as_system(), transaction():
        if not sessions.revoke(current_user().user_id, session_id, now=utc_now()):
            raise NotFound("Session not found. It may have ended.")
        accounts.note(accounts.lock(current_user().user_id), "member.session_ended", by=actor(), now=utc_now())
    return see_other("/account/security?done=session")


@bp.post("/sessions/end-others")
@open_to(Audience.SIGNED_IN)
def end_other_sessions() -> ViewResponse:
    with acting_as_system(), transaction():
        sessions.revoke_all(current_user().user_id, now=utc_now(), but=current_user().session_id)
        devices.forget(current_user().user_id, but=device_token())
        accounts.note(accounts.lock(current_user().user_id), "member.sessions_ended", by=actor(), now=utc_now())
    return see_other("/account/security?done=others")


DONE = {
    "password": "Password changed. Your other sessions were ended.",
    "address": "If the address can be used, we sent a link to it. Your email address changes once you confirm.",
    "authenticator": "Authenticator app added.",
    "passkey": "Passkey added.",
    "removed": "Removed.",
    "session": "Session ended.",
    "others": "All other sessions ended.",
}


def security_page(
    *,
    password_form: ChangePasswordForm | None = None,
    address_form: ChangeEmailForm | None = None,
    delete_error: str | None = None,
    status: int = 200,
) -> ViewResponse:
    with acting_as_system():
        guards = second_factor.guards_of(current_user().user_id)
        standing = sessions.list_active(current_user().user_id, now=utc_now())
        page = render_template(
            "portal/customer/people/security.html",
            guards=guards,
            sessions=standing,
            methods=METHODS,
            password_form=password_form or ChangePasswordForm(formdata=None),
            address_form=address_form or ChangeEmailForm(formdata=None),
            delete_error=delete_error,
            site=site(),
            done=DONE.get(request.args.get("done", "")),
        )
    return page, status


def _totp_page(form: SecondStepForm, *, status: int = 200) -> ViewResponse:
    with acting_as_system():
        user = accounts.lock(current_user().user_id)
        address = second_factor.unconfirmed_totp(user, secret_keys=settings().secret_keys)
    if address is None:
        return see_other("/account/security")
    picture = segno.make(address, error="m").svg_inline(scale=4, dark="#000", light="#fff", omitsize=True)
    secret = address.partition("secret=")[2].partition("&")[0]
    return render_template("portal/customer/people/totp.html", form=form, picture=picture, secret=secret), status


def _codes_page(codes: tuple[str, ...]) -> ViewResponse:
    return render_template("portal/customer/people/recovery_codes.html", codes=codes)
