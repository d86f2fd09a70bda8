"""Logging in with password and second factor, or with a passkey; proving it again; logging out."""

from flask import Response, render_template, request

from core.access import Audience, Pages, current_user_or_none, open_to, safe_path
from core.clock import utc_now
from core.current import settings
from core.db import acting_as_system, transaction
from core.errors import JSON_CONTENT_TYPE
from core.htmx import see_other
from core.sessions import Method
from core.throttle import per_account, per_address, sender
from core.views import ViewResponse
from portal.customer.people import accounts, attempts, passkeys, passwords, proof_views, second_factor, trying
from portal.customer.people.challenges import ChallengePurpose
from portal.customer.people.forms import LogInForm, SecondStepForm
from portal.customer.people.passkey_refusals import PasskeyUse, read_credential, recorded
from portal.customer.people.signing_in import (
    go_on_after_password,
    halfway,
    remember_challenge,
    sign_in,
    sign_out,
    site,
    take_challenge,
)

bp = Pages("log_in", __name__)

NOTICES = {
    "reset": "Password changed. All sessions were ended; log in with your new password.",
    "address": "Email address changed. Log in with the new address.",
    "logged-out": "You have been logged out.",
    "deleted": "Account deleted.",
    "proofs": "Your session was ended after too many wrong passwords or codes. Log in again.",
}
_WRONG = "Incorrect email address or password."


@bp.get("/log-in")
@open_to(Audience.ANYBODY)
def new() -> ViewResponse:
    if current_user_or_none():
        return see_other(safe_path(request.args.get("next")))
    return _page(LogInForm(email=request.args.get("email", "")), notice=NOTICES.get(request.args.get("after", "")))


@bp.post("/log-in")
@per_address("60 per 15 minutes", unless=trying.is_from_known_browser)
@open_to(Audience.ANYBODY)
def create() -> ViewResponse:
    form = LogInForm()
    if form.validate():
        attempt = trying.begin_password(form.email.data)
        with acting_as_system(), transaction():
            user = accounts.find_by_email(form.email.data)
            if passwords.check(user, form.password.data) and user:
                attempts.succeed(attempt)
                return go_on_after_password(user, next_path=safe_path(request.args.get("next")))
            trying.fail(user, "member.sign_in_failed", attempt)
        form.form_errors.append(_WRONG)
    return _page(form, status=422)


@bp.get("/log-in/second-step")
@open_to(Audience.ANYBODY)
def second_step() -> ViewResponse:
    if halfway() is None:
        return see_other("/log-in")
    return _second_page(SecondStepForm())


def _kind_of_code_from_here() -> str:
    """Recovery codes are counted apart: whoever guesses codes of an app must not shut the way round it."""
    kind = "app" if second_factor.is_of_app(request.form.get("code", "")) else "recovery"
    return f"{kind} code from {sender()}"


@bp.post("/log-in/second-step")
@per_account("60 per 15 minutes", key=_kind_of_code_from_here)
@open_to(Audience.ANYBODY)
def take_second_step() -> ViewResponse:
    form, waiting = SecondStepForm(), halfway()
    if waiting is None:
        return see_other("/log-in")
    if form.validate():
        user_id, next_path = waiting
        attempt = trying.begin_code(user_id, is_of_app=second_factor.is_of_app(form.code.data))
        try:
            with acting_as_system(), transaction():
                user = accounts.lock(user_id)
                method = second_factor.use_code(user, form.code.data, secret_keys=settings().secret_keys, now=utc_now())
                attempts.succeed(attempt)
                return sign_in(user, method=method, next_path=next_path)
        except second_factor.WrongCode as refused:
            form.code.errors = [refused.detail]
            with acting_as_system(), transaction():
                trying.fail(accounts.lock(user_id), "member.second_factor_failed", attempt)
    return _second_page(form, status=422)


@bp.post("/log-in/passkey/options")
@per_address("60 per 15 minutes")
@open_to(Audience.ANYBODY)
def passkey_options() -> ViewResponse:
    options, challenge = passkeys.sign_in_options(site=site())
    remember_challenge(challenge, ChallengePurpose.SIGN_IN)
    return Response(options, content_type=JSON_CONTENT_TYPE)


@bp.post("/log-in/passkey")
@per_address("30 per 15 minutes")
@open_to(Audience.ANYBODY)
def use_passkey() -> ViewResponse:
    """Signs in whoever's passkey it is; for who is signed in already, proves it anew."""
    next_path = safe_path(request.form.get("next"))
    with recorded(PasskeyUse.LOG_IN):
        credential, challenge = read_credential(), take_challenge(ChallengePurpose.SIGN_IN)
        with acting_as_system(), transaction():
            user, who = (
                passkeys.use(credential, challenge=challenge, site=site(), now=utc_now()),
                current_user_or_none(),
            )
            if who is None or who.user_id != user.id:
                return sign_in(user, method=Method.PASSKEY, next_path=next_path)
            return proof_views.go_on(Method.PASSKEY, next_path)


@bp.post("/log-out")
@open_to(Audience.ARRIVED)
def log_out() -> ViewResponse:
    sign_out()
    answer = see_other("/log-in?after=logged-out")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _page(form: LogInForm, *, notice: str | None = None, status: int = 200) -> ViewResponse:
    next_path = safe_path(request.args.get("next"))
    return (
        render_template(
            "portal/customer/people/log_in.html", form=form, notice=notice, next_path=next_path, site=site()
        ),
        status,
    )


def _second_page(form: SecondStepForm, *, status: int = 200) -> ViewResponse:
    waiting = halfway()
    with acting_as_system():
        guards = second_factor.guards_of(waiting[0]) if waiting else None
        return (
            render_template(
                "portal/customer/people/second_step.html",
                form=form,
                guards=guards,
                site=site(),
                next_path=waiting[1] if waiting else "/",
            ),
            status,
        )
